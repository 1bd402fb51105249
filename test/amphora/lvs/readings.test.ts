import { expect } from 'chai';

import { type LvsConfigured, lvsPoolsOf } from '../../../src/amphora/lvs/readings.ts';
import { parseLvsServices } from '../../../src/parsers/ipvsadm.ts';

const config: LvsConfigured = {
  protocol: 'UDP',
  isEnabled: true,
  vips: [{ address: '10.0.0.2', port: 80 }],
  pool: { id: 'pool', isEnabled: true },
  monitor: undefined,
  members: [
    { id: 'a', address: '10.0.0.98', port: 82, weight: 1 },
    { id: 'b', address: '10.0.0.99', port: 82, weight: 1 },
  ],
  disabledMembers: [],
};

/** What IPVS has of the listener, with these members. */
function tables(...members: string[]) {
  const lines = members.map((address) => `  -> ${address}:82   Masq    1      2          3`);
  return { services: parseLvsServices(['UDP  10.0.0.2:80 wrr', ...lines].join('\n')), stats: [] };
}

const statusesOf = (of: LvsConfigured, ...members: string[]) => statuses(of, members, false);

const statuses = (of: LvsConfigured, members: readonly string[], isRestarting: boolean) =>
  lvsPoolsOf(of, tables(...members), isRestarting).map(({ status, members: each }) => [
    status,
    ...each.map((member) => member.status),
  ]);

describe('the members of an LVS listener without a monitor', () => {
  it('have no check, and are down only if the kernel has others but not them', () => {
    expect(statusesOf(config, '10.0.0.98', '10.0.0.99')).to.deep.equal([
      ['UP', 'no check', 'no check'],
    ]);
    expect(statusesOf(config, '10.0.0.98')).to.deep.equal([['UP', 'no check', 'DOWN']]);
    expect(statusesOf(config)).to.deep.equal([['UP', 'no check', 'no check']]);
  });
});

describe('a missing member of an LVS listener that runs an older configuration', () => {
  it('is restarting, and its pool is down if all are', () => {
    const monitored = { ...config, monitor: 'm' };
    expect(statuses(monitored, ['10.0.0.98'], true)).to.deep.equal([['UP', 'UP', 'RESTARTING']]);
    expect(statuses(monitored, [], true)).to.deep.equal([['DOWN', 'RESTARTING', 'RESTARTING']]);
  });
});

describe('the pool of an LVS listener', () => {
  it('is down if its monitor has taken out all members', () => {
    expect(statusesOf({ ...config, monitor: 'm' })).to.deep.equal([['DOWN', 'DOWN', 'DOWN']]);
  });

  it('is left out if it is disabled', () => {
    expect(statusesOf({ ...config, pool: { id: 'pool', isEnabled: false } })).to.deep.equal([]);
  });
});
