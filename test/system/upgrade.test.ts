import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import { builtPackage } from '../lab/built-package.ts';
import { down, type Lab, type LabNode, up } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { releasedPackage } from '../lab/released-package.ts';
import { type Suite, suites } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { agentProcess } from './agent-process.ts';
import { callHa, untilHealthy } from './client.ts';
import {
  changedProperties,
  failedBeyond,
  restartOf,
  startEdits,
  startLoad,
  untilAnswered,
} from './upgrade-load.ts';
import {
  changesOf,
  editedFile,
  expectUnchanged,
  expectLiferaftsPresent,
  expectUsable,
  give,
  type Given,
  peerPort,
  receivedFrom,
  valueOf,
} from './upgrade-state.ts';
import { hasTurn } from './share.ts';

const suite = (process.env['HA_TEST_SUITE'] ?? 'bookworm') as Suite;
if (!suites.includes(suite)) throw new Error(`HA_TEST_SUITE is one of ${suites.join(', ')}.`);

// Uses a lab of its own, whose nodes begin with the last release. It takes minutes, so `npm test` runs it on one suite.
if (hasTurn(suite, 1)) {
  describe(`On ${suite}, an upgrade of a cluster from the last release`, describeUpgrade);
}

function describeUpgrade(): void {
  const name = `${process.env['HA_TEST_LAB'] ?? `test-${suite}`}-up`;
  let lab: Lab;
  let released: Buffer;
  let token: string;
  /** The node that Alphorn runs on, which sends its liferaft to the other. */
  let active: LabNode;
  let standby: LabNode;
  let given: ReadonlyMap<LabNode, Given>;
  /** The path of the active node's liferaft on the standby node. */
  let liferaft: string;

  before(async function () {
    // The package of the last release may have to be built first.
    this.timeout(25 * 60 * 1000);
    const file = await releasedPackage(progressOnStderr);
    released = await readFile(file);
    await down(name, progressOnStderr);
    lab = await up({
      name,
      suite,
      nodes: 2,
      topology: 'storage',
      package: file,
      progress: progressOnStderr,
    });
    const { resources } = await (lab.nodes[0] as LabNode).cluster();
    active = lab.node(resources.find(({ id }) => id === 'Alphorn')?.node ?? '');
    standby = lab.nodes.find((node) => node !== active) as LabNode;

    token = (await active.run(['hactl', 'token', 'create', 'bench', '--role', 'admin'])).trim();
    const stored = '/var/lib/ha-agent/tokens/bench.json';
    await standby.run(['install', '-d', '-m', '700', '/var/lib/ha-agent/tokens']);
    await standby.writeFile(stored, await active.run(['cat', stored]), 0o600);
    await active.run(['hactl', 'alphorn', 'key', 'generate']);
    const key = await active.run(['hactl', 'alphorn', 'key', 'export']);
    await standby.run(['hactl', 'alphorn', 'key', 'import'], { input: key });
    const peer = ({ address }: LabNode) => `${address}:${peerPort}`;
    given = new Map([
      [active, await give(active, token, peer(standby))],
      [standby, await give(standby, token, peer(active))],
    ]);
    const status = await callHa(active, 'alphorn/status', { token });
    const { host } = status.json as { host: { id: string } };
    liferaft = `/var/lib/alphorn/liferafts/liferaft_${host.id}.tar`;
  });

  after(() => down(name, progressOnStderr));

  it('fails no request on the active node except during the restart', async function () {
    this.timeout(900_000);
    await upgradeUnderLoad(active, standby);
  });

  it('lets the last release receive a liferaft of this version', () => expectSent());

  it('fails no request on the standby node except during the restart', async function () {
    this.timeout(900_000);
    await upgradeUnderLoad(standby, active);
    await expectSent();
  });

  it('loses no token, configuration, audit line, liferaft, restore, answer, code or file name', async () => {
    for (const [node, had] of given) await expectUnchanged(node, token, had);
  });

  it('leaves no file of the last release behind', async () => {
    for (const node of lab.nodes) {
      const there = await node.run(['find', '/usr/lib/ha-agent', '-type', 'f']);
      const listed = new Set((await node.run(['dpkg', '--listfiles', 'ha-agent'])).split('\n'));
      const left = there.split('\n').filter((path) => !listed.has(path));
      expect(left).to.deep.equal([]);
      expect(await node.run(['dpkg', '--verify', 'ha-agent'])).not.to.include(' /usr/');
    }
  });

  it('lets hactl show, undo, delete and revoke what the last release stored', async () => {
    for (const node of lab.nodes) await expectUsable(node);
  });

  it('can be reversed by installing the last release, whose liferafts this version receives', async () => {
    await writePackage(active, released);
    await active.run(['dpkg', '--install', debInNode], { deadlineMs: 120_000 });
    await untilHealthy(active);
    const { status, headers } = await callHa(active, 'status', { token });
    expect([status, headers['x-powered-by']]).to.deep.equal([200, 'Kept']);
    await active.run(['hactl', 'audit', '--verify']);
    expect(await changesOf(active, changedProperties[0])).to.be.above(0);
    await expectSent();
  });

  /** Upgrades a node as apt does: it unpacks the files first, and restarts the services later. */
  async function upgradeUnderLoad(node: LabNode, other: LabNode): Promise<void> {
    // The upgrade leaves corosync alone.
    const pid = await agentProcess(lab, node, 'corosync');
    const socketPath = `/proc/${pid}/root/run/ha-agent/api.sock`;
    await writePackage(node, await readFile(await builtPackage()));
    const starts = await startsOf(node);
    const changesBefore = await Promise.all(changedProperties.map((each) => changesOf(node, each)));
    const received = await receivedFrom(active, standby, token);

    const load = startLoad({ token, node, socketPath, other });
    const edits = startEdits(active);
    try {
      await untilAnswered(load);
      await node.run(['dpkg', '--unpack', debInNode], { deadlineMs: 120_000 });
      await untilAnswered(load);
      await expectUnpackedRuns(node);
      await node.run(['dpkg', '--configure', 'ha-agent'], { deadlineMs: 120_000 });
      await untilAnswered(load);
    } finally {
      await edits.stop();
      await load.stop();
    }

    const restart = await restartOf(node, 'ha-agent');
    const failed = failedBeyond(load.sent, node, restart);
    const others = failed.filter(({ isSlowTool }) => !isSlowTool);
    expect(others.map(({ text }) => text)).to.deep.equal([]);
    // Without the load, the tool is not slow.
    for (const { of, path } of failed) {
      const isAnswered = async () => (await callHa(of, path, { token })).status === 200;
      await waitUntil(`${path} to be answered`, isAnswered);
    }
    expect(await startsOf(node)).to.equal(starts + 1);
    for (const [index, property] of changedProperties.entries()) {
      const values = load.acknowledged.get(property) ?? [];
      expect(await valueOf(node, property)).to.equal(values.at(-1));
      const changes = (await changesOf(node, property)) - (changesBefore[index] ?? 0);
      expect(changes, property).to.equal(values.length);
    }
    expectLiferaftsPresent(received, await receivedFrom(active, standby, token));
    // Pacemaker records a failure if it checks Alphorn during a restart.
    const failCounts = `//nvpair[starts-with(@name,'fail-count-') and not(contains(@name,'Alphorn#monitor'))]`;
    const query = await node.exec(['cibadmin', '--query', '--xpath', failCounts]);
    expect(query.stdout).to.equal('');
  }

  /** The agent of the last release still runs; everything else that starts now has the new files. */
  async function expectUnpackedRuns(node: LabNode): Promise<void> {
    expect(await node.run(['hactl', 'token', 'list'])).to.include('bench');
    // Exits with 1 while a liferaft is being sent.
    const { stdout, stderr } = await node.exec(['hactl', 'alphorn', 'status']);
    expect(stdout + stderr).to.match(/^Alphorn runs here|Alphorn does not run on this host/m);
    await node.run(['systemctl', 'try-restart', 'ha-agent-peers', 'alphorn']);
    // The agent would start as well, but that has to happen once.
    const show = ['systemctl', 'show', '--value', '--property=ExecStart', 'ha-agent'] as const;
    await node.run(['test', '-e', /\S+\.js/.exec(await node.run(show))?.[0] ?? '']);

    // The agent reads such a large CIB in a thread, whose code it loads now.
    const size = 600;
    const role = (index: number) =>
      `<acl_role id="large-${index}" description="${'x'.repeat(1000)}"/>`;
    const roles = Array.from({ length: size }, (_each, index) => role(index)).join('');
    const modify = ['cibadmin', '--modify', '--allow-create', '--scope', 'acls'] as const;
    await node.run([...modify, '--xml-pipe'], { input: `<acls>${roles}</acls>` });
    await waitUntil('the agent to read the large CIB', async () => {
      const { text } = await callHa(node, 'configuration', { token });
      return text.includes(`large-${size - 1}`);
    });
    const empty = ['cibadmin', '--replace', '--scope', 'acls', '--xml-pipe'] as const;
    await node.run(empty, { input: '<acls/>' });
  }

  /** Asserts that the standby node receives an edit on the active one. */
  async function expectSent(): Promise<void> {
    const line = `${Date.now()}`;
    await active.run(['sh', '-c', `echo ${line} >> ${editedFile}`]);
    // If Pacemaker checked Alphorn during the restart, it starts Alphorn again.
    await waitUntil('Alphorn to run', async () => {
      const { exitCode } = await active.exec(['systemctl', 'is-active', 'alphorn']);
      return exitCode === 0;
    });
    await active.run(['hactl', 'alphorn', 'sync'], { deadlineMs: 60_000 });
    const received = await standby.run(['tar', '-xOf', liferaft, `root${editedFile}`]);
    expect(received).to.include(line);
  }
}

const debInNode = '/root/ha-agent.deb';

function writePackage(node: LabNode, content: Buffer): Promise<void> {
  return node.writeFile(debInNode, content);
}

/** How often the agent has started on a node, by its journal. */
async function startsOf(node: LabNode): Promise<number> {
  const journal = await node.run(['journalctl', '--identifier=ha-agent', '--output=cat']);
  return journal.split('\n').filter((line) => line.includes('"msg":"listening"')).length;
}
