import { expect } from 'chai';

import { makeHealer } from '../../src/node/heal.ts';
import type { Observation } from '../../src/node/observation.ts';
import type { Applied, NodeState, OwnedAddress } from '../../src/node/state.ts';
import { keepingLog } from '../support/keeping-log.ts';
import { wantedInstance } from '../support/wanted.ts';

describe('what a node puts right', () => {
  const applied: Applied = {
    orders: { store: 's', epoch: 1, revision: 1, digest: '' },
    wanted: { instances: [wantedInstance()] },
    watch: [],
    refreshSeconds: 60,
  };
  let owned: readonly OwnedAddress[];
  let removed: string[];
  let time: number;
  let healer: ReturnType<typeof makeHealer>;
  beforeEach(() => {
    owned = [{ interface: 'eth1', address: '10.77.0.100/24' }];
    [removed, time] = [[], 0];
    healer = makeHealer({
      state: {
        current: () => applied,
        owned: () => owned,
        setOwned: (next: readonly OwnedAddress[]) => {
          owned = next;
          return Promise.resolve();
        },
      } as NodeState,
      isBusy: () => false,
      isInPlace: () => Promise.resolve(true),
      converge: () => Promise.resolve(),
      reload: () => Promise.resolve(true),
      deleteAddress: (_device, address) => {
        removed.push(address);
        return Promise.resolve();
      },
      log: keepingLog().log,
      now: () => time,
    });
  });

  const seen = (more: Partial<Observation>): Observation => ({
    applied,
    version: '2.2.7',
    pid: 1,
    stopped: [],
    isStopping: false,
    instances: [],
    interfaces: new Map([['eth1', { name: 'eth1', addresses: [], isUp: true }]]),
    seen: [],
    others: [],
    ...more,
  });
  const heal = async (observation: Observation) => {
    healer.heal(observation);
    await healer.ended();
  };

  it('remembers its addresses if an order ended after the look', async () => {
    await heal(seen({ applied: undefined }));
    expect(owned).to.have.length(1);
  });

  it('forgets an address that is neither ordered nor there any more', async () => {
    owned = [...owned, { interface: 'eth1', address: '10.77.0.7/24' }];
    await heal(seen({}));
    expect(owned.map(({ address }) => address)).to.deep.equal(['10.77.0.100/24']);
  });

  it('removes a left address only when it stays', async () => {
    const address = '10.77.0.7/24';
    owned = [{ interface: 'eth1', address }];
    const left = seen({
      interfaces: new Map([['eth1', { name: 'eth1', addresses: [address], isUp: true }]]),
    });
    await heal(left);
    time = 1000;
    await heal(seen({ applied }));
    await heal(left);
    owned = [{ interface: 'eth1', address }];
    time = 1600;
    await heal(left);
    expect(removed).to.deep.equal([]);
    time = 3200;
    await heal(left);
    expect(removed).to.deep.equal(['10.77.0.7']);
  });
});
