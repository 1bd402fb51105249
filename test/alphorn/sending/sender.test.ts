import { expect } from 'chai';
import sinon from 'sinon';

import type { OwnLiferaft } from '../../../src/alphorn/collecting/own-liferaft.ts';
import type { PeerClient } from '../../../src/alphorn/sending/peer-client.ts';
import { maxPauseMs, makeSender, type Sender } from '../../../src/alphorn/sending/sender.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { liferaftOf } from '../../support/liferafts.ts';

// These tests only depend on time. daemon.test.ts has those with real peers.

const destination = '192.0.2.1';
const unreachable = new Fault('peer_unreachable', 'Nobody is there.');

describe('the pauses between tries of one destination', () => {
  let clock: sinon.SinonFakeTimers;
  let sender: Sender;
  /** The times of the attempts, in milliseconds. */
  let tries: number[];
  /** The outcome of an attempt. */
  let outcome: () => ReturnType<PeerClient['heartbeat']>;
  let lines: ReturnType<typeof keepingLog>['lines'];

  const liferaft = (generation = 1): OwnLiferaft => {
    const { manifest, digest, bytes } = liferaftOf({ generation });
    return { manifest, digest, size: bytes.length, path: '/nonexistent' };
  };
  const offer = (ask = true) => {
    sender.offer(liferaft(), ask);
  };
  const pauses = () => tries.slice(1).map((at, index) => at - (tries[index] ?? 0));

  function makeWith(random: number): void {
    const record = keepingLog();
    lines = record.lines;
    sender = makeSender({
      destination,
      isThisHost: () => Promise.resolve(false),
      connect: () => ({
        heartbeat() {
          tries.push(Date.now());
          return outcome();
        },
        push: () => Promise.reject(new Error('nothing is to be sent')),
        close: () => undefined,
      }),
      accepted: { has: () => Promise.resolve(true), add: () => Promise.resolve() },
      log: record.log,
      random: () => random,
    });
  }

  beforeEach(() => {
    clock = sinon.useFakeTimers();
    tries = [];
    outcome = () => Promise.reject(unreachable);
    makeWith(0);
  });
  afterEach(() => {
    clock.restore();
  });

  it('double from a second to five minutes', async () => {
    offer();
    await clock.tickAsync(2_000_000);
    const seconds = pauses().map((ms) => ms / 1000);
    expect(seconds.slice(0, 11)).to.deep.equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  it('are randomly shorter by up to a half, so that hosts do not try together', async () => {
    makeWith(1);
    offer();
    await clock.tickAsync(2_000_000);
    expect(pauses().slice(0, 3)).to.deep.equal([500, 1000, 2000]);
    expect(Math.max(...pauses())).to.equal(maxPauseMs / 2);
  });

  it('are not cut short by a new liferaft, nor by a round', async () => {
    offer();
    await clock.tickAsync(10_000);
    const before = tries.length;
    for (let generation = 2; generation < 8; generation += 1) {
      sender.offer(liferaft(generation), true);
      await clock.tickAsync(100);
    }
    expect(tries.length).to.equal(before);
  });

  it('are cut short by a sync', async () => {
    offer();
    await clock.tickAsync(100_000);
    const before = tries.length;
    await sender.sync();
    expect(tries.length).to.equal(before + 1);
  });

  it('are not cut short by a sync during an attempt that succeeds', async () => {
    outcome = () => Promise.resolve({ held: true });
    offer();
    await sender.sync();
    expect(tries).to.have.length(1);
  });

  it('start again from a second after a success', async () => {
    offer();
    await clock.tickAsync(100_000);
    outcome = () => Promise.resolve({ held: true });
    await sender.sync();
    outcome = () => Promise.reject(unreachable);
    tries = [];
    offer();
    await clock.tickAsync(3000);
    expect(pauses()).to.deep.equal([1000, 2000]);
  });

  it('end with the sender', async () => {
    offer();
    await clock.tickAsync(0);
    await sender.stop();
    expect(clock.countTimers()).to.equal(0);
    await clock.tickAsync(1_000_000);
    expect(tries).to.have.length(1);
  });

  it('cause only one line in the log until the reason changes', async () => {
    offer();
    await clock.tickAsync(2_000_000);
    expect(lines.map(({ code }) => code)).to.deep.equal(['peer_unreachable']);
    outcome = () => Promise.reject(new Fault('peer_refused', 'No.'));
    await clock.tickAsync(2_000_000);
    outcome = () => Promise.resolve({ held: true });
    await clock.tickAsync(2_000_000);
    const codes = lines.map(({ level, code }) => code ?? level);
    expect(codes).to.deep.equal(['peer_unreachable', 'peer_refused', 'info']);
  });

  it('do not hide for how long the destination lags behind', async () => {
    offer();
    await clock.tickAsync(60_000);
    expect(sender.status()).to.include({ state: 'failing', lagMs: 60_000, lastSuccess: null });
    outcome = () => Promise.resolve({ held: true });
    await sender.sync();
    expect(sender.status()).to.include({ state: 'synced', lagMs: null });
  });

  it('do not start a second attempt for a destination that hangs', async () => {
    outcome = () => new Promise(() => undefined);
    offer();
    for (let count = 0; count < 10; count += 1) {
      await clock.tickAsync(30_000);
      offer();
    }
    expect(tries).to.have.length(1);
    expect(sender.status().state).to.equal('pending');
  });

  it('do not apply to a destination with the current liferaft, which is only asked when it is due', async () => {
    outcome = () => Promise.resolve({ held: true });
    offer();
    await clock.tickAsync(0);
    offer(false);
    await clock.tickAsync(0);
    expect(tries).to.have.length(1);
    offer();
    await clock.tickAsync(0);
    expect(tries).to.have.length(2);
  });
});
