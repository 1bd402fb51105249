import { expect } from 'chai';

import { makeGuessBrake } from '../../src/access/guess-brake.ts';
import { faultOf } from '../support/faults.ts';
import { keepingLog } from '../support/keeping-log.ts';

describe('the brake on guesses', () => {
  function bench() {
    const delays: number[] = [];
    const clock = { ms: 0 };
    const wait = (ms: number) => {
      delays.push(ms);
      return Promise.resolve();
    };
    const { log, lines } = keepingLog();
    return { delays, clock, lines, brake: makeGuessBrake(log, wait, () => clock.ms) };
  }

  it('lets a few slips pass, then doubles the wait up to 5 s', async () => {
    const { delays, brake } = bench();
    for (let guess = 0; guess < 10; guess += 1) await brake.wrongToken('192.0.2.1');
    expect(delays).to.deep.equal([250, 500, 1000, 2000, 4000, 5000, 5000]);
  });

  it('tells the log once, not a line a guess', async () => {
    const { lines, brake } = bench();
    for (let guess = 0; guess < 20; guess += 1) await brake.wrongToken('192.0.2.1');
    expect(lines).to.deep.equal([{ level: 'warn', source: '192.0.2.1' }]);
  });

  it('holds each source up for itself', async () => {
    const { delays, brake } = bench();
    for (let guess = 0; guess < 4; guess += 1) await brake.wrongToken('192.0.2.1');
    await brake.wrongToken('192.0.2.2');
    expect(delays).to.deep.equal([250]);
  });

  it('takes all addresses of an IPv6 network of 64 bits for one source', async () => {
    const { delays, brake } = bench();
    for (const host of [
      '2001:db8:1:2::1',
      '2001:db8:1:2:3:4:5:6',
      '2001:db8:1:2::',
      '2001:db8:1:2:ffff::9',
    ]) {
      await brake.wrongToken(host);
    }
    await brake.wrongToken('2001:db8:1:3::1');
    expect(delays).to.deep.equal([250]);
  });

  it('takes an IPv4 address for the same whichever way it is written', async () => {
    const { delays, brake } = bench();
    for (const host of ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.1']) {
      await brake.wrongToken(host);
    }
    expect(delays).to.deep.equal([250]);
  });

  it('forgets a source that was quiet for ten minutes', async () => {
    const { delays, clock, brake } = bench();
    for (let guess = 0; guess < 4; guess += 1) await brake.wrongToken('192.0.2.1');
    clock.ms += 600_000;
    await brake.wrongToken('192.0.2.1');
    expect(delays).to.deep.equal([250]);
  });

  it('refuses at once a source that opens many connections to guess faster', async () => {
    const brake = makeGuessBrake(keepingLog().log, () => new Promise(() => undefined));
    for (let guess = 0; guess < 3; guess += 1) await brake.wrongToken('192.0.2.1');
    for (let guess = 0; guess < 8; guess += 1) void brake.wrongToken('192.0.2.1');
    const fault = await faultOf('too_many_attempts', brake.wrongToken('192.0.2.1'));
    expect(fault.retryAfterSeconds).to.equal(5);
  });
});
