import { expect } from 'chai';

import { changesBench, type Method, outcomeOf, storageCib } from '../../support/changes-bench.ts';
import { fakeCluster } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** One refusal of each kind: by the request, by existing objects, by the rules of an agent, by the CIB's schema. */
const refused: readonly [
  Method,
  path: string,
  body: object,
  outcome: [status: number, code: string],
][] = [
  [
    'POST',
    'resource',
    { name: '😀', resource_agent: 'ocf:pacemaker:Dummy' },
    [400, 'invalid_request'],
  ],
  [
    'POST',
    'constraint/location',
    { name: 'a\u200c', resource: 'ZFS', location: 'ae82a9a2' },
    [400, 'invalid_request'],
  ],
  [
    'POST',
    'constraint/location',
    { resource: 'none', location: 'ae82a9a2' },
    [404, 'resource_not_found'],
  ],
  [
    'POST',
    'constraint/location',
    { name: 'ZFS', resource: 'ZFS', location: 'ae82a9a2' },
    [409, 'id_exists'],
  ],
  ['POST', 'resource/ZFS/update', { params: { nonsense: '1' } }, [422, 'cluster_refused']],
  ...[
    { score: '1', xmlns: 'urn:x', expression: [] },
    { score: '1', xmlns: '', expression: [] },
    { score: '1', expression: [{ attribute: 'a', operation: 'defined', xmlns: 'urn:x' }] },
    { score: '1', xmlns: [{ attribute: 'a', operation: 'defined' }] },
  ].map((rule): [Method, string, object, [number, string]] => [
    'POST',
    'constraint/location',
    { resource: 'ZFS', rule },
    [422, 'cluster_refused'],
  ]),
  [
    'POST',
    'constraint/location',
    { resource: 'ZFS', rule: { score: '1', nonsense: [{ a: 'b' }] } },
    [422, 'cluster_refused'],
  ],
];

describe('changes and dry runs', () => {
  const folder = temporaryFolder();

  for (const [index, [method, path, body, outcome]] of refused.entries()) {
    it(`are refused with the same code: ${path} ${JSON.stringify(body)}`, async () => {
      const cluster = fakeCluster(storageCib);
      // Pacemaker 2.0 to 3.0 print this for a CIB that does not conform to its schema.
      const invalid = { exitCode: 78, stdout: '', stderr: 'Invalid configuration' };
      cluster.answers.set('crm_simulate', () => invalid);
      const [query] = cluster.cibs;
      cluster.answers.set('cibadmin', ({ argv }) =>
        argv.includes('--query') ? { exitCode: 0, stdout: query ?? '', stderr: '' } : invalid,
      );
      const { call } = await changesBench(`${folder.path}/${index}`, { cluster });
      expect(outcomeOf(await call(method, path, body))).to.deep.equal(outcome);
      expect(outcomeOf(await call(method, `${path}?dry_run=true`, body))).to.deep.equal(outcome);
    });
  }

  it('are refused for a rule with xmlns, which the cluster would silently drop', async () => {
    const { call, cluster } = await changesBench(folder.path);
    const expression = [{ attribute: 'a', operation: 'defined', xmlns: '' }];
    const body = { resource: 'ZFS', rule: { score: '1', expression } };
    for (const path of ['constraint/location', 'constraint/location?dry_run=true']) {
      expect(outcomeOf(await call('POST', path, body))).to.deep.equal([422, 'cluster_refused']);
    }
    expect(cluster.cibs).to.have.lengthOf(1);
  });

  it('report a simulator that fails by itself', async () => {
    for (const [exitCode, outcome] of [
      [70, [503, 'tool_failed']],
      [65, [503, 'tool_failed']],
      [102, [503, 'cluster_not_running']],
      [124, [504, 'tool_timeout']],
    ] as const) {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('crm_simulate', () => ({ exitCode, stdout: '', stderr: '' }));
      const { call } = await changesBench(`${folder.path}/${exitCode}`, { cluster });
      const answer = await call('GET', 'node/ae82a9a2/standby?dry_run=true');
      expect(outcomeOf(answer)).to.deep.equal(outcome);
    }
  });

  it('answer 202 and name the stopped daemon if the cluster does not finish', async () => {
    const cluster = fakeCluster(storageCib);
    cluster.answers.set('crm_resource', () => ({ exitCode: 124, stdout: '', stderr: '' }));
    const { call } = await changesBench(folder.path, {
      cluster,
      findStoppedDaemons: () =>
        Promise.resolve([{ name: 'pacemaker-schedulerd', pid: 7, isNeeded: true }]),
    });
    const { status, headers } = await call('GET', 'node/ae82a9a2/standby?wait=1s');
    expect([status, headers['x-ha-warnings']]).to.deep.equal([
      202,
      `199 ha-agent "pacemaker-schedulerd is stopped by a signal on this node (process state T) and answers nobody until 'kill -CONT 7'.", 199 ha-agent "The change was made, but the cluster has not finished what follows from it."`,
    ]);
  });

  it('say that the cluster may still make the change if it did not answer', async () => {
    const cluster = fakeCluster(storageCib);
    cluster.answers.set('cibadmin', ({ argv }) =>
      argv.includes('--query')
        ? { exitCode: 0, stdout: storageCib, stderr: '' }
        : { exitCode: 124, stdout: '', stderr: '' },
    );
    const { call } = await changesBench(folder.path, { cluster });
    const answer = await call('GET', 'node/ae82a9a2/standby');
    expect(outcomeOf(answer)).to.deep.equal([409, 'outcome_unknown']);
    expect(answer.body).to.have.property('detail').that.includes('may still make it');
  });
});
