import { expect } from 'chai';

import type { Observation } from '../../src/node/observation.ts';
import { makeObserver, type Observer } from '../../src/node/observer.ts';
import { keepingLog } from '../support/keeping-log.ts';

describe('the observer of keepalived', () => {
  const answering: Observation = {
    applied: undefined,
    version: '2.2.7',
    pid: 7,
    stopped: [],
    isStopping: false,
    instances: [],
    interfaces: new Map(),
    seen: [],
    others: [],
  };
  const silent: Observation = { ...answering, instances: undefined };

  let seen: Observation;
  let observer: Observer;
  beforeEach(async () => {
    seen = answering;
    observer = makeObserver({
      look: () => Promise.resolve(seen),
      healer: { heal: () => undefined, ended: () => Promise.resolve(), healed: () => [] },
      log: keepingLog().log,
      everyMs: 3_600_000,
    });
    observer.start();
    await observer.again();
  });
  afterEach(() => observer.stop());

  const isAnswering = async (now: Observation): Promise<boolean> => {
    seen = now;
    await observer.again();
    return (await observer.current()).isAnswering;
  };

  it('takes keepalived for silent only after three looks without an answer', async () => {
    expect(await isAnswering(silent)).to.equal(true);
    expect(await isAnswering(silent)).to.equal(true);
    expect(await isAnswering(silent)).to.equal(false);
    expect(await isAnswering(answering)).to.equal(true);
  });

  it('takes it for silent at once if it is about to end', async () => {
    expect(await isAnswering({ ...silent, isStopping: true })).to.equal(false);
  });

  it('looks again by itself until a keepalived that is about to end has ended', async () => {
    await isAnswering({ ...answering, isStopping: true });
    const { sequence } = await observer.current();
    seen = { ...silent, pid: undefined };
    await observer.after(sequence, 60_000);
    expect((await observer.current()).isAnswering).to.equal(false);
  });

  it('goes by an answer even if each instance was stopped', async () => {
    expect(await isAnswering({ ...answering, isStopping: true })).to.equal(true);
  });
});
