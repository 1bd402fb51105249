import { expect } from 'chai';
import fc from 'fast-check';

import type { WantedBalancer, WantedPool } from '../../../src/balancer/deploying.ts';
import { renderHaproxy } from '../../../src/balancer/render/haproxy.ts';
import { serverChanges } from '../../../src/balancer/render/server-changes.ts';
import { backendName } from '../../../src/balancer/render/lines.ts';
import { balancers } from './arbitrary.ts';
import { balancer, idOf, listener, member, pool } from './samples.ts';

const withMembers = (...members: WantedPool['members']) =>
  renderHaproxy(balancer([listener()], [pool({ members })]), 1);
const backend = backendName(idOf(3, 1), idOf(2, 1));
const server = idOf(4, 1);

/** The same tree with other weights and states of all members. */
function changed(wanted: WantedBalancer): WantedBalancer {
  const pools = wanted.pools.map((each) => ({
    ...each,
    members: each.members.map((one) => ({
      ...one,
      weight: (one.weight + 1) % 257,
      isEnabled: !one.isEnabled,
    })),
  }));
  return { ...wanted, pools };
}

describe('what has to be set so that a process runs another file', () => {
  it('is nothing for the same file', () => {
    const text = withMembers(member(1), member(2));
    expect(serverChanges(text, text)).to.deep.equal([]);
  });

  it('is the weight alone if that differs', () => {
    const text = withMembers(member(1, { weight: 0 }), member(2));
    expect(serverChanges(withMembers(member(1), member(2)), text)).to.deep.equal([
      { backend, server, weight: 0, isEnabled: undefined },
    ]);
  });

  it('is whether a member is enabled if that differs', () => {
    const [enabled, disabled] = [
      withMembers(member(1)),
      withMembers(member(1, { isEnabled: false })),
    ];
    const change = { backend, server, weight: undefined };
    expect(serverChanges(enabled, disabled)).to.deep.equal([{ ...change, isEnabled: false }]);
    expect(serverChanges(disabled, enabled)).to.deep.equal([{ ...change, isEnabled: true }]);
  });

  it('is in each backend of a pool that two listeners use', () => {
    const twice = (weight: number) =>
      renderHaproxy(
        balancer(
          [listener(), listener({ id: idOf(2, 2), port: 81 })],
          [pool({ members: [member(1, { weight })] })],
        ),
        1,
      );
    expect(serverChanges(twice(1), twice(2))?.map((each) => each.backend)).to.deep.equal([
      backend,
      backendName(idOf(3, 1), idOf(2, 2)),
    ]);
  });

  for (const [what, other] of Object.entries({
    'another port of a member': withMembers(member(1, { port: 81 })),
    'one member more': withMembers(member(1), member(2)),
    'another monitor address': withMembers(member(1, { monitorAddress: '10.0.0.9' })),
    'a weight together with another port': withMembers(member(1, { port: 81, weight: 5 })),
    'a monitor more': renderHaproxy(
      balancer([listener()], [pool({ members: [member(1)], monitor: null })]),
      1,
    ),
    'the same line in the backend of another pool': withMembers(member(1)).replaceAll(
      backend,
      backendName(idOf(3, 9), idOf(2, 1)),
    ),
    'the comment of a certificate that has changed': `${withMembers(member(1))}# certificate a.pem 0\n`,
    'another port of the listener': renderHaproxy(
      balancer([listener({ port: 81 })], [pool({ members: [member(1)] })]),
      1,
    ),
  })) {
    it(`is a reload for ${what}`, () => {
      expect(serverChanges(withMembers(member(1)), other)).to.equal(undefined);
    });
  }

  it('is a reload for a weight where the pool balances by the source, and not for a state', () => {
    const bySource = (more: Parameters<typeof member>[1]) =>
      renderHaproxy(
        balancer([listener()], [pool({ algorithm: 'SOURCE_IP', members: [member(1, more)] })]),
        1,
      );
    expect(serverChanges(bySource({}), bySource({ weight: 2 }))).to.equal(undefined);
    expect(serverChanges(bySource({}), bySource({ isEnabled: false }))).to.have.length(1);
  });

  it('is found for every member of generated trees', () => {
    fc.assert(
      fc.property(balancers, (wanted) => {
        const other = changed(wanted);
        const found = serverChanges(renderHaproxy(wanted, 1), renderHaproxy(other, 1));
        if (wanted.pools.some(({ algorithm }) => algorithm === 'SOURCE_IP')) return;
        for (const { server: id, weight, isEnabled } of found ?? []) {
          const members = other.pools.flatMap((each) => each.members);
          const same = members.filter((each) => each.id === id);
          expect(same.map((each) => [each.weight, each.isEnabled])).to.deep.include([
            weight,
            isEnabled,
          ]);
        }
        const lines = renderHaproxy(other, 1).split('\n');
        expect(found).to.have.length(lines.filter((each) => each.startsWith('    server ')).length);
      }),
      { numRuns: 200 },
    );
  });
});
