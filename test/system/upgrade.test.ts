import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { builtPackage } from '../lab/built-package.ts';
import { down, type Lab, type LabNode, up } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { releasedPackage } from '../lab/released-package.ts';
import { type Suite, suites } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { agentProcess } from './agent-process.ts';
import { callHa, untilHealthy } from './client.ts';
import { hasTurn } from './share.ts';
import { failedBeyond, type Load, restartOf, startLoad } from './upgrade-load.ts';
import {
  editedFile,
  expectKept,
  expectUsable,
  give,
  type Given,
  peerPort,
  valueOf,
} from './upgrade-state.ts';

const suite = (process.env['HA_TEST_SUITE'] ?? 'bookworm') as Suite;
if (!suites.includes(suite)) throw new Error(`HA_TEST_SUITE is one of ${suites.join(', ')}.`);

const debInNode = '/root/ha-agent.deb';

// It has a lab of its own, whose nodes begin with the last release.
if (hasTurn(suite)) {
  describe(`On ${suite}, an upgrade of a cluster from the last release`, describeUpgrade);
}

/** The nodes are upgraded one after another, each while Alphorn runs on it, so that both versions meet in both directions. */
function describeUpgrade(): void {
  const name = `${process.env['HA_TEST_LAB'] ?? `test-${suite}`}-up`;
  let lab: Lab | undefined;
  let released = '';
  let token = '';
  let first: LabNode;
  let second: LabNode;
  const given = new Map<LabNode, Given>();

  before(async function () {
    // The package of the last release may have to be built first.
    this.timeout(25 * 60 * 1000);
    released = await releasedPackage(progressOnStderr);
    await down(name, progressOnStderr);
    lab = await up({
      ...{ name, suite, nodes: 2, topology: 'storage', progress: progressOnStderr },
      package: released,
    });
    const runsOn = await nodeOfAlphorn(lab);
    first = lab.node(runsOn);
    second = lab.nodes.find((node) => node !== first) as LabNode;
    token = (await first.run(['hactl', 'token', 'create', 'bench', '--role', 'admin'])).trim();
    const stored = '/var/lib/ha-agent/tokens/bench.json';
    await second.run(['install', '-d', '-m', '700', '/var/lib/ha-agent/tokens']);
    await second.writeFile(stored, await first.run(['cat', stored]), 0o600);

    given.set(first, await give(first, token, 'pe-error-series-max', [peer(second)], undefined));
    const key = await first.run(['hactl', 'alphorn', 'key', 'export']);
    given.set(second, await give(second, token, 'node-health-base', [peer(first)], key));
  });

  after(() => down(name, progressOnStderr));

  const peer = (node: LabNode) => `${node.address}:${peerPort}`;

  it('fails no request except while the services of the active node are restarted', async function () {
    this.timeout(300_000);
    await upgradeUnderLoad(first, second);
  });

  it('lets the versions before and after it take in the liferafts of each other', async () => {
    await expectSent(first, second);
    await switchOver(first, second);
    await expectSent(second, first);
  });

  it('fails no request on the other node either, when that is active and upgraded', async function () {
    this.timeout(300_000);
    await upgradeUnderLoad(second, first);
    await expectSent(second, first);
    await switchOver(second, first);
    await expectSent(first, second);
  });

  it('loses no token, configuration, line of the audit log, liferaft, restore or answer', async () => {
    for (const [node, had] of given) await expectKept(node, token, had);
  });

  it('leaves nothing of the last release in its folder', async () => {
    for (const node of given.keys()) {
      const there = await node.run(['find', '/usr/lib/ha-agent', '-type', 'f']);
      const listed = new Set((await node.run(['dpkg', '--listfiles', 'ha-agent'])).split('\n'));
      const left = there.split('\n').filter((path) => !listed.has(path) && path !== '');
      expect(left).to.deep.equal([]);
      expect(await node.run(['dpkg', '--verify', 'ha-agent'])).not.to.include(' /usr/');
    }
  });

  it('leaves what hactl can show, undo, delete and revoke', async () => {
    for (const node of given.keys()) await expectUsable(node);
  });

  it('can be gone back on, while no file has a later format', async function () {
    this.timeout(180_000);
    await second.writeFile(debInNode, await readFile(released));
    await second.run(['dpkg', '--install', debInNode], { deadlineMs: 120_000 });
    await untilHealthy(second);
    const { status, headers } = await callHa(second, 'status', { token });
    expect([status, headers['x-powered-by']]).to.deep.equal([200, 'Kept']);
    await second.run(['hactl', 'audit', '--verify']);
    await expectSent(first, second);
  });

  /** Upgrades a node, the active one, as apt does it: files first, the rest later. */
  async function upgradeUnderLoad(node: LabNode, other: LabNode): Promise<void> {
    // Of a process that the upgrade leaves alone.
    const pid = await agentProcess(lab as Lab, node, 'corosync');
    const socketPath = `/proc/${pid}/root/run/ha-agent/api.sock`;
    const listening = await countOf(node, '"msg":"listening"');
    const changes = new Map<string, number>();
    await node.writeFile(debInNode, await readFile(await builtPackage()));
    const before = await liferaftsOf(node, other);
    const load = startLoad({ token, node, socketPath, other });
    const edits = startEdits(node);
    let restart;
    try {
      for (const property of load.acknowledged.keys())
        changes.set(property, await changesOf(node, property));
      await untilAnswered(load);
      await node.run(['dpkg', '--unpack', debInNode], { deadlineMs: 120_000 });
      await untilAnswered(load);
      await expectRunsOn(node);
      await node.run(['dpkg', '--configure', 'ha-agent'], { deadlineMs: 120_000 });
      await untilAnswered(load);
      restart = await restartOf(node, 'ha-agent');
    } finally {
      await edits.stop();
      await load.stop();
    }

    expect(failedBeyond(load.asked, node, restart)).to.deep.equal([]);
    expect(await countOf(node, '"msg":"listening"')).to.equal(listening + 1);
    for (const [property, values] of load.acknowledged) {
      expect(await valueOf(node, property)).to.equal(values.at(-1));
      const made = (await changesOf(node, property)) - (changes.get(property) ?? 0);
      expect(made, property).to.equal(values.length);
    }
    const after = await liferaftsOf(node, other);
    expect(after).to.include.members(before);
    // The cluster has seen no failure of what it runs.
    const failed = `//nvpair[starts-with(@name,'fail-count-')]`;
    expect((await node.exec(['cibadmin', '--query', '--xpath', failed])).stdout).to.equal('');
  }

  /** New files below processes of before: what these load yet, and what is started now. */
  async function expectRunsOn(node: LabNode): Promise<void> {
    await node.run(['hactl', 'alphorn', 'status']);
    expect(await node.run(['hactl', 'token', 'list'])).to.include('bench');
    for (const service of ['ha-agent-peers', 'alphorn'])
      await node.run(['systemctl', 'restart', service]);
    // So large that a thread reads it, whose code is loaded only then.
    const size = 600;
    const role = (index: number) =>
      `<acl_role id="large-${index}" description="${'x'.repeat(1000)}"/>`;
    const roles = Array.from({ length: size }, (_each, index) => role(index)).join('');
    const modify = ['cibadmin', '--modify', '--allow-create', '--scope', 'acls'] as const;
    await node.run([...modify, '--xml-pipe'], { input: `<acls>${roles}</acls>` });
    const { status, text } = await callHa(node, 'configuration', { token });
    expect(status, text.slice(0, 1000)).to.equal(200);
    expect(text).to.include(`large-${size - 1}`);
    const empty = ['cibadmin', '--replace', '--scope', 'acls', '--xml-pipe'] as const;
    await node.run(empty, { input: '<acls/>' });
  }

  /** How often the audit log of a node has a change of a property that was made. */
  async function changesOf(node: LabNode, property: string): Promise<number> {
    const listed = await node.run(['hactl', 'audit', '--limit', '10000', '--json']);
    const entries = JSON.parse(listed) as { route: string; outcome: string }[];
    return entries.filter(({ route, outcome }) => {
      return route.includes(`property/${property}/set`) && outcome === 'success';
    }).length;
  }

  /** The names and digests of the liferafts of a host that another has. */
  async function liferaftsOf(node: LabNode, on: LabNode): Promise<string[]> {
    const { json } = await callHa(on, 'alphorn/liferaft', { token });
    const all = json as { host: { name: string }; generation: number; digest: string }[];
    return all
      .filter(({ host }) => host.name === node.name)
      .map(({ generation, digest }) => `${generation} ${digest}`);
  }

  /** An edit of one host is in its liferaft on the other. */
  async function expectSent(from: LabNode, to: LabNode): Promise<void> {
    const line = `${Date.now()}`;
    await from.run(['sh', '-c', `echo ${line} >> ${editedFile}`]);
    await from.run(['hactl', 'alphorn', 'sync'], { deadlineMs: 60_000 });
    const status = await from.run(['hactl', 'alphorn', 'status', '--json']);
    const { host } = JSON.parse(status) as { host: { id: string } };
    const liferaft = `/var/lib/alphorn/liferafts/liferaft_${host.id}.tar`;
    expect(await to.run(['tar', '-xOf', liferaft, `root${editedFile}`])).to.include(line);
  }

  async function switchOver(from: LabNode, to: LabNode): Promise<void> {
    const post = (path: string) => callHa(to, path, { token, method: 'POST' });
    expect((await post(`node/${from.name}/standby`)).status).to.equal(200);
    await waitUntil(`Alphorn to run on ${to.name}`, async () => {
      return (await nodeOfAlphorn(lab as Lab)) === to.name;
    });
    expect((await post(`node/${from.name}/online`)).status).to.equal(200);
    await to.run(['crm_resource', '--wait', '--timeout=90'], { deadlineMs: 100_000 });
  }
}

/** The node that the cluster has started Alphorn on; empty while there is none. */
async function nodeOfAlphorn(lab: Lab): Promise<string> {
  const { resources } = await (lab.nodes[0] as LabNode).cluster();
  const alphorn = resources.find(({ id, role }) => id === 'Alphorn' && role === 'Started');
  return alphorn?.node ?? '';
}

/** How many lines of the agent's journal have a text. */
async function countOf(node: LabNode, text: string): Promise<number> {
  const journal = await node.run(['journalctl', '--identifier=ha-agent', '--output=cat']);
  return journal.split('\n').filter((line) => line.includes(text)).length;
}

/** Until a request of each kind has been answered some times. */
async function untilAnswered({ asked }: Load): Promise<void> {
  const until = asked.length + 200;
  await waitUntil('the requests to go on', () => asked.length >= until);
}

/** Changes a file that is in the node's liferaft, again and again. */
function startEdits(node: LabNode): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const all = (async () => {
    while (!stopping.signal.aborted) {
      await node.run(['sh', '-c', `date +%s.%N >> ${editedFile}`]);
      await sleep(700);
    }
  })();
  all.catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      await all;
    },
  };
}
