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

  it('allows a few wrong guesses, then doubles the wait up to 5 s', async () => {
    const { delays, brake } = bench();
    for (let guess = 0; guess < 10; guess += 1) await brake.wrongToken('192.0.2.1');
    expect(delays).to.deep.equal([250, 500, 1000, 2000, 4000, 5000, 5000]);
  });

  it('logs one line per source, not one per guess', async () => {
    const { lines, brake } = bench();
    for (let guess = 0; guess < 20; guess += 1) await brake.wrongToken('192.0.2.1');
    expect(lines).to.deep.equal([{ level: 'warn', source: '192.0.2.1' }]);
  });

  it('delays each source independently', async () => {
    const { delays, brake } = bench();
    for (let guess = 0; guess < 4; guess += 1) await brake.wrongToken('192.0.2.1');
    await brake.wrongToken('192.0.2.2');
    expect(delays).to.deep.equal([250]);
  });

  it('counts all addresses of an IPv6 /64 network as one source', async () => {
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

  it('counts an IPv4 address and its IPv6-mapped form as one source', async () => {
    const { delays, brake } = bench();
    for (const host of ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.1']) {
      await brake.wrongToken(host);
    }
    expect(delays).to.deep.equal([250]);
  });

  it('forgets a source that has been quiet for ten minutes', async () => {
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
