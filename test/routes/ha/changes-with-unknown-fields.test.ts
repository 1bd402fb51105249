import { expect } from 'chai';

import { changesBench, outcomeOf } from '../../support/changes-bench.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

interface Refused {
  errors: { field: string; message: string; type: string }[];
}

describe('a change with an unknown field', () => {
  const folder = temporaryFolder();

  it('is refused with the nearest name, and changes nothing', async () => {
    const { call, cluster } = await changesBench(folder.path);
    for (const [method, path, body, field, nearest] of [
      ['POST', 'resource/SMB/update', { param: { a: 1 } }, 'param', 'params'],
      ['PATCH', 'resource/SMB', { Meta: {} }, 'Meta', 'meta'],
      ['POST', 'resource/SMB/migrate', { node: 'x', nod: 'y' }, 'nod', 'node'],
      ['POST', 'resource/SMB/stop?dryrun=true', {}, 'dryrun', 'dry_run'],
      ['GET', 'resource/SMB/stop?dry-run=true', {}, 'dry-run', 'dry_run'],
      ['DELETE', 'constraint/startingSMB?wiat=3s', {}, 'wiat', 'wait'],
    ] as const) {
      const answer = await call(method, path, body);
      expect(outcomeOf(answer), path).to.deep.equal([400, 'invalid_request']);
      expect((answer.body as Refused).errors, path).to.deep.equal([
        {
          field,
          message: `is not a field of this request; perhaps '${nearest}' is meant`,
          type: typeof (body as Record<string, unknown>)[field] === 'object' ? 'object' : 'string',
        },
      ]);
    }
    expect(cluster.changes()).to.deep.equal([]);
  });

  it('is refused without a suggestion if no name is similar', async () => {
    const { call } = await changesBench(folder.path);
    const { body } = await call('POST', 'resource/SMB/update', { something: 1 });
    expect((body as Refused).errors).to.deep.equal([
      { field: 'something', message: 'is not a field of this request', type: 'number' },
    ]);
  });

  it('is made if the field repeats the name in the path, or is what browsers add to bypass caches', async () => {
    const { call } = await changesBench(folder.path);
    const same = await call('POST', 'resource/SMB/update?_=17', { name: 'SMB', meta: { a: '1' } });
    expect(same.status).to.equal(200);
    const other = await call('POST', 'resource/SMB/update', { name: 'NFS', meta: { a: '1' } });
    expect(outcomeOf(other)).to.deep.equal([400, 'invalid_request']);
  });

  it('is made with a warning if the field is documented but has no meaning there', async () => {
    const { call } = await changesBench(folder.path);
    const set = await call('POST', 'property/batch-limit/set', { value: 5, default: '0' });
    expect(set.status).to.equal(200);
    expect(set.headers['x-ha-warnings']).to.include("'default' has no meaning here");
    const order = {
      setOne: { resources: ['ZFS', 'SMB'], options: { sequential: false } },
      kind: 'prefers',
      score: 'INFINITY',
    };
    const group = await call('POST', 'constraint/order_group', order);
    expect(group.status, group.text).to.equal(200);
    expect(group.headers['x-ha-warnings'])
      .to.include("'kind' has no meaning here")
      .and.include("'score' has no meaning here");
  });

  it('is made as documented by a GET with a body, which is not read', async () => {
    const { call } = await changesBench(folder.path);
    expect((await call('GET', 'resource/SMB/stop', { anything: 1 })).status).to.equal(200);
  });
});
