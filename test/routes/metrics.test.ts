import { expect } from 'chai';

import { openTokenStore } from '../../src/access/tokens.ts';
import { changesBench } from '../support/changes-bench.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { join } from 'node:path';

describe('the metrics', () => {
  const folder = temporaryFolder();

  async function bench() {
    const { app, call } = await changesBench(folder.path);
    const tokens = openTokenStore(join(folder.path, 'tokens'));
    const token = await tokens.create('prometheus', 'monitor');
    const read = (authorization: string) =>
      app.client.get('/metrics').set('Authorization', authorization);
    return { app, call, token, read };
  }

  it('need a token with the role monitor, sent as a bearer token', async () => {
    const { app, read, token } = await bench();
    const { status, headers } = await read(`Bearer ${token}`);
    expect(status).to.equal(200);
    expect(headers['content-type']).to.match(/^text\/plain; version=0\.0\.4/);
    expect((await read(`Bearer ${app.token}`)).status).to.equal(200);
    for (const wrong of ['', `Bearer ${'0'.repeat(64)}`, `Basic ${token}`]) {
      expect((await read(wrong)).status).to.equal(401);
    }
    expect((await app.client.get('/metrics').set('token', token)).status).to.equal(401);
  });

  it('are the only route that a monitor may read', async () => {
    const { app, token } = await bench();
    for (const path of ['resource', 'status', 'audit', 'alphorn/status']) {
      const { status, body } = await app.client
        .get(`/api/v2/system/ha/${path}`)
        .set('token', token);
      expect([status, (body as { code: string }).code]).to.deep.equal([403, 'role_required']);
    }
  });

  it('count requests by route, not by path, commands by tool, and changes', async () => {
    const { call, read, token } = await bench();
    await call('GET', 'resource/SMB/details');
    await call('GET', 'resource/none/details');
    await call('GET', 'made/up/by/a/caller');
    await call('POST', 'resource/SMB/stop');
    const { text } = await read(`Bearer ${token}`);
    const details = 'family="ha",method="GET",route="/resource/:name/details"';
    expect(text).to.include(`ha_agent_http_requests_total{${details},status="200"} 1`);
    expect(text).to.include(`ha_agent_http_requests_total{${details},status="404"} 1`);
    expect(text).to.include('{family="none",method="none",route="none",status="404"} 1');
    expect(text).not.to.include('made/up');
    expect(text).to.match(/ha_agent_commands_total\{tool="cibadmin",outcome="0"\} [1-9]/);
    expect(text).to.match(/ha_agent_command_seconds_count\{tool="cibadmin"\} [1-9]/);
    expect(text).to.include('ha_agent_changes_pending 0');
    expect(text).to.include('ha_agent_alphorn_running 0');
    expect(text).to.include('ha_agent_alphorn_destinations{state="failing"} 0');
    expect(text).to.match(/process_resident_memory_bytes \d/);
  });
});
