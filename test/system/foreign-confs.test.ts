import { expect } from 'chai';

import { parseQuorumtool } from '../../src/parsers/corosync/quorumtool.ts';
import { builtPackage } from '../lab/built-package.ts';
import { down, type Lab, type LabNode, up } from '../lab/lab.ts';
import { nodeInterface } from '../lab/network.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { type ExpectedQuorum, foreignConf, foreignConfs } from '../support/foreign-confs.ts';
import { callHa, untilHealthy } from './client.ts';
import { hasTurn, shareOf } from './share.ts';

const suite = (process.env['HA_TEST_SUITE'] ?? 'bookworm') as Suite;
if (!suites.includes(suite)) throw new Error(`HA_TEST_SUITE is one of ${suites.join(', ')}.`);

const confFile = '/etc/corosync/corosync.conf';
const logFile = '/var/log/corosync/corosync.log';

// It has a lab of its own, whose start takes a minute.
if (hasTurn(suite, 2)) {
  describe(`On ${suite}, a node is deleted with the corosync.conf of`, describeForeignConfs);
}

/**
 * Deletes a node of clusters that run with a corosync.conf of other tools. The expected results are in
 * test/support/foreign-confs.ts, from the man pages.
 */
function describeForeignConfs(): void {
  const name = `${process.env['HA_TEST_LAB'] ?? `test-${suite}`}-conf`;
  let lab: Lab | undefined;
  let token = '';
  let emptyCib = '';
  const all = () => lab?.nodes ?? [];

  before(async function () {
    this.timeout(15 * 60 * 1000);
    await down(name, progressOnStderr);
    lab = await up({
      name,
      suite,
      nodes: 4,
      topology: 'empty',
      progress: progressOnStderr,
      package: await builtPackage(),
    });
    const [first] = all();
    token =
      (await first?.run(['hactl', 'token', 'create', 'bench', '--role', 'admin']))?.trim() ?? '';
    const stored = '/var/lib/ha-agent/tokens/bench.json';
    const content = (await first?.run(['cat', stored])) ?? '';
    await inAll(all().slice(1), async (node) => {
      await node.run(['install', '-d', '-m', '700', '/var/lib/ha-agent/tokens']);
      await node.writeFile(stored, content, 0o600);
    });
    await inAll(all(), untilHealthy);
    await inAll(all(), async (node) => {
      // For configurations with a second link.
      const address = `198.51.100.${all().indexOf(node) + 1}/24`;
      await node.run(['ip', 'address', 'add', address, 'dev', nodeInterface]);
    });
    const nvpair = (key: string, value: string) =>
      `<nvpair id="o-${key}" name="${key}" value="${value}"/>`;
    const options = `<crm_config><cluster_property_set id="o">${[
      nvpair('stonith-enabled', 'false'),
      // A cluster that has never run has no coordinator to wait for.
      nvpair('dc-deadtime', '2s'),
    ].join('')}</cluster_property_set></crm_config>`;
    const empty = (await first?.run(['cibadmin', '--empty'])) ?? '';
    emptyCib = empty.replace('<crm_config/>', options);
  });

  after(() => down(name, progressOnStderr));

  /** A fixture with the names and addresses of the lab. */
  function localised(text: string): string {
    const node = (index: number) => all()[index] as LabNode;
    const network = node(0).address.replace(/\d+$/, '0');
    return text
      .replace(/192\.0\.2\.(\d)\b/g, (_all, digit: string) =>
        digit === '0' ? network : node(Number(digit) - 1).address,
      )
      .replace(
        /\bnode-([a-d])\b(?!\.)/g,
        (_all, letter: string) => node('abcd'.indexOf(letter)).name,
      );
  }

  async function startFresh(nodes: readonly LabNode[], conf: string): Promise<void> {
    await inAll(all(), stop);
    await inAll(nodes, async (node) => {
      await node.run(['sh', '-c', 'rm -rf /var/lib/pacemaker/cib/* /var/lib/corosync/*']);
      await node.writeFile(confFile, conf);
      const cib = '/var/lib/pacemaker/cib/cib.xml';
      await node.writeFile(cib, emptyCib, 0o600);
      await node.run(['chown', 'hacluster:haclient', cib]);
    });
    await inAll(nodes, start);
    await inAll(nodes, (node) =>
      node.waitUntilCluster(
        'all online, with quorum',
        ({ online, hasQuorum }) => online.length === nodes.length && hasQuorum,
      ),
    );
  }

  for (const each of shareOf(foreignConfs, 3, suite)) {
    it(each.origin, async function () {
      this.timeout(600_000);
      const nodes = all().slice(0, each.nodes);
      const gone = nodes[each.gone - 1] as LabNode;
      const left = nodes.filter((node) => node !== gone);
      const [first, ...others] = left as [LabNode, ...LabNode[]];
      const letters = nodes.map((node) => `node-${'abcd'[nodes.indexOf(node)] ?? ''}`);
      const nameOf = (node: LabNode) => localised(each.nameOf(letters[nodes.indexOf(node)] ?? ''));
      const after = localised(foreignConf(each, 'after'));

      await startFresh(nodes, localised(foreignConf(each, 'before')));
      const online = await ask(first, `node/${nameOf(gone)}`, 'DELETE');
      expect(online.json).to.include({ code: 'node_online' });
      await gone.run(['systemctl', 'stop', 'pacemaker']);
      // The corosync of the node still votes.
      await waitUntil(`${gone.name} to be offline`, async () =>
        (await offlineNodes(first)).includes(nameOf(gone)),
      );
      const voting = await ask(first, `node/${nameOf(gone)}`, 'DELETE');
      expect(voting.json).to.include({ code: 'node_online' });
      await stop(gone);

      const deleted = await ask(first, `node/${nameOf(gone)}`, 'DELETE');
      const seen = (await first.exec(['crm_node', '-l'])).stdout;
      expect([deleted.status, deleted.text], seen).to.deep.equal([200, '""']);
      const warnings = [deleted.headers['x-ha-warnings'] ?? []].flat().join();
      const [, called] = /Delete (\S+) on each of the other nodes too\./.exec(warnings) ?? [];
      for (const other of others) {
        const answer = await ask(other, `node/${called ?? ''}`, 'DELETE');
        expect(answer.status, answer.text).to.equal(200);
      }

      for (const node of left) {
        expect(await node.run(['cat', confFile])).to.equal(after);
        await untilQuorum(node, each.together, left.length);
        await untilListed(node, left.map(nameOf));
      }

      const before = await listedBy(first);

      await inAll(left, stop);
      await start(first);
      await untilQuorum(first, each.alone, 1);
      expect(await first.run(['cat', confFile])).to.equal(after);
      // An unseen node has no name unless the file gives it one. The map of corosync 3.1.2 has no number that the file
      // does not give.
      const isListed = suite !== 'bullseye' || after.includes('nodeid');
      const wanted = before
        .filter(([, name]) => isListed || name === nameOf(first))
        .map(([id]) => id)
        .toSorted()
        .join();
      await waitUntil(`${first.name} to list ${wanted}`, async () => {
        const now = (await listedBy(first)).map(([id]) => id);
        return now.toSorted().join() === wanted;
      });
    });
  }

  it('leaves nothing in the log of corosync when it is checked', async () => {
    const [first] = all() as [LabNode];
    const logging = `logging {\n to_logfile: yes\n logfile: ${logFile}\n to_syslog: yes\n to_stderr: no\n}\n`;
    const plain = foreignConfs.find((each) => each.name === 'proxmox');
    if (plain === undefined) throw new Error('no such fixture');
    const conf = localised(foreignConf(plain, 'before')).replace(/^logging \{[^}]*\}\n/m, logging);
    await startFresh(all().slice(0, 3), conf);
    const logs = async () => [
      await first.run(['cat', logFile]),
      await first
        .run([
          'journalctl',
          '--no-pager',
          '--grep',
          'exiting normally',
          '--quiet',
          '-t',
          'corosync',
        ])
        .catch(() => ''),
    ];
    const before = await logs();
    for (const path of ['corosync', 'corosync/verify']) {
      const { status, headers } = await ask(first, path, 'GET');
      expect([status, headers['x-ha-valid']]).to.deep.equal([200, 'true']);
    }
    expect((await ask(first, 'corosync/raw', 'POST', { conf })).status).to.equal(200);
    expect(await logs()).to.deep.equal(before);
    // The check would have been logged there.
    await first.run(['corosync', '-t']);
    expect((await logs())[0])
      .to.include('exiting normally')
      .and.not.equal(before[0]);

    await first.writeFile(confFile, conf.replace('version: 2', 'version'));
    const refused = await ask(first, 'corosync', 'GET');
    expect([refused.status, refused.headers['x-ha-valid']]).to.deep.equal([200, 'false']);
    await first.writeFile(confFile, conf);
  });

  const ask = (node: LabNode, path: string, method: string, body: object = {}) =>
    callHa(node, path, { token, method, body: JSON.stringify(body) });

  async function offlineNodes(node: LabNode): Promise<string[]> {
    const { json } = await ask(node, 'node', 'GET');
    return (json as { pacemaker_nodes: { offline: string[] } }).pacemaker_nodes.offline;
  }
}

const inAll = <T>(nodes: readonly LabNode[], work: (node: LabNode) => Promise<T>) =>
  Promise.all(nodes.map(work));

async function stop(node: LabNode): Promise<void> {
  await node.run(['systemctl', 'stop', 'pacemaker', 'corosync'], { deadlineMs: 120_000 });
}

async function start(node: LabNode): Promise<void> {
  await node.run(['systemctl', 'start', 'corosync', 'pacemaker'], { deadlineMs: 120_000 });
}

/** Waits for the votes, because the window of last_man_standing takes time. */
async function untilQuorum(
  node: LabNode,
  { expected, quorum, quorate }: ExpectedQuorum,
  members: number,
): Promise<void> {
  let seen = '';
  const wanted = [expected, quorum, quorate, members];
  await waitUntil(`quorum on ${node.name} to be ${wanted.join(', ')}`, async () => {
    seen = (await node.exec(['corosync-quorumtool', '-s'])).stdout;
    const shown = parseQuorumtool(seen);
    const { votequorum } = shown ?? {};
    const now = [votequorum?.expectedVotes, votequorum?.quorum, shown?.quorate, shown?.nodes];
    return JSON.stringify(now) === JSON.stringify(wanted);
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is\n${seen}`, { cause: error });
  });
}

async function untilListed(node: LabNode, names: readonly string[]): Promise<void> {
  await waitUntil(`${node.name} to list ${names.join(', ')}`, async () => {
    const listed = (await listedBy(node)).map(([, name]) => name);
    return listed.toSorted().join() === names.toSorted().join();
  });
}

/** The numbers and names of the nodes. */
async function listedBy(node: LabNode): Promise<(readonly [id: string, name: string])[]> {
  const { stdout } = await node.exec(['crm_node', '-l']);
  const lines = stdout.split('\n').filter(Boolean);
  return lines.map((line) => line.split(' ')).map(([id = '', name = '']) => [id, name] as const);
}
