import { expect } from 'chai';

import { makeAsking } from '../../src/node/asking.ts';
import type { VrrpInstance, VrrpState } from '../../src/parsers/keepalived/dump.ts';

describe('how often keepalived is asked', () => {
  let time: number;
  let asked: number;
  let waited: number | undefined;
  let pid: number;
  let state: VrrpState;
  let transitions: number;
  let ask: ReturnType<typeof makeAsking>;
  beforeEach(() => {
    [time, asked, pid, state, transitions] = [0, 0, 7, 'MASTER', 1];
    const instance = (): VrrpInstance => ({
      name: 'vg_1',
      state,
      // A reload sets it to its own time.
      since: time,
      transitions,
      interface: 'eth1',
      routerId: 1,
      priority: 1,
      effectivePriority: 1,
      interval: 1,
      preempt: true,
      refreshSeconds: 60,
      addresses: [],
    });
    ask = makeAsking(
      {
        pid: () => Promise.resolve(pid),
        processes: () => Promise.resolve([{ pid, isStopped: false }]),
        instances: (maxMs) => {
          asked += 1;
          waited = maxMs;
          return Promise.resolve([instance()]);
        },
      },
      () => time,
    );
  });
  const eth1 = (...addresses: string[]) =>
    new Map([['eth1', { name: 'eth1', addresses, isUp: true }]]);
  const looks = async (count: number, interfaces = eth1(), isHinted = false) => {
    asked = 0;
    for (let look = 0; look < count; look += 1) {
      await ask(interfaces, { isHinted, isStopping: false });
      time += 1000;
    }
    return asked;
  };

  it('is each time after a sign, and each five seconds without one', async () => {
    expect(await looks(4)).to.equal(4);
    expect(await looks(20)).to.equal(4);
    expect(await looks(1, eth1(), true)).to.equal(1);
    expect(await looks(3)).to.equal(3);
    expect(await looks(5)).to.be.at.most(2);
    expect(await looks(1, eth1('10.0.0.1/24'))).to.equal(1);
    await looks(9, eth1('10.0.0.1/24'));
    pid = 8;
    expect(await looks(1, eth1('10.0.0.1/24'))).to.equal(1);
  });

  it('is without a long wait if it has stopped its instances', async () => {
    await ask(eth1(), { isHinted: true, isStopping: false });
    expect(waited).to.equal(undefined);
    await ask(eth1(), { isHinted: true, isStopping: true });
    expect(waited).to.equal(100);
  });

  const sinceNow = async () =>
    (await ask(eth1(), { isHinted: true, isStopping: false })).instances?.[0]?.since;

  it('has the time of the last transition, and not of a reload', async () => {
    time = 5;
    expect(await sinceNow()).to.equal(5);
    time = 6;
    expect(await sinceNow()).to.equal(5);
    transitions += 2;
    expect(await sinceNow()).to.equal(6);
    [time, state] = [7, 'BACKUP'];
    expect(await sinceNow()).to.equal(7);
    [time, pid] = [8, 9];
    expect(await sinceNow()).to.equal(8);
  });
});
