import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { callHa, forgotten } from './client.ts';

const confFile = '/etc/corosync/corosync.conf';
const auditFile = '/var/lib/ha-agent/audit.jsonl';

/** Compares the answers about corosync with its own tools and files. */
export function describeCorosync(bench: () => { lab: Lab; token: string }): void {
  describe('corosync', () => {
    const first = () => bench().lab.nodes[0] as LabNode;
    const second = () => bench().lab.nodes[1] as LabNode;
    const ask = (node: LabNode, path: string) => callHa(node, path, { token: bench().token });

    async function expectCode(node: LabNode, path: string, status: number, code: string) {
      const answer = await ask(node, path);
      expect(answer.json, answer.text).to.include({ status, code });
    }

    it('shows the configuration that corosync runs with', async () => {
      const { status, json } = await ask(first(), 'corosync');
      expect(status).to.equal(200);
      const map = await first().run(['corosync-cmapctl']);
      const settings = settingsIn(json);
      expect(settings).to.have.length.above(10);
      for (const [key, value] of settings) {
        expect(map).to.match(new RegExp(`^${key} \\(\\w+\\) = ${value}$`, 'm'));
      }
      for (const [, key] of map.matchAll(/^(nodelist\.node\.\S+)/gm)) {
        expect(settings.map(([each]) => each)).to.include(key);
      }
    });

    it('shows the text of the configuration', async () => {
      const { json } = await ask(first(), 'corosync/raw');
      expect(json).to.equal(await first().run(['cat', confFile]));
    });

    it('shows the key to admins only, and records who read it', async () => {
      const { json, headers } = await ask(first(), 'corosync/key');
      const dump = await first().run(['od', '-An', '-v', '-tx1', '/etc/corosync/authkey']);
      expect(json).to.deep.equal({ key: dump.replace(/\s/g, '') });
      expect(headers).to.include({ 'cache-control': 'no-store' }).and.not.to.have.property('etag');
      const audited = await first().run(['cat', auditFile]);
      expect(JSON.parse(audited.trim().split('\n').at(-1) ?? '')).to.include({
        caller: 'bench',
        role: 'admin',
        method: 'GET',
        route: '/api/v2/system/ha/corosync/key',
        outcome: 'success',
      });
      expect(await first().run(['stat', '--format=%a %U', auditFile])).to.equal('600 root\n');

      const create = ['hactl', 'token', 'create', 'look', '--role', 'viewer'] as const;
      const token = (await first().run(create)).trim();
      const refused = await callHa(first(), 'corosync/key', { token });
      expect(refused.json).to.include({ status: 403, code: 'role_required' });
      await first().run(['hactl', 'token', 'revoke', 'look']);
      const since = (await first().run(['cat', auditFile])).slice(audited.length);
      expect(since).to.include('hactl token create look').and.not.include('corosync/key');
    });

    it('does not show the key if that cannot be recorded', async () => {
      expect((await ask(first(), 'corosync/key')).status).to.equal(200);
      await first().run(['mv', auditFile, '/root/audit.jsonl']);
      await first().run(['mkdir', auditFile]);
      try {
        await expectCode(first(), 'corosync/key', 503, 'audit_failed');
      } finally {
        await first().run(['rmdir', auditFile]);
        await first().run(['mv', '/root/audit.jsonl', auditFile]);
      }
    });

    it('lets corosync judge the configuration', async () => {
      const { status, json, headers } = await ask(first(), 'corosync/verify');
      expect([status, headers['x-ha-valid']]).to.deep.equal([200, 'true']);
      const { stdout, stderr } = await first().exec(['corosync', '-t']);
      expect(untimed(json as string))
        .to.equal(untimed(stdout + stderr))
        .and.not.to.equal('');
    });

    it('says what is wrong with a configuration, or that there is none', async () => {
      const good = await second().run(['cat', confFile]);
      try {
        await second().writeFile(confFile, good.replace('version: 2', 'version'));
        const { status, json, headers } = await ask(second(), 'corosync/verify');
        expect([status, headers['x-ha-valid']]).to.deep.equal([200, 'false']);
        expect(json).to.include(`${confFile}:2: Line is not opening`);
        // The invalid one is also shown, so that people can correct it.
        expect((await ask(second(), 'corosync')).json).not.to.have.nested.property('totem.version');

        await second().run(['rm', confFile]);
        await expectCode(second(), 'corosync', 404, 'corosync_conf_not_found');
        await expectCode(second(), 'corosync/raw', 404, 'corosync_conf_not_found');
        const none = await ask(second(), 'corosync/verify');
        expect([none.status, none.headers['x-ha-valid']]).to.deep.equal([200, 'false']);
      } finally {
        await second().writeFile(confFile, good, 0o644);
      }
    });

    it('shows the links and the quorum', async () => {
      for (const [node, id] of [
        [first(), '1'],
        [second(), '2'],
      ] as const) {
        expect((await ask(node, 'corosync/rings')).json).to.deep.include({
          local_node_id: id,
          transport: 'knet',
          links: [linkOf(await node.run(['corosync-cfgtool', '-s']), node, 'connected')],
        });
        expect((await ask(node, 'quorum')).json).to.deep.include({
          quorate: true,
          nodes: '2',
          members: [first(), second()].map(({ name }, index) => ({
            nodeid: `${index + 1}`,
            votes: '1',
            name,
            local: name === node.name,
          })),
        });
      }
    });

    describe('while the cluster of the other node is stopped', () => {
      before(async () => {
        await first().run(['pcs', 'cluster', 'stop', second().name], { deadlineMs: 100_000 });
        await waitUntil('knet to give up on the link', async () =>
          (await first().run(['corosync-cfgtool', '-s'])).includes('\tdisconnected'),
        );
        await forgotten();
      });
      after(async () => {
        await first().run(['pcs', 'cluster', 'start', second().name], { deadlineMs: 100_000 });
        await first().waitUntilCluster('all nodes online', ({ online }) => online.length === 2);
      });

      it('shows that the other node is absent', async () => {
        const { json } = await ask(first(), 'corosync/rings');
        const link = linkOf(await first().run(['corosync-cfgtool', '-s']), first(), 'disconnected');
        expect(json).to.deep.include({ links: [link] });
        expect((await ask(first(), 'quorum')).json).to.deep.include({
          quorate: true,
          nodes: '1',
          members: [{ nodeid: '1', votes: '1', name: first().name, local: true }],
        });
      });

      it('shows on that node what needs no cluster, and says why the rest is missing', async () => {
        await expectCode(second(), 'corosync/rings', 503, 'cluster_not_running');
        await expectCode(second(), 'quorum', 503, 'cluster_not_running');
        for (const path of ['corosync', 'corosync/raw', 'corosync/verify', 'corosync/key']) {
          expect((await ask(second(), path)).status, path).to.equal(200);
        }
      });
    });
  });
}

/** The settings by their names in corosync's map, with numbered sections. */
function settingsIn(json: unknown, path = ''): (readonly [key: string, value: string])[] {
  if (typeof json === 'string') return [[path.slice(1), json]];
  return Object.entries(json as object).flatMap(([key, value]) =>
    settingsIn(value, `${path}.${key}`),
  );
}

function linkOf(text: string, node: LabNode, peer: string): object {
  return {
    id: '0',
    // Newer versions also list the transport of knet.
    ...(text.includes('LINK ID 0 udp\n') && { transport: 'udp' }),
    addr: node.address,
    nodes: ['1', '2'].map((nodeid) => ({
      nodeid,
      status: text.includes(` ${nodeid}:\tlocalhost`) ? 'localhost' : peer,
    })),
  };
}

function untimed(text: string): string {
  return text.replace(/^\w+ +\d+ [\d:.]+ /gm, '');
}
