import { expect } from 'chai';

import { clusterFamilies } from '../../packaging/reference/families.ts';
import { debianPaths } from '../../src/bin/wiring/paths.ts';
import { operationName } from '../../src/server/table/examples.ts';
import type { LabNode } from '../lab/lab.ts';
import { answerCheck } from '../support/answer-check.ts';
import { liferaftOf, someLineage } from '../support/liferafts.ts';
import { callPeer, credentialsOf } from '../support/psk-peer.ts';
import { agentProcess } from './agent-process.ts';
import { asking, type Bench } from './asking.ts';
import { call, type Call, callHa, untilHealthy } from './client.ts';

const liferaft = 'liferaft_0bad0bad.tar';
const restored = '/etc/each-row.conf';

/** These remove the cluster, so test/system/building.ts sends them. */
const ofTheEnd = [
  'GET /destroy',
  'POST /destroy',
  'POST /reset_all',
  'GET /node/{name}/delete',
  'POST /node/{name}/delete',
  'DELETE /node/{name}',
];

/**
 * Sends a request to each row of each family; `call` checks each answer by the OpenAPI document. `npm run
 * record-examples` takes the examples of the documents from here. Leaves the cluster as it was.
 */
export function describeEachRow(bench: Bench): void {
  describe('each row gives the documented answers:', () => {
    const { node, configuration, restore, settle, ...more } = asking(bench);
    const other = () => bench().lab.nodes[1] as LabNode;
    const asked = new Set<string>();
    const { find } = answerCheck(clusterFamilies);
    let former = '';

    const note = (method: string, url: string) => {
      const found = find(method, url);
      if (found) asked.add(`${found.family.name}: ${found.name}`);
    };

    /** Each request has to succeed. */
    async function ask(method: string, path: string, body?: object, options?: Partial<Call>) {
      note(method, `/api/v2/system/ha/${path}`);
      const answer = await more.ask(method, path, body, options);
      expect(answer.status, `${method} ${path}: ${answer.text}`).to.be.oneOf([200, 202]);
      return answer;
    }

    before(async () => {
      await settle();
      former = await configuration();
    });

    after(async () => {
      await restore(former);
      await settle();
    });

    it('rows that read', async () => {
      for (const path of [
        'versions',
        'configuration',
        'services',
        'status',
        'status?raw=false',
        'fence_history',
        'node',
        `node/${node().name}`,
        'constraint',
        'constraint/raw',
        'constraint/location',
        'property',
        'property/stonith-enabled',
        'property/stonith-enabled/details',
        'resource_agent',
        'resource_agent/providers',
        'resource_agent/ocf:pacemaker/details',
        'resource_agent/ocf:pacemaker:Dummy/info',
        'stonith/agent',
        'resource',
        'resource/ZFS',
        'resource/ZFS/details',
        'resource/ZFS/locate',
        'stonith',
        'stonith?raw=false',
        'stonith/level',
        'stonith/level/1',
        'corosync',
        'corosync/raw',
        'corosync/verify',
        'corosync/key',
        'corosync/rings',
        'quorum',
        'alphorn',
        'alphorn/status',
        'audit?limit=3',
      ]) {
        await ask('GET', path);
      }
      await ask('POST', 'stonith/agent/info', { agent: 'fence_lab' });
      for (const [path, headers] of [
        ['/healthz', {}],
        ['/readyz', {}],
        ['/metrics', { Authorization: `Bearer ${bench().token}` }],
      ] as const) {
        note('GET', path);
        expect((await call(node(), path, { headers })).status, path).to.equal(200);
      }
    });

    it('rows about resources and groups', async () => {
      const create = (name: string) =>
        ask('POST', 'resource', {
          name,
          resource_agent: 'ocf:pacemaker:Dummy',
          params: { fake: name },
          meta: { 'resource-stickiness': '100' },
          operations: { monitor: { interval: '30s', timeout: '20s' } },
        });
      for (const name of ['Share', 'Index', 'Third']) await create(name);
      await settle();
      await ask('POST', 'resource/Share/update', { params: { fake: 'other' } });
      await ask('PATCH', 'resource/Share', { meta: { 'resource-stickiness': '50' } });
      await ask('POST', 'resource/Share/update?dry_run=true', { params: { fake: 'third' } });
      for (const action of ['stop', 'start', 'cleanup']) {
        await ask('GET', `resource/Share/${action}`);
        await ask('POST', `resource/Share/${action}`);
      }
      await settle();
      const { node: where } = (await ask('GET', 'resource/Share/locate')).json as { node: string };
      const away = where === node().name ? other().name : node().name;
      await ask('POST', 'resource/Share/migrate', { node: away });
      await ask('POST', 'resource/Share/restart');
      await ask('POST', 'resource/Share/ban', { node: away });
      await ask('POST', 'resource/Share/clear', {});
      await ask('POST', 'resource/Share/unmanage');
      await ask('POST', 'resource/Share/manage');
      await ask('POST', 'resource/Share/clone', {
        clone_name: 'Shares',
        meta: { 'clone-max': '2' },
      });
      await ask('POST', 'resource/Share/unclone');
      const group = { groupName: 'Files', resources: ['Share', 'Index', 'Third'] };
      await ask('POST', 'resource/group/set', group);
      await ask('GET', 'resource/group');
      await ask('GET', 'resource/group/Files');
      await ask('POST', 'resource/group/remove', { groupName: 'Files', resources: ['Third'] });
      await ask('DELETE', 'resource/group/Files');
      await settle();
      await ask('GET', 'resource/Third/delete');
      await ask('POST', 'resource/Index/delete');
      await ask('DELETE', 'resource/Share');
    });

    it('rows about constraints', async () => {
      const [first, then] = ['SMB', 'NFS'].map((resource) => ({ resource, operation: 'start' }));
      const set = { setOne: { resources: ['SMB', 'NFS'], options: { sequential: 'false' } } };
      for (const [type, body] of [
        ['order', { first, then, kind: 'Optional' }],
        ['ordering', { first: { resource: 'NFS' }, then: { resource: 'VIP_mgmt0' } }],
        ['order_group', { ...set, setOptions: { kind: 'Optional' } }],
        ['ordering_group', { resources: ['VIP_mgmt0', 'Alphorn'], kind: 'Optional' }],
        ['colocation', { first: 'NFS', then: 'SMB', score: '10' }],
        ['colocation_group', { resources: ['VIP_mgmt0', 'Alphorn'], score: '10' }],
        ['location', { resource: 'SMB', kind: 'prefers', score: '10', location: node().name }],
        ['ticket', { ticket: 'site', resource: 'SMB', 'loss-policy': 'freeze' }],
      ] as const) {
        await ask('POST', `constraint/${type}`, { name: `each_${type}`, ...body });
      }
      for (const type of ['ordering', 'order_group', 'colocation_group', 'ticket', 'each_ticket']) {
        await ask('GET', `constraint/${type}`);
      }
      await ask('GET', 'constraint?raw=false');
      await ask('POST', 'constraint/each_ticket/delete');
      await ask('DELETE', 'constraint/each_location');
      note('POST', '/api/v2/system/ha/constraint/none');
      expect((await more.ask('POST', 'constraint/none')).status).to.equal(400);
      await restore(former);
      await settle();
    });

    it('rows about fencing', async () => {
      const device = {
        agent: 'fence_lab',
        params: { pcmk_host_list: node().name },
        operations: { interval: '60s' },
      };
      for (const name of ['Fence1', 'Fence2'])
        await ask('POST', 'stonith/create', { name, ...device });
      await ask('POST', 'stonith/Fence1/update', { params: { delay: '1' } });
      await ask('PATCH', 'stonith/Fence1', { params: { delay: '2' } });
      await ask('GET', 'stonith/Fence1');
      const level = { node_name: node().name, stonith_name: 'Fence1' };
      await ask('POST', 'stonith/level/create', { level: 8, ...level });
      await ask('POST', 'stonith/level/create', { level: 9, ...level });
      await ask('POST', 'stonith/level/8/delete', level);
      await ask('DELETE', 'stonith/level/9', level);
      await ask('POST', 'stonith/Fence1/delete');
      await ask('DELETE', 'stonith/Fence2');
    });

    it('rows about properties and nodes', async () => {
      await ask('POST', 'property/cluster-delay/set', { value: '61s' });
      await ask('PUT', 'property/cluster-delay', { value: '62s' });
      await ask('GET', 'property/cluster-delay/delete');
      await ask('POST', 'property/cluster-delay/set', { value: '61s' });
      await ask('DELETE', 'property/cluster-delay');
      await ask('GET', 'property/delete_all');
      await restore(former);
      await settle();
      for (const action of ['standby', 'online', 'maintenance', 'unmaintenance']) {
        await ask('GET', `node/${other().name}/${action}`);
        await ask('POST', `node/${other().name}/${action}`);
        await settle();
      }
      await ask('POST', `node/${other().name}/fence`);
      await node().waitUntilCluster('both nodes online', ({ online }) => online.length === 2);
      await settle();
      await untilHealthy(other());
      await ask('GET', 'fence_history');
    });

    it('rows about services and corosync', async () => {
      for (const action of ['stop', 'start', 'restart', 'disable', 'enable']) {
        await ask('POST', `services/pcsd.service/${action}`);
      }
      const conf = (await ask('GET', 'corosync')).json as object;
      const raw = (await ask('GET', 'corosync/raw')).json as string;
      const { key } = (await ask('GET', 'corosync/key')).json as { key: string };
      await ask('POST', 'corosync', conf);
      await ask('POST', 'corosync/raw', { conf: raw });
      await ask('GET', 'corosync/key/generate');
      await ask('POST', 'corosync/key', { key });
    });

    it('rows of Alphorn, its sender and its receiver', async () => {
      const { resources } = await node().cluster();
      const sender = bench().lab.node(resources.find(({ id }) => id === 'Alphorn')?.node ?? '');
      const ofSender = { token: bench().token, method: 'POST' };
      const settings = (await callHa(sender, 'alphorn', { token: bench().token })).json;
      const sync = { enabled: true, destinations: bench().lab.nodes.map(({ address }) => address) };
      for (const config of [{ interval: 60_000, sync }, settings]) {
        note('POST', '/api/v2/system/ha/alphorn');
        const set = await callHa(sender, 'alphorn', {
          ...ofSender,
          body: JSON.stringify({ config }),
        });
        expect(set.status, set.text).to.equal(200);
        // With destinations, the answers have more content.
        if (config !== settings) await askSender(sender);
      }

      await receive(1);
      for (const path of ['', `/${liferaft}`, `/${liferaft}/diff`]) {
        await ask('GET', `alphorn/liferaft${path}`);
      }
      await ask('POST', `alphorn/liferaft/${liferaft}/restore?dry_run=true`);
      await ask('POST', `alphorn/liferaft/${liferaft}/restore`, { paths: [restored] });
      await ask('POST', 'alphorn/restore/undo');
      await ask('DELETE', `alphorn/liferaft/${liferaft}`);
      await receive(2);
      await ask('GET', 'alphorn/liferaft/delete_all');
      await ask('DELETE', 'alphorn/liferaft');
    });

    /** Sends requests to the node that Alphorn runs on, by the API and by the socket of the sender. */
    async function askSender(sender: LabNode): Promise<void> {
      note('POST', '/api/v2/system/ha/alphorn/sync');
      const sent = await callHa(sender, 'alphorn/sync', { token: bench().token, method: 'POST' });
      expect(sent.status, sent.text).to.equal(200);
      note('GET', '/api/v2/system/ha/alphorn/status');
      await callHa(sender, 'alphorn/status', { token: bench().token });
      for (const [method, path] of [
        ['GET', '/status'],
        ['POST', '/sync'],
      ] as const) {
        note(method, path);
        const socketPath = `/proc/${await agentProcess(bench().lab, sender, 'alphorn')}/root${debianPaths.alphorn.socket}`;
        expect((await call(sender, path, { method, socketPath })).status, path).to.equal(200);
      }
    }

    /** Sends a liferaft to the node, as a host that was lost. */
    async function receive(generation: number): Promise<void> {
      const { bytes, digest } = liferaftOf({
        host: { id: '0bad0bad', name: 'lost' },
        generation,
        lineage: someLineage,
        files: { [restored]: `generation ${generation}\n` },
      });
      const key = await node().run(['base64', '--wrap=0', '/etc/corosync/authkey']);
      const said = {
        address: node().address,
        credentials: credentialsOf('0bad0bad', Buffer.from(key, 'base64')),
      };
      note('POST', '/v1/heartbeat');
      const heartbeat = await callPeer({
        ...said,
        method: 'POST',
        path: '/v1/heartbeat',
        headers: { 'Content-Type': 'application/json' },
        body: Buffer.from(JSON.stringify({ digest, lineage: someLineage, generation })),
      });
      expect(heartbeat.status, JSON.stringify(heartbeat.json)).to.equal(200);
      note('PUT', '/v1/liferaft');
      const put = await callPeer({
        ...said,
        method: 'PUT',
        path: '/v1/liferaft',
        body: bytes,
        headers: { 'X-Liferaft-Digest': digest },
      });
      expect(put.status, JSON.stringify(put.json)).to.equal(200);
    }

    it('no row was left out', () => {
      // The port of amphorae has suites of its own.
      const served = clusterFamilies;
      const left = served.flatMap((family) =>
        family.rows
          .map((each) => each.methods.map((method) => operationName(method, each.path)))
          .filter((operations) => !operations.some((one) => ofTheEnd.includes(one)))
          .filter((operations) => !operations.some((one) => asked.has(`${family.name}: ${one}`)))
          .map(([operation = '']) => `${family.name}: ${operation}`),
      );
      expect(left).to.deep.equal([]);
    });
  });
}
