import { expect } from 'chai';

import { changesBench, outcomeOf } from '../../support/changes-bench.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

interface Entry {
  request_id: string;
  from: string;
  route: string;
}

describe('the id of a request', () => {
  const folder = temporaryFolder();
  const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

  it('is on each answer, including errors', async () => {
    const { call, app } = await changesBench(folder.path);
    const answers = [
      await call('GET', 'resource'),
      await call('GET', 'resource/none'),
      await call('PUT', 'resource'),
      await call('POST', 'resource/SMB/stop', { nonsense: 1 }),
      await call('GET', 'no/such/route'),
      await app.client.get('/healthz'),
      await app.client.get('/api/v2/system/ha/resource'),
    ];
    const ids = answers.map(({ headers }) => headers['x-request-id'] as string);
    for (const id of ids) expect(id).to.match(uuid);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it("is the caller's own, if that is one word", async () => {
    const { call } = await changesBench(folder.path);
    const ask = async (given: string) =>
      (await call('GET', 'resource', {}, { 'X-Request-Id': given })).headers['x-request-id'];
    expect(await ask('ui-42/a')).to.equal('ui-42/a');
    for (const wrong of ['two words', '', 'x'.repeat(129)]) expect(await ask(wrong)).to.match(uuid);
  });

  it('is in the journal and in the audit log, with the address of the caller', async () => {
    const { call, app } = await changesBench(folder.path);
    const given = { 'X-Request-Id': 'change-1' };
    expect((await call('POST', 'resource/SMB/stop', {}, given)).status).to.equal(200);
    const { body } = await call('GET', 'audit');
    const [entry] = body as Entry[];
    expect(entry).to.include({
      request_id: 'change-1',
      route: '/api/v2/system/ha/resource/SMB/stop',
    });
    expect(entry?.from).to.match(/127\.0\.0\.1$/);
    const logged = app.lines.filter(({ level }) => level === 'info');
    expect(logged).to.deep.equal([
      {
        level: 'info',
        request_id: 'change-1',
        caller: 'test',
        method: 'POST',
        route: '/api/v2/system/ha/resource/SMB/stop',
        status: 200,
        from: entry?.from,
      },
    ]);
  });

  it('has no line in the journal for a dry run or a refused change', async () => {
    const { call, app } = await changesBench(folder.path);
    await call('POST', 'resource/SMB/stop?dry_run=true');
    expect(outcomeOf(await call('POST', 'resource/none/stop'))[0]).to.equal(404);
    expect(app.lines.filter(({ level }) => level === 'info')).to.deep.equal([]);
  });
});
