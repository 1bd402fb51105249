import { expect } from 'chai';

import { changesBench, nodes, outcomeOf } from '../../support/changes-bench.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { other } = nodes;
const device = 'failoverMeasure_ipmi_bitcoin';
/** A name that nothing else has, so that a search finds every place that it reaches. */
const mark = 'BAD';

describe('a change is refused, and starts nothing,', () => {
  const folder = temporaryFolder();

  describe('if its object does not exist:', () => {
    for (const [method, path, body, code] of [
      ...[
        'update',
        'restart',
        'manage',
        'unmanage',
        'unclone',
        'clone',
        'clear',
        'migrate',
        'ban',
      ].map(
        (action) =>
          ['POST', `resource/${mark}/${action}`, fieldsOf(action), 'resource_not_found'] as const,
      ),
      ...['stop', 'start', 'delete', 'cleanup'].map(
        (action) => ['GET', `resource/${mark}/${action}`, {}, 'resource_not_found'] as const,
      ),
      ['POST', 'resource/SMB/ban', { node: mark }, 'node_not_found'],
      ['POST', 'resource/SMB/migrate', { node: mark }, 'node_not_found'],
      ['POST', 'resource/group/set', { groupName: 'G', resources: [mark] }, 'resource_not_found'],
      [
        'POST',
        'resource/group/set',
        { groupName: 'G', resources: ['SMB'], order: { position: 'after', resource: mark } },
        'resource_not_found',
      ],
      [
        'POST',
        'resource/group/remove',
        { groupName: mark, resources: ['SMB'] },
        'resource_not_found',
      ],
      ['DELETE', `resource/group/${mark}`, {}, 'resource_not_found'],
      [
        'POST',
        'resource',
        { name: 'A', resource_agent: `ocf:heartbeat:${mark}` },
        'agent_not_found',
      ],
      ['POST', 'resource', { name: 'A', resource_agent: 'ocf:heartbeat' }, 'agent_not_found'],
      ['POST', 'stonith/create', { name: 'A', agent: `fence_${mark}` }, 'agent_not_found'],
      ['POST', `stonith/${mark}/delete`, {}, 'resource_not_found'],
      ['POST', 'stonith/SMB/update', { meta: { a: 1 } }, 'resource_not_found'],
      [
        'POST',
        'stonith/level/create',
        { level: 1, node_name: mark, stonith_name: device },
        'node_not_found',
      ],
      [
        'POST',
        'stonith/level/create',
        { level: 1, node_name: other, stonith_name: mark },
        'resource_not_found',
      ],
      [
        'POST',
        'stonith/level/create',
        { level: 1, node_name: other, stonith_name: 'SMB' },
        'resource_not_found',
      ],
      [
        'POST',
        'stonith/level/9/delete',
        { node_name: other, stonith_name: device },
        'level_not_found',
      ],
      ['POST', `constraint/${mark}/delete`, {}, 'constraint_not_found'],
      [
        'POST',
        'constraint/order',
        { first: { resource: mark }, then: { resource: 'SMB' } },
        'resource_not_found',
      ],
      [
        'POST',
        'constraint/order_group',
        { setOne: { resources: ['SMB'] }, setTwo: { resources: [mark] } },
        'resource_not_found',
      ],
      ['POST', 'constraint/colocation', { first: 'SMB', then: mark }, 'resource_not_found'],
      ['POST', 'constraint/colocation_group', { resources: ['SMB', mark] }, 'resource_not_found'],
      ['POST', 'constraint/location', { resource: mark, location: other }, 'resource_not_found'],
      [
        'POST',
        'constraint/location',
        { resource: 'SMB', locations: [other, mark] },
        'node_not_found',
      ],
      ['POST', 'constraint/ticket', { ticket: 'T', resource: mark }, 'resource_not_found'],
      ...['standby', 'online', 'fence', 'delete'].map(
        (action) => ['GET', `node/${mark}/${action}`, {}, 'node_not_found'] as const,
      ),
      ...['maintenance', 'unmaintenance'].map(
        (action) => ['POST', `node/${mark}/${action}`, {}, 'node_not_found'] as const,
      ),
      ['POST', `property/${mark}/set`, { value: '1' }, 'property_not_found'],
      ['GET', `property/${mark}/delete`, {}, 'property_not_set'],
      ['POST', `services/${mark}.service/start`, {}, 'service_not_found'],
      ['POST', 'services/sshd/stop', {}, 'service_not_found'],
    ] as const) {
      it(`${method} ${path} ${JSON.stringify(body)}`, async () => {
        const { call, cluster } = await changesBench(folder.path);
        expect(outcomeOf(await call(method, path, body))).to.deep.equal([404, code]);
        expect(cluster.changes()).to.deep.equal([]);
        expect(JSON.stringify(cluster.calls)).not.to.include(mark);
      });
    }
  });

  describe('if its name is taken:', () => {
    for (const [path, body] of [
      ['resource', { name: 'SMB', resource_agent: 'ocf:heartbeat:Dummy' }],
      ['resource', { name: 'startingSMB', resource_agent: 'ocf:heartbeat:Dummy' }],
      ['stonith/create', { name: 'SMB', agent: 'fence_dummy' }],
      ['stonith/create', { name: device, agent: 'fence_dummy' }],
      ['resource/group/set', { groupName: 'ZFS', resources: ['SMB'] }],
      ['resource/SMB/clone', { clone_name: 'ZFS' }],
      [
        'constraint/order',
        { name: 'ZFS', first: { resource: 'ZFS' }, then: { resource: 'Alphorn' } },
      ],
      ['constraint/location', { name: 'startingSMB', resource: 'SMB', location: other }],
    ] as const) {
      it(`POST ${path} ${JSON.stringify(body)}`, async () => {
        const { call, cluster } = await changesBench(folder.path);
        expect(outcomeOf(await call('POST', path, body))).to.deep.equal([409, 'id_exists']);
        expect(cluster.changes()).to.deep.equal([]);
      });
    }
  });

  it('if it sets a constraint of an unknown type', async () => {
    const { call, cluster } = await changesBench(folder.path);
    for (const type of ['ordering', 'raw', mark, '-x', '../order']) {
      const answer = await call('POST', `constraint/${encodeURIComponent(type)}`, { first: 'A' });
      expect(answer.status, type).to.be.within(400, 499);
    }
    expect(cluster.calls).to.deep.equal([]);
  });
});

/** Fields that the action needs or may have. */
function fieldsOf(action: string): object {
  if (['clear', 'migrate', 'ban'].includes(action)) return { node: other };
  return ['update', 'clone'].includes(action) ? { meta: { a: 1 } } : {};
}
