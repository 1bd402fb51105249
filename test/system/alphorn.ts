import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { builtPackage } from '../lab/built-package.ts';
import { installPackage, type Lab, type LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import {
  makeTestHost,
  openTestReceiver,
  type TestHost,
  type TestReceiver,
} from '../support/peer-host.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { callHa } from './client.ts';

/** A liferaft that a receiver has taken in. */
interface Received {
  /** The id of the host that it is of. */
  host: string;
  generation: number;
}

const key = '5e'.repeat(32);
const edited = '/etc/exports';
/** Beside the time that the cluster takes to start the sender elsewhere. */
const graceMs = 5000;

/** The liferafts of real nodes: who sends them, when, and what is lost with a host. */
export function describeAlphorn(bench: () => { lab: Lab; token: string }): void {
  describe('Alphorn', () => {
    // Outside of the cluster: this machine, with a key of its own in common with the nodes.
    const folder = temporaryFolder();
    let outside: TestHost;
    let receiver: TestReceiver;
    let outsideDestination: string;
    const nodes = () => bench().lab.nodes;
    const other = (node: LabNode) => nodes().find((each) => each !== node) as LabNode;

    beforeEach(async () => {
      outside = await makeTestHost(folder.path, '0000beef', Buffer.alloc(256, 'other cluster'));
      await writeFile(outside.paths.alphorn.key, `${key}\n`);
      receiver = await openTestReceiver(outside, { address: bench().lab.gateway });
      outsideDestination = `${bench().lab.gateway}:${receiver.port}`;
      const destinations = [...nodes().map(({ address }) => address), outsideDestination];
      for (const node of nodes()) {
        await node.run(['hactl', 'alphorn', 'key', 'import'], { input: key });
        await setDestinations(node, destinations);
      }
      await untilSynced(await active());
    });
    afterEach(() => receiver.stop());
    after(async () => {
      for (const node of nodes()) await setDestinations(node, []);
    });

    async function setDestinations(node: LabNode, destinations: string[]): Promise<void> {
      const config = { interval: 5000, sync: { enabled: destinations.length > 0, destinations } };
      const { status, text } = await callHa(node, 'alphorn', {
        ...{ token: bench().token, method: 'POST', body: JSON.stringify({ config }) },
      });
      expect([status, text]).to.deep.equal([200, '{}']);
    }

    /** The node on which the cluster runs the sender. */
    async function active(): Promise<LabNode> {
      let found: LabNode | undefined;
      await waitUntil('the cluster to run Alphorn somewhere', async () => {
        for (const node of nodes()) {
          const seen = (await node.isOn())
            ? await node.cluster().catch(() => undefined)
            : undefined;
          const alphorn = seen?.resources.find(({ id }) => id === 'Alphorn');
          const runsOn = nodes().find(({ name }) => name === alphorn?.node);
          if (runsOn && alphorn?.role === 'Started') found = runsOn;
        }
        return found !== undefined;
      });
      return found as LabNode;
    }

    async function statusOf(node: LabNode) {
      const { json } = await callHa(node, 'alphorn/status', { token: bench().token });
      return json as {
        running: boolean;
        host: { id: string };
        liferaft: { generation: number; digest: string } | null;
        destinations: { destination: string; state: string; digest: string | null }[];
      };
    }

    /** Until all that were named last have what the node is now. */
    async function untilSynced(node: LabNode, deadlineMs = 30_000): Promise<void> {
      await waitUntil(
        `what ${node.name} sends to have come`,
        async () => {
          const { running, destinations } = await statusOf(node);
          const others = destinations.filter(({ state }) => state !== 'self');
          return (
            running &&
            others.some(({ destination }) => destination === outsideDestination) &&
            others.every(({ state }) => state === 'synced')
          );
        },
        { deadlineMs },
      );
    }

    /** All that the receiver outside took in, in order. */
    function receivedOutside(): Received[] {
      return receiver
        .told()
        .filter((line) => 'generation' in line && 'bytes' in line)
        .map((line) => ({
          host: String(line['host']),
          generation: Number(line['generation']),
        }));
    }

    async function receivedBy(node: LabNode): Promise<Received[]> {
      const journal = await node.run([
        'journalctl',
        '--unit',
        'ha-agent-peers',
        '--output',
        'cat',
        '--no-pager',
      ]);
      return journal.split('\n').flatMap((line): Received[] => {
        if (!line.includes('"liferaft received"')) return [];
        const { host, generation } = JSON.parse(line) as Record<string, unknown>;
        return [
          {
            host: String(host),
            generation: Number(generation),
          },
        ];
      });
    }

    /** Each generation of a host comes once, and they ascend. */
    function expectInOrder(received: readonly Received[], where: string): void {
      for (const host of new Set(received.map((each) => each.host))) {
        const generations = received
          .filter((each) => each.host === host)
          .map(({ generation }) => generation);
        const ascending = [...new Set(generations)].sort((a, b) => a - b);
        expect(generations, `what ${where} took in of ${host}`).to.deep.equal(ascending);
      }
    }

    /** Makes the other one take over, and looks who sends what from then on. */
    async function takeOver(
      lose: (node: LabNode) => Promise<unknown>,
      bring: (node: LabNode) => Promise<unknown>,
    ) {
      const before = await active();
      const after = other(before);
      const { id } = (await statusOf(after)).host;
      await lose(before);
      await waitUntil(`Alphorn to run on ${after.name}`, async () => {
        const { resources } = await after.cluster();
        const alphorn = resources.find((each) => each.id === 'Alphorn');
        return alphorn?.role === 'Started' && alphorn.node === after.name;
      });
      const startedAt = Date.now();
      await after.run(['sh', '-c', `echo "# taken over ${startedAt}" >> ${edited}`]);
      await waitUntil(
        `${after.name} to send`,
        () => receivedOutside().some(({ host }) => host === id),
        {
          deadlineMs: graceMs,
        },
      );
      await bring(before);
      await waitUntil(
        'both nodes to be online',
        async () => (await after.cluster()).online.length === 2,
        { deadlineMs: 120_000 },
      );
      await after.run(['crm_resource', '--wait', '--timeout=60'], { deadlineMs: 70_000 });
      const sender = await active();
      await untilSynced(sender);

      const outsideReceived = receivedOutside();
      expectInOrder(outsideReceived, 'the host outside');
      for (const node of nodes()) expectInOrder(await receivedBy(node), node.name);
      // One host alone sends: once the other has taken over, nothing comes of the first, but if it took over again.
      const changes = outsideReceived.filter(
        ({ host }, index) => host !== outsideReceived[index - 1]?.host,
      );
      expect(changes.length).to.be.at.most(sender === after ? 2 : 3);
      // What is kept of the sender is what it is now.
      const { liferaft, destinations } = await statusOf(sender);
      for (const { state, digest } of destinations.filter((each) => each.state !== 'self')) {
        expect([state, digest]).to.deep.equal(['synced', liferaft?.digest]);
      }
    }

    it('is sent within 2 s of an edit, to the other node and to a host outside of the cluster', async () => {
      const node = await active();
      const { id } = (await statusOf(node)).host;
      const times: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const count = receivedOutside().length;
        const there = (await receivedBy(other(node))).length;
        const editedAt = Date.now();
        await node.run(['sh', '-c', `echo "# ${editedAt}" >> ${edited}`]);
        await waitUntil('it to come', () => receivedOutside().length > count, {
          ...{ deadlineMs: 5000, everyMs: 20 },
        });
        times.push(Date.now() - editedAt);
        await waitUntil(
          'the other node to have it',
          async () => (await receivedBy(other(node))).length > there,
          {
            deadlineMs: 2000,
          },
        );
      }
      for (const ms of times) expect(ms, `all: ${times.join(', ')} ms`).to.be.below(2000);
      expect(new Set(receivedOutside().map(({ host }) => host))).to.deep.equal(new Set([id]));
      expectInOrder(receivedOutside(), 'the host outside');
      // The host outside has what was written last.
      const name = `liferaft_${id}.tar`;
      const stored = await readFile(join(outside.paths.alphorn.liferafts, name), 'latin1');
      expect(stored).to.include(await node.run(['tail', '-n', '1', edited]));
    });

    it('is not sent again while nothing changes', async () => {
      const node = await active();
      const count = receivedOutside().length;
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      await node.run(['hactl', 'alphorn', 'sync']);
      expect(receivedOutside()).to.have.length(count);
    });

    it('is sent by the other node after a standby', async () => {
      await takeOver(
        (node) => node.run(['pcs', 'node', 'standby', node.name]),
        (node) => node.run(['pcs', 'node', 'unstandby', node.name]),
      );
    });

    it('is sent by the other node after a loss of power', async () => {
      // The power switch boots what it has fenced.
      await takeOver(
        (node) => node.crash(),
        () => Promise.resolve(),
      );
    });

    it('is sent by the other node after a loss of the network', async () => {
      await takeOver(
        (node) => node.cut(),
        (node) => node.mend(),
      );
    });

    it('brings back a host whose disk is lost: every file, and its place in the cluster', async function () {
      this.timeout(10 * 60_000);
      const lost = await active();
      const survivor = other(lost);
      const { id } = (await statusOf(lost)).host;
      const name = `liferaft_${id}.tar`;
      await lost.run([
        'sh',
        '-c',
        'install -d -m 2750 -g haclient /etc/samba/deep; echo x > /etc/samba/deep/a; chmod 640 /etc/samba/deep/a; chown hacluster:haclient /etc/samba/deep/a; ln -s /nowhere /etc/samba/link',
      ]);
      await untilSynced(lost);
      await waitUntil('the last edit to be there', async () =>
        (await survivor.run(['hactl', 'alphorn', 'show', name])).includes(
          '/etc/samba/link -> /nowhere',
        ),
      );
      const identity = await lost.run([
        'sh',
        '-c',
        'cat /etc/machine-id /etc/hostname /etc/corosync/corosync.conf',
      ]);
      // Stopped, for else the survivor would have it fenced, and so booted, while its disk is taken away.
      await lost.run(['pcs', 'cluster', 'stop'], { deadlineMs: 120_000 });

      await lost.loseDisk();
      await lost.writeFile('/etc/hostname', 'blank\n');
      await lost.boot();
      await installPackage(lost, await builtPackage());
      expect(await lost.run(['hactl', 'alphorn', 'list'])).not.to.include(id);

      const carried = '/root/liferaft.tar';
      await survivor.run(['hactl', 'alphorn', 'export', name, carried]);
      const base64 = await survivor.run(['base64', carried]);
      await survivor.run(['rm', carried]);
      await lost.writeFile(carried, Buffer.from(base64, 'base64'), 0o600);
      expect((await lost.run(['hactl', 'alphorn', 'import', carried])).trim()).to.equal(name);
      await lost.run(['hactl', 'alphorn', 'restore', name]);

      const script = await readFile(join(import.meta.dirname, 'read-liferaft.py'));
      const { stdout, stderr, exitCode } = await lost.exec(['python3', '-', carried], {
        input: script,
      });
      expect([exitCode, stdout], stderr).to.deep.equal([0, '']);
      const [files = 0, links = 0] = stderr.split(' ').map(Number);
      expect(files).to.be.greaterThan(20);
      expect(links).to.be.greaterThan(0);

      await lost.crash();
      await lost.boot();
      await waitUntil(
        'it to be in the cluster again',
        async () => (await survivor.cluster()).online.length === 2,
        {
          deadlineMs: 120_000,
        },
      );
      expect(
        await lost.run([
          'sh',
          '-c',
          'cat /etc/machine-id /etc/hostname /etc/corosync/corosync.conf',
        ]),
      ).to.equal(identity);
      expect((await statusOf(lost)).host.id).to.equal(id);
      await survivor.run(['crm_resource', '--wait', '--timeout=60'], { deadlineMs: 70_000 });
    });
  });
}
