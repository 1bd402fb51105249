import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { builtPackage } from '../lab/built-package.ts';
import type { Suite } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Contact, startThirdHost, type ThirdHost } from '../support/third-host.ts';
import { encodeAcl } from '../../src/parsers/posix-acl.ts';
import type { Bench } from './asking.ts';
import { callHa, untilHealthy } from './client.ts';
import { describeHostile } from './alphorn-hostile.ts';
import { describeLeftOut } from './alphorn-left-out.ts';
import { describePeers } from './alphorn-peers.ts';
import { describeAlphornRestores } from './alphorn-restores.ts';
import { shareOf } from './share.ts';

/** An edit that is sent in time cannot have been sent only because of this interval. */
const interval = 60_000;
/** Far less than the interval. */
const beforeIntervalMs = 30_000;

/** A list that lets the user `backup` read, and the owning group nothing. */
const someList = encodeAcl({
  user: 6,
  users: [{ id: 34, perms: 4 }],
  group: 0,
  groups: [],
  mask: 4,
  other: 0,
}).toString('hex');
const listed = '/etc/samba/deep/a';
const setList = `import os; os.setxattr("${listed}", "system.posix_acl_access", bytes.fromhex("${someList}"))`;
const removeList = `import os; os.removexattr("${listed}", "system.posix_acl_access")`;

/** Modes, owners, lists and links that a new Debian does not have. */
const ofAllKinds = `
  install -d -m 2750 -g haclient /etc/samba/deep
  echo x > /etc/samba/deep/a
  chmod 640 /etc/samba/deep/a
  chown hacluster:haclient /etc/samba/deep/a
  python3 -c '${setList}'
  ln -s /nowhere /etc/samba/link`;

interface Listed {
  name: string;
  host: { id: string; name: string };
  generation: number;
  current: boolean;
  digest: string;
}

interface AlphornStatus {
  running: boolean;
  host: { id: string; name: string };
  liferaft: { generation: number; digest: string } | null;
  destinations: { destination: string; state: string; digest: string | null }[];
}

/**
 * Liferafts of the nodes of a cluster that runs Alphorn. A third host, outside of the cluster, receives everything that is
 * sent, and never loses its power. Leaves both nodes online.
 */
export function describeAlphorn(bench: Bench, suite: Suite): void {
  describe('Alphorn', () => {
    const nodes = () => bench().lab.nodes as [LabNode, LabNode];
    let outside: ThirdHost | undefined;
    const third = () => {
      if (outside === undefined) throw new Error('The third host has not started.');
      return outside;
    };

    const get = async <T>(node: LabNode, path: string): Promise<T> => {
      const { status, json, text } = await callHa(node, path, { token: bench().token });
      expect(status, text).to.equal(200);
      return json as T;
    };
    const post = async (node: LabNode, path: string): Promise<void> => {
      const { status, text } = await callHa(node, path, { token: bench().token, method: 'POST' });
      expect(status, text).to.equal(200);
    };
    const statusOf = (node: LabNode) => get<AlphornStatus>(node, 'alphorn/status');
    const liferaftsOn = (node: LabNode) => get<Listed[]>(node, 'alphorn/liferaft');

    /** The node that Alphorn runs on, and the other, as the other sees it. */
    async function roles(): Promise<{ active: LabNode; other: LabNode }> {
      const { resources } = await nodes()[0].cluster();
      const runsOn = resources.find(({ id }) => id === 'Alphorn')?.node ?? '';
      const active = bench().lab.node(runsOn);
      return { active, other: nodes().find((node) => node !== active) as LabNode };
    }

    /** Changes a file of the host that goes into its liferaft, and returns the time. */
    async function edit(node: LabNode): Promise<{ at: number; line: string }> {
      const line = `# ${Date.now()}`;
      await node.run(['sh', '-c', 'echo "$1" >> /etc/hosts', 'sh', line]);
      const changed = await node.run(['stat', '--format=%.Y', '/etc/hosts']);
      return { at: Number(changed) * 1000, line };
    }

    /** Waits until the liferaft of a host with a line in its /etc/hosts is on another. */
    async function untilHeld(of: LabNode, on: LabNode, line: string): Promise<void> {
      const { host } = await statusOf(of);
      await waitUntil(`${of.name}'s liferaft to be on ${on.name}`, async () => {
        const name = `/var/lib/alphorn/liferafts/liferaft_${host.id}.tar`;
        const { stdout } = await on.exec(['tar', '-xOf', name, 'root/etc/hosts']);
        return stdout.includes(line);
      });
    }

    async function untilBothOnline(node: LabNode): Promise<void> {
      const isOnline = ({ online }: { online: readonly string[] }) => online.length === 2;
      await node.waitUntilCluster('both nodes online', isOnline);
      await node.run(['crm_resource', '--wait', '--timeout=90'], { deadlineMs: 100_000 });
    }

    /** Waits until the cluster has started Alphorn on a node. */
    async function untilStartedOn(node: LabNode): Promise<void> {
      await waitUntil(`Alphorn to be started on ${node.name}`, async () => {
        const { resources } = await node.cluster();
        const alphorn = resources.find(({ id }) => id === 'Alphorn');
        if (alphorn?.role === 'Started' && alphorn.node === node.name) return true;
        throw new Error(await node.run(['crm_mon', '--one-shot', '--failcounts']));
      });
    }

    /** Makes the cluster run it on the other node, and both nodes online again. */
    async function switchOver(): Promise<void> {
      const { active, other } = await roles();
      await post(other, `node/${active.name}/standby`);
      await untilStartedOn(other);
      await post(other, `node/${active.name}/online`);
      await untilBothOnline(other);
    }

    /** What the third host received from a node since a moment. */
    const heardOf = (hostId: string, since: number): Contact[] =>
      third()
        .contacts()
        .filter((each) => each.hostId === hostId && each.at >= since);

    /** Checks that the other node sends in time, and that the former one is silent from then on. */
    async function expectTakeOver(
      from: { id: string },
      to: { node: LabNode; id: string },
      since: number,
    ): Promise<void> {
      await untilStartedOn(to.node);
      await waitUntil('the third host to hear of it', () => heardOf(to.id, since).length > 0, {
        deadlineMs: beforeIntervalMs,
        everyMs: 50,
      });
      const first = heardOf(to.id, since)[0] as Contact;
      await sleep(1000);
      expect(heardOf(from.id, first.at)).to.deep.equal([]);
    }

    /** Checks that nothing arrived twice and no generation went back, whichever host sent it. */
    function expectInOrder(): void {
      const received = third()
        .contacts()
        .filter(({ kind }) => kind === 'liferaft');
      for (const hostId of new Set(received.map((each) => each.hostId))) {
        const generations = received
          .filter((each) => each.hostId === hostId)
          .map(({ generation }) => generation);
        const ascending = [...new Set(generations)].sort((a, b) => a - b);
        expect(generations, hostId).to.deep.equal(ascending);
      }
    }

    before(async () => {
      const authkey = ['base64', '--wrap=0', '/etc/corosync/authkey'] as const;
      const clusterKey = Buffer.from(await nodes()[0].run(authkey), 'base64');
      outside = await startThirdHost(bench().lab.gateway, clusterKey);
      const destinations = [...nodes().map(({ address }) => address), third().destination];
      for (const node of nodes()) {
        const config = { interval, sync: { enabled: true, destinations } };
        const body = JSON.stringify({ config });
        const options = { token: bench().token, method: 'POST', body };
        const { status, text } = await callHa(node, 'alphorn', options);
        expect([status, text]).to.deep.equal([200, '{}']);
        expect(await get(node, 'alphorn')).to.deep.equal(config);
      }
      const { active } = await roles();
      await waitUntil('the first liferaft to be sent', () => third().contacts().length > 0);
      const { destinations: reported, liferaft } = await statusOf(active);
      expect(liferaft).not.to.equal(null);
      expect(reported.map(({ destination }) => destination)).to.deep.equal(destinations);
    });

    after(() => outside?.stop());

    it('runs where the cluster started it, and reports nowhere else that it runs', async () => {
      const { active, other } = await roles();
      expect((await statusOf(active)).running).to.equal(true);
      expect((await statusOf(other)).running).to.equal(false);
    });

    it('makes a liferaft that matches the host, as an independent program confirms', async () => {
      const { active, other } = await roles();
      const { line } = await edit(active);
      await untilHeld(active, other, line);
      const { id } = (await statusOf(active)).host;
      const [name] = (await liferaftsOn(other)).filter(({ host }) => host.id === id);
      const sent = await readLiferaft(other, name?.name ?? '');
      const read = await compare(active, sent);
      expect(read.differences).to.deep.equal([]);
      expect(read.paths).to.include.members([
        '/etc/hostname',
        '/etc/hosts',
        '/etc/machine-id',
        '/etc/passwd',
        '/etc/shadow',
        '/etc/corosync/corosync.conf',
        '/etc/corosync/authkey',
        '/etc/alphorn/config.json',
        '/var/lib/pacemaker/cib/cib.xml',
        '/etc/ha-agent/config.json',
      ]);
    });

    it('sends each edit long before its interval is over', async () => {
      const { active } = await roles();
      const { id } = (await statusOf(active)).host;
      for (let index = 0; index < 5; index += 1) {
        const { at } = await edit(active);
        const isThere = () => heardOf(id, at).some(({ kind }) => kind === 'liferaft');
        await waitUntil(`edit ${index} to be sent`, isThere, {
          everyMs: 20,
          deadlineMs: beforeIntervalMs,
        });
        await sleep(500);
      }
    });

    it('is sent by the other one when the node goes into standby', async () => {
      const { active, other } = await roles();
      const ids = await idsOf(active, other);
      const since = Date.now();
      await post(other, `node/${active.name}/standby`);
      await expectTakeOver({ id: ids.active }, { node: other, id: ids.other }, since);
      await post(other, `node/${active.name}/online`);
      await untilBothOnline(other);
      expectInOrder();
    });

    it('is sent by the other one when the node loses its power', async () => {
      const { active, other } = await roles();
      const ids = await idsOf(active, other);
      const since = Date.now();
      await active.crash();
      await expectTakeOver({ id: ids.active }, { node: other, id: ids.other }, since);
      await untilBothOnline(other);
      await untilHealthy(active);
      expectInOrder();
    });

    it('is sent by the other one when the node loses its network, and nothing is lost or doubled', async () => {
      const { active, other } = await roles();
      const ids = await idsOf(active, other);
      const since = Date.now();
      await active.cut();
      await expectTakeOver({ id: ids.active }, { node: other, id: ids.other }, since);
      // This edit is made while the other node cannot be reached.
      const { line } = await edit(other);
      await active.mend();
      await untilBothOnline(other);
      await untilHealthy(active);
      await untilHeld(other, active, line);
      expectInOrder();
      const { liferaft } = await statusOf(other);
      const held = (await liferaftsOn(active)).find(
        ({ host, current }) => host.id === ids.other && current,
      );
      expect(held?.digest).to.equal(liferaft?.digest);
      const heard = third()
        .contacts()
        .filter(({ hostId }) => hostId === ids.other);
      expect(heard.at(-1)?.digest).to.equal(liferaft?.digest);
    });

    it('brings a host back whose disk was lost: every file, and its place in the cluster', async function () {
      this.timeout(600_000);
      const { active, other } = await roles();
      await active.run(['sh', '-c', ofAllKinds]);
      const { line } = await edit(active);
      await untilHeld(active, other, line);
      const { id } = (await statusOf(active)).host;
      const name = `liferaft_${id}.tar`;

      await active.replaceDisk();
      // The other node fences it before it takes over; a node that booted earlier would be switched off.
      await untilStartedOn(other);
      await active.boot();
      expect(await active.run(['cat', '/etc/hostname'])).to.equal('blank\n');
      await active.install(await builtPackage());

      await other.run(['hactl', 'alphorn', 'export', name, '/root/liferaft.tar']);
      const base64 = await other.run(['base64', '--wrap=0', '/root/liferaft.tar']);
      await other.run(['rm', '/root/liferaft.tar']);
      const liferaft = Buffer.from(base64, 'base64');
      await active.writeFile('/root/liferaft.tar', liferaft, 0o600);
      await active.run(['hactl', 'alphorn', 'import', '/root/liferaft.tar']);
      await active.run(['rm', '/root/liferaft.tar']);
      await active.run(['hactl', 'alphorn', 'restore', name]);
      expect(await active.run(['hactl', 'audit', '--limit', '1'])).to.match(
        new RegExp(`success root \\(admin\\) CLI hactl alphorn restore ${name}\n$`),
      );
      const restored = await compare(active, liferaft);
      expect(restored.differences).to.deep.equal([]);
      expect(restored.paths).to.include.members(['/etc/samba/deep/a', '/etc/samba/link']);
      const made = await active.run(['stat', '--format=%a %U:%G', '/etc/samba/deep']);
      expect(made).to.equal('2750 root:haclient\n');

      await active.crash();
      await active.boot();
      await untilBothOnline(other);
      await untilHealthy(active);
      expect(await active.run(['cat', '/etc/hostname'])).to.equal(`${active.name}\n`);
      expect((await statusOf(active)).host.id).to.equal(id);
      // It has its former token and its former key.
      expect((await get<{ version: string }>(active, 'configuration')).version).to.equal(
        (await get<{ version: string }>(other, 'configuration')).version,
      );
      const late = await edit(other);
      await untilHeld(other, active, late.line);
    });

    it('restores an access control list from within the sandbox of the agent', async () => {
      // The host that was lost has its own liferaft again.
      const { other: back } = await roles();
      const name = (await liferaftsOn(back)).find(
        ({ host, current }) => current && host.name === back.name,
      )?.name;
      await back.run(['python3', '-c', removeList]);
      const { status, json, text } = await callHa(back, `alphorn/liferaft/${name ?? ''}/restore`, {
        token: bench().token,
        method: 'POST',
        body: JSON.stringify({ paths: [listed] }),
      });
      expect(status, text).to.equal(200);
      expect((json as { differences: { changes: string[] }[] }).differences).to.have.lengthOf(1);
      const shown = `import os; print(os.getxattr("${listed}", "system.posix_acl_access").hex())`;
      expect(await back.run(['python3', '-c', shown])).to.equal(`${someList}\n`);
    });

    it('accepts the host that came back as the former one', async () => {
      const { active, other } = await roles();
      const ids = await idsOf(active, other);
      // The restored host begins to count its generations at 1.
      await switchOver();
      const { line } = await edit(other);
      await untilHeld(other, active, line);
      const [latest, ...former] = (await liferaftsOn(active)).filter(
        ({ host }) => host.id === ids.other,
      );
      expect(latest?.current).to.equal(true);
      expect(former.length).to.be.greaterThan(0);
    });

    const others = [
      () => {
        describePeers({ roles, switchOver });
      },
      () => {
        describeLeftOut(bench, { roles, read: readLiferaft, compare });
      },
      () => {
        describeHostile(bench);
      },
      () => {
        describeAlphornRestores(bench);
      },
    ];
    for (const describeOther of shareOf(others, 2, suite)) describeOther();

    async function idsOf(
      active: LabNode,
      other: LabNode,
    ): Promise<{ active: string; other: string }> {
      return { active: (await statusOf(active)).host.id, other: (await statusOf(other)).host.id };
    }

    async function readLiferaft(node: LabNode, name: string): Promise<Buffer> {
      const path = `/var/lib/alphorn/liferafts/${name}`;
      return Buffer.from(await node.run(['base64', '--wrap=0', path]), 'base64');
    }

    /** Compares a liferaft with the files of a node, in Python. */
    async function compare(
      node: LabNode,
      liferaft: Buffer,
    ): Promise<{ generation: number; paths: string[]; differences: string[] }> {
      const script = await readFile(new URL('read-liferaft.py', import.meta.url), 'utf8');
      await node.writeFile('/root/compared.tar', liferaft, 0o600);
      const printed = await node.run(['python3', '-c', script, '/root/compared.tar']);
      await node.run(['rm', '/root/compared.tar']);
      return JSON.parse(printed) as { generation: number; paths: string[]; differences: string[] };
    }
  });
}
