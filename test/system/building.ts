import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { nodeInterface } from '../lab/network.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Answer, callHa, untilHealthy } from './client.ts';

const storage = ['ZFS', 'SMB', 'NFS', 'Alphorn', 'VIP_mgmt0'] as const;

/** The request of a wizard for a resource of the contract's topology. */
const meta = {
  'migration-threshold': '0',
  'multiple-active': 'stop_start',
  'resource-stickiness': '100',
};

/**
 * Builds a cluster on two nodes without one, and destroys it again, only by HTTP. After each step, cibadmin confirms
 * that the CIB has what was requested.
 */
export function describeBuilding(bench: () => { lab: Lab; token: string }): void {
  describe('a cluster by HTTP alone', () => {
    const nodes = () => bench().lab.nodes as [LabNode, LabNode];

    async function ask(
      node: LabNode,
      method: string,
      path: string,
      body: object = {},
    ): Promise<Answer> {
      const { token } = bench();
      return callHa(node, path, { token, method, body: JSON.stringify(body) });
    }

    /** Sends a change, which has to succeed. */
    async function change(
      method: string,
      path: string,
      body: object = {},
      node = nodes()[0],
    ): Promise<unknown> {
      const { status, json, text } = await ask(node, method, path, body);
      expect(status, `${method} ${path}: ${text}`).to.equal(200);
      return json;
    }

    /** The elements of the CIB at an XPath; empty if there are none. */
    async function cib(xpath: string): Promise<string> {
      const { stdout } = await nodes()[0].exec(['cibadmin', '--query', '--xpath', xpath]);
      return stdout;
    }

    const settle = (node = nodes()[0]) =>
      node.run(['crm_resource', '--wait', '--timeout=90'], { deadlineMs: 100_000 });

    async function locate(name: string): Promise<{ status: string; node?: string }> {
      return (await ask(nodes()[0], 'GET', `resource/${name}/locate`)).json as {
        status: string;
        node?: string;
      };
    }

    async function untilOnline(node: LabNode, names: readonly string[]): Promise<void> {
      await waitUntil(`${names.join(', ')} to be online`, async () => {
        const { status, json } = await ask(node, 'GET', 'node');
        if (status !== 200) return false;
        const { online } = (json as { pacemaker_nodes: { online: string[] } }).pacemaker_nodes;
        return names.every((name) => online.includes(name));
      });
    }

    const destroyed =
      'Shutting down pacemaker/corosync services...\nKilling any remaining services...\nRemoving all cluster configuration files...\n';

    it('ends the existing cluster on each node, and the agent goes on running', async () => {
      for (const node of nodes()) {
        const agentBefore = (
          await node.run(['systemctl', 'show', '-P', 'MainPID', 'ha-agent'])
        ).trim();
        expect(await change('GET', 'destroy', {}, node)).to.equal(destroyed);
        for (const file of [
          '/etc/corosync/corosync.conf',
          '/etc/corosync/authkey',
          '/var/lib/pacemaker/cib/cib.xml',
        ]) {
          expect((await node.exec(['test', '-e', file])).exitCode, file).to.equal(1);
        }
        const { services } = (await ask(node, 'GET', 'services')).json as {
          services: { id: string; state: string; locked: boolean }[];
        };
        expect(services.filter(({ id }) => id !== 'pcsd.service')).to.deep.equal([
          { id: 'pacemaker.service', state: 'disabled', locked: false },
          { id: 'corosync.service', state: 'disabled', locked: false },
        ]);
        expect(
          (await node.run(['systemctl', 'show', '-P', 'MainPID', 'ha-agent'])).trim(),
        ).to.equal(agentBefore);
      }
      expect((await ask(nodes()[0], 'GET', 'status')).status).to.equal(503);
    });

    it('generates a key on one node and sets it on the other', async () => {
      const [first, second] = nodes();
      expect(await change('GET', 'corosync/key/generate')).to.equal(
        'Corosync Cluster Engine Authentication key generator.\nGathering 2048 bits for key from /dev/urandom.\nWriting corosync key to /etc/corosync/authkey.\n',
      );
      const { key } = (await ask(first, 'GET', 'corosync/key')).json as { key: string };
      const set = await ask(second, 'POST', 'corosync/key', { key });
      expect([set.status, set.text]).to.deep.equal([200, '']);
      const sums = await Promise.all(
        nodes().map((node) =>
          node.run([
            'sh',
            '-c',
            'sha256sum < /etc/corosync/authkey; stat -c "%a %U" /etc/corosync/authkey',
          ]),
        ),
      );
      expect(sums[0]).to.equal(sums[1]);
      expect(sums[0]).to.match(/\n400 root\n$/);
    });

    it('refuses a corosync.conf that corosync would not start with, and names the line', async () => {
      const { status, json } = await ask(nodes()[0], 'POST', 'corosync/raw', {
        conf: 'totem {\n\tversion: 2\n\tthis is no line\n}\n',
      });
      expect(status).to.equal(422);
      expect(json).to.include({ code: 'corosync_conf_invalid' });
      expect((json as { stderr: string }).stderr).to.equal(
        'parser error: /etc/corosync/corosync.conf:3: Line is not opening or closing section or key value\n',
      );
      expect(
        (await nodes()[0].exec(['test', '-e', '/etc/corosync/corosync.conf'])).exitCode,
      ).to.equal(1);
    });

    it('sets corosync.conf on both nodes, starts the services, and shows both nodes online', async () => {
      const conf = {
        // The example of the document with addresses of this network.
        totem: {
          version: '2',
          cluster_name: 'dorocoin',
          token: '3000',
          token_retransmits_before_loss_const: '10',
          clear_node_high_bit: 'yes',
          crypto_cipher: 'aes256',
          crypto_hash: 'sha1',
          rrp_mode: 'passive',
          interface: {
            ringnumber: '0',
            bindnetaddr: nodes()[0].address.replace(/\d+$/, '0'),
            mcastaddr: '226.94.1.1',
            mcastport: '5405',
            ttl: '1',
          },
        },
        logging: {
          to_logfile: 'yes',
          logfile: '/var/log/corosync/corosync.log',
          to_syslog: 'yes',
          timestamp: 'on',
        },
        quorum: { provider: 'corosync_votequorum', two_node: '1', expected_votes: '2' },
        nodelist: {
          node: nodes().map(({ name, address }, index) => ({
            ring0_addr: address,
            name,
            nodeid: `${index + 1}`,
          })),
        },
        resources: {},
      };
      for (const node of nodes()) {
        const raw = (await change('POST', 'corosync', conf, node)) as string;
        expect(raw).to.include('totem {\n\tversion: 2\n\tcluster_name: dorocoin\n');
        expect(await node.run(['cat', '/etc/corosync/corosync.conf'])).to.equal(raw);
        expect(await node.run(['stat', '-c', '%a %U:%G', '/etc/corosync/corosync.conf'])).to.equal(
          '644 root:root\n',
        );
        expect((await ask(node, 'GET', 'corosync')).json).to.deep.equal(conf);
      }
      for (const node of nodes()) {
        for (const service of ['corosync.service', 'pacemaker']) {
          await change('POST', `services/${service}/enable`, {}, node);
          const { state } = (await change('POST', `services/${service}/start`, {}, node)) as {
            state: string;
          };
          expect(state).to.equal('online');
        }
      }
      await untilOnline(
        nodes()[0],
        nodes().map(({ name }) => name),
      );
      expect(await nodes()[0].run(['crm_node', '--list'])).to.include(nodes()[1].name);
    });

    it('creates the storage topology', async () => {
      const startAndStop = (start: string, stop: string) => ({
        start: { timeout: start },
        stop: { timeout: stop },
      });
      const monitor = { interval: '20', timeout: '60', 'on-fail': 'restart' };
      const dummy = 'ocf:pacemaker:Dummy';
      for (const { name, host } of nodes()) {
        for (const [kind, params] of [
          ['ipmi', {}],
          ['timeout', { delay: '2' }],
        ] as const) {
          const device = `failoverMeasure_${kind}_${host}`;
          const sent = {
            name: device,
            agent: 'fence_lab',
            params: { ...params, pcmk_host_list: name },
            operations: { interval: '60s' },
          };
          const { agent, ...others } = sent;
          expect(await change('POST', 'stonith/create', sent)).to.deep.equal({
            ...others,
            stonith_agent: agent,
          });
          expect(await cib(`//primitive[@id='${device}']`))
            .to.match(/class="stonith".* type="fence_lab"/)
            .and.to.include(`value="${name}"`);
          expect(
            await change('POST', 'constraint/location', {
              resource: device,
              kind: 'avoids',
              score: 'INFINITY',
              location: name,
            }),
          ).to.equal('');
          expect(await cib(`//rsc_location[@rsc='${device}']`))
            .to.include(`node="${name}"`)
            .and.to.include('score="-INFINITY"');
          const level = { level: kind === 'ipmi' ? 1 : 2, node_name: name, stonith_name: device };
          expect(await change('POST', 'stonith/level/create', level)).to.deep.equal(level);
          expect(await cib(`//fencing-level[@devices='${device}']`))
            .to.include(`target="${name}"`)
            .and.to.include(`index="${level.level}"`);
        }
      }
      const resources = {
        ZFS: {
          resource_agent: dummy,
          meta,
          operations: { monitor, ...startAndStop('45s', '45s') },
        },
        SMB: { resource_agent: dummy, meta, operations: startAndStop('15', '15') },
        NFS: { resource_agent: dummy, meta, operations: { monitor, ...startAndStop('40', '20s') } },
        Alphorn: {
          resource_agent: dummy,
          meta,
          operations: { monitor, ...startAndStop('100', '100') },
        },
        VIP_mgmt0: {
          resource_agent: 'ocf:heartbeat:IPaddr2',
          params: { cidr_netmask: '24', ip: bench().lab.vip, nic: nodeInterface },
          meta,
          operations: { monitor: { interval: '10s', timeout: '20s' } },
        },
      };
      for (const [name, options] of Object.entries(resources)) {
        const sent = { name, ...options };
        expect(await change('POST', 'resource/', sent)).to.deep.equal(sent);
        const [, provider, type] = options.resource_agent.split(':');
        const xml = await cib(`//primitive[@id='${name}']`);
        expect(xml).to.include(`provider="${provider}"`).and.to.include(`type="${type}"`);
        expect(xml).to.match(/name="resource-stickiness" value="100"/);
        if ('monitor' in options.operations) {
          expect(xml).to.match(
            new RegExp(`name="monitor"[^>]*|interval="${options.operations.monitor.interval}"`),
          );
        }
      }
      for (const [name, [firstAction, first], [thenAction, then]] of [
        ['startingNFS', ['start', 'ZFS'], ['start', 'NFS']],
        ['startingSMB', ['start', 'ZFS'], ['start', 'SMB']],
        ['stoppingNFS', ['stop', 'NFS'], ['stop', 'ZFS']],
        ['stoppingSMB', ['stop', 'SMB'], ['stop', 'ZFS']],
      ] as const) {
        const order = {
          name,
          kind: 'Mandatory',
          first: { operation: firstAction, resource: first },
          then: { operation: thenAction, resource: then },
        };
        expect(await change('POST', 'constraint/order', order)).to.equal('');
        expect(await cib(`//rsc_order[@id='${name}']`)).to.match(
          new RegExp(`first="${first}" first-action="${firstAction}"`),
        );
      }
      await change('POST', 'constraint/colocation_group', {
        name: 'all_together',
        resources: [...storage],
        score: 'INFINITY',
      });
      const together = await cib("//rsc_colocation[@id='all_together']");
      expect(
        [...together.matchAll(/resource_ref id="([^"]*)"/g)].map((each) => each[1]),
      ).to.deep.equal([...storage]);
      await change('POST', 'property/no-quorum-policy/set', { value: 'stop' });
      expect(await cib("//nvpair[@name='no-quorum-policy']")).to.include('value="stop"');
      await settle();
      const places = await Promise.all(storage.map(locate));
      expect(new Set(places.map(({ node }) => node)).size).to.equal(1);
      expect(places.every(({ status }) => status === 'running')).to.equal(true);
    });

    it('stops and starts a resource', async () => {
      expect(await change('GET', 'resource/SMB/stop')).to.deep.equal({ name: 'SMB' });
      expect(await cib("//primitive[@id='SMB']")).to.include('name="target-role" value="Stopped"');
      await settle();
      expect(await locate('SMB')).to.deep.equal({ status: 'stopped' });
      expect(await change('POST', 'resource/SMB/start')).to.deep.equal({ name: 'SMB' });
      expect(await cib("//primitive[@id='SMB']")).not.to.include('target-role');
      await settle();
      expect((await locate('SMB')).status).to.equal('running');
    });

    it('moves all resources, and leaves no constraint behind', async () => {
      const { node: from } = await locate('ZFS');
      const to = nodes().find(({ name }) => name !== from)?.name ?? '';
      expect(await change('POST', 'resource/ZFS/migrate', { node: to })).to.deep.equal({
        node: to,
        name: 'ZFS',
      });
      expect(await cib("//rsc_location[starts-with(@id,'cli-')]")).to.equal('');
      await settle();
      for (const name of storage)
        expect(await locate(name), name).to.deep.equal({ status: 'running', node: to });
    });

    it('bans a resource from a node, and clears the ban', async () => {
      const { node = '' } = await locate('ZFS');
      await change('POST', 'resource/ZFS/ban', { node });
      expect(await cib("//rsc_location[@rsc='ZFS']"))
        .to.include(`node="${node}"`)
        .and.to.include('score="-INFINITY"');
      await settle();
      expect((await locate('NFS')).node).not.to.equal(node);
      await change('POST', 'resource/ZFS/clear');
      expect(await cib("//rsc_location[@rsc='ZFS']")).to.equal('');
    });

    it('cleans up a failed resource', async () => {
      const { node = '' } = await locate('NFS');
      await nodes()[0].run(['crm_resource', '--fail', '--resource', 'NFS', '--node', node]);
      await settle();
      expect(await cib("//nvpair[starts-with(@name,'fail-count-NFS')]")).not.to.equal('');
      const text = await change('GET', 'resource/NFS/cleanup');
      expect(text).to.match(/^Cleaned up NFS on /m);
      await settle();
      expect(await cib("//nvpair[starts-with(@name,'fail-count-NFS')]")).to.equal('');
    });

    it('sets a node to standby, which moves all resources away, and online again', async () => {
      const { node = '' } = await locate('ZFS');
      expect(await change('GET', `node/${node}/standby`)).to.equal('');
      expect(await cib(`//node[@uname='${node}']`)).to.include('name="standby" value="on"');
      await settle();
      for (const name of storage) expect((await locate(name)).node, name).not.to.equal(node);
      expect(await change('GET', `node/${node}/online`)).to.equal('');
      expect(await cib(`//node[@uname='${node}']//nvpair[@name='standby']`)).to.equal('');
      await settle();
    });

    it('fences a node, which loses its power and comes back', async () => {
      const [first, second] = nodes();
      const bootBefore = await second.run(['stat', '-c', '%Z', '/proc/1']);
      const actions = (await bench().lab.powerLog()).length;
      expect(await change('GET', `node/${second.name}/fence`)).to.equal('');
      const done = (await bench().lab.powerLog()).slice(actions).join('\n');
      expect(done).to.include(`reboot ${second.name}`);
      await untilOnline(
        first,
        nodes().map(({ name }) => name),
      );
      await untilHealthy(second);
      expect(await second.run(['stat', '-c', '%Z', '/proc/1'])).not.to.equal(bootBefore);
      await settle();
    });

    it('refuses to delete an online node, and the node that gets the request', async () => {
      const [first, second] = nodes();
      const online = await ask(first, 'GET', `node/${second.name}/delete`);
      expect([online.status, (online.json as { code: string }).code]).to.deep.equal([
        409,
        'node_online',
      ]);
      const local = await ask(first, 'GET', `node/${first.name}/delete`);
      expect([local.status, (local.json as { code: string }).code]).to.deep.equal([
        409,
        'node_is_local',
      ]);
    });

    it('deletes a node that has left, without pcs host auth', async () => {
      const [first, second] = nodes();
      expect(await change('GET', 'destroy', {}, second)).to.equal(destroyed);
      await waitUntil(`${second.name} to be gone`, async () =>
        (
          (await ask(first, 'GET', 'node')).json as { pacemaker_nodes: { offline: string[] } }
        ).pacemaker_nodes.offline.includes(second.name),
      );
      expect(await change('GET', `node/${second.name}/delete`)).to.equal('');
      expect(await cib(`//node[@uname='${second.name}']`)).to.equal('');
      const conf = await first.run(['cat', '/etc/corosync/corosync.conf']);
      expect(conf).not.to.include(second.name);
      expect(conf).not.to.include('two_node');
      expect(await first.run(['crm_node', '--list'])).not.to.include(second.name);
      expect((await ask(first, 'GET', 'node')).json).to.deep.include({
        pacemaker_nodes: { online: [first.name], standby: [], maintenance: [], offline: [] },
      });
    });

    it('can be destroyed', async () => {
      expect(await change('POST', 'reset_all')).to.equal(destroyed);
      expect((await ask(nodes()[0], 'GET', 'corosync')).status).to.equal(404);
    });

    it('has a record of each change', async () => {
      const { json } = await ask(nodes()[0], 'GET', 'audit?limit=1000');
      const entries = json as {
        route: string;
        outcome: string;
        caller: string;
        commands?: string[][];
      }[];
      const routes = entries
        .filter(({ outcome }) => outcome === 'success')
        .map(({ route }) => route.replace('/api/v2/system/ha/', ''));
      expect(routes).to.include.members([
        'reset_all',
        'resource/ZFS/migrate',
        'stonith/create',
        'corosync/key/generate',
      ]);
      expect(await nodes()[0].run(['hactl', 'audit', '--limit', '5'])).to.match(
        /success bench \(admin\) POST .*reset_all/,
      );
    });
  });
}
