import { join } from 'node:path';

import { expect } from 'chai';
import sinon from 'sinon';

import { groupCommand } from '../../../src/bin/hactl/group.ts';
import { failureOf } from '../../../src/bin/hactl/failure.ts';
import { findingsOf } from '../../../src/bin/hactl/group/verdict.ts';
import type { ShownGroup } from '../../../src/bin/hactl/group/client.ts';
import { Fault } from '../../../src/kit/fault.ts';
import type { Listeners } from '../../../src/server/listen.ts';
import { openSocketListener } from '../../../src/server/listeners.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { type GatewayBench, gatewayBench } from '../../support/controller/gateway-bench.ts';

describe('hactl group', () => {
  let bench: GatewayBench;
  let listening: Listeners | undefined;
  beforeEach(async () => {
    bench = await gatewayBench();
    const { answerFault } = bench.family;
    listening = await openSocketListener(bench.socketApp, socket(), answerFault, keepingLog().log);
  });
  afterEach(async () => {
    sinon.restore();
    await listening?.stop();
    await bench.stop();
  });

  const socket = () => join(bench.folder, 'socket');
  /** Runs a command. @returns how it ended, and what it printed to both outputs, in order */
  const hactl = async (...args: string[]) => {
    const printed: string[] = [];
    sinon.stub(console, 'log').callsFake((line) => printed.push(String(line)));
    sinon.stub(console, 'error').callsFake((line) => printed.push(String(line)));
    const command = groupCommand({ socket: socket() });
    for (const each of [command, ...command.commands]) {
      each.exitOverride().configureOutput({ writeErr: () => undefined });
    }
    const failure = await command.parseAsync(args, { from: 'user' }).then(
      () => ({ exitCode: 0, text: undefined }),
      (error: unknown) => failureOf(error),
    );
    sinon.restore();
    return { exitCode: failure.exitCode, failure: failure.text ?? '', text: printed.join('\n') };
  };
  const add = (...more: string[]) =>
    hactl(
      'add',
      'VG1',
      '--address',
      '10.0.0.100',
      '--node',
      'n1:eth0:150',
      '--node',
      'n2:eth0:100',
      ...more,
    );
  const wantedOn = (node: number) => bench.nodes.of(node).orders.at(-1)?.wanted.instances ?? [];

  it('makes a group from nothing, with a gateway and its nodes', async () => {
    const { exitCode, text } = await add('--interval', '0.5', '--check', 'http:80/health');
    expect([exitCode, text]).to.deep.equal([0, 'Group VG1 is made.']);
    expect(wantedOn(2)[0]).to.deep.include({ name: 'vg_1', interval: 0.5, priority: 100 });
    expect(wantedOn(2)[0]?.check).to.include({ type: 'http', port: 80, path: '/health' });
    const entries = await bench.audit.list(10);
    expect(entries.every(({ caller }) => caller === 'root')).to.equal(true);
  });

  it('lists groups with the node that is MASTER by its own word', async () => {
    await add();
    bench.nodes.sayStates(1, 'MASTER');
    const { exitCode, text } = await hactl('list');
    expect(exitCode).to.equal(0);
    expect(text.split('\n').map((line) => line.split(/ {2,}/))).to.deep.equal([
      ['GROUP', 'GATEWAY', 'ADDRESSES', 'STATUS', 'HEALTHY', 'MASTER'],
      ['VG1', 'default', '10.0.0.100', 'served', 'yes', 'n1'],
    ]);
  });

  it('shows a group with what each node says', async () => {
    await add();
    bench.nodes.sayStates(1, 'MASTER');
    const { text } = await hactl('show', 'VG1');
    expect(text)
      .to.match(/router id 1/)
      .and.match(/n1 +eth0 +150 +MASTER +keepalived 2\.2\.7: vg_1 MASTER/);
    const json = await hactl('show', '1', '-o', 'json');
    expect(JSON.parse(json.text)).to.include({ name: 'VG1', is_healthy: true });
  });

  it('names the trouble first, and ends as a check of a monitoring system', async () => {
    await add();
    bench.nodes.sayStates(1, 'MASTER');
    bench.nodes.sayStates(2, 'MASTER');
    const { exitCode, text } = await hactl('status');
    expect(exitCode).to.equal(2);
    expect(text).to.match(/^hactl: Group VG1 has 2 masters: n1 and n2\.\n/);
    expect(text.indexOf('2 masters')).to.be.lessThan(text.indexOf('HEALTHY'));
    bench.nodes.sayStates(2, 'BACKUP');
    const well = await hactl('status');
    expect(well.exitCode).to.equal(0);
    expect(well.text).not.to.include('hactl:');
    bench.nodes.say(2, { troubles: ['The file was replaced.'] });
    const warned = await hactl('status');
    expect(warned.exitCode).to.equal(1);
    expect(warned.text).to.match(/^hactl: Group VG1 on n2: The file was replaced\.\n/);
  });

  it('changes a group, and names the nodes that could not be reached', async () => {
    await add();
    bench.nodes.of(2).isReachable = false;
    const { exitCode, text } = await hactl('set', 'VG1', '--no-preempt', '--status', 'published');
    expect(exitCode).to.equal(0);
    expect(text).to.include('n2: The node does not answer').and.include('Group VG1 is changed.');
    expect(wantedOn(1)[0]?.preempt).to.equal(false);
    const nodes = await hactl(
      'set',
      'VG1',
      '--node',
      '1:eth0:99',
      '--node',
      'n3:eth0:98:published',
    );
    expect(nodes.exitCode).to.equal(0);
    expect(wantedOn(3)[0]?.priority).to.equal(98);
  });

  it('prints the diff of each file in a dry run, and changes nothing', async () => {
    await add();
    const before = await bench.rows();
    const { text } = await hactl('set', 'VG1', '--address', '10.0.0.105', '--dry-run');
    expect(text).to.include('+  virtual_ipaddress 10.0.0.105/24');
    expect((await hactl('set', 'VG1', '--dry-run')).text).to.equal(
      'The file of no node would change.',
    );
    await hactl('remove', 'VG1', '--dry-run');
    expect(await bench.rows()).to.equal(before);
  });

  it('makes no gateway in a dry run, and adds no node to one', async () => {
    const empty = await bench.rows();
    const first = await add('--dry-run');
    expect(first.exitCode).to.equal(4);
    expect(first.failure).to.include('a dry run makes none');
    expect(await bench.rows()).to.equal(empty);
    await add();
    const before = await bench.rows();
    const other = await hactl('set', 'VG1', '--node', 'n3:eth0:98', '--dry-run');
    expect(other.exitCode).to.equal(4);
    expect(other.failure).to.include("does not have the node 'n3' yet");
    expect(await bench.rows()).to.equal(before);
  });

  it('removes a group', async () => {
    await add();
    expect((await hactl('remove', 'VG1')).text).to.equal('Group VG1 is removed.');
    expect((await hactl('list')).text).to.include('There are no groups.');
  });

  it('passes on what the controller refuses, and why', async () => {
    await add();
    const { exitCode, failure } = await add();
    expect(exitCode).to.equal(4);
    expect(failure).to.include("has the name 'VG1'");
    bench.nodes.of(1).onOrder = () => {
      throw new Fault('node_refused', 'keepalived complains.');
    };
    const refused = await hactl('set', 'VG1', '--address', '10.0.0.106');
    expect([refused.exitCode, refused.failure]).to.deep.equal([
      4,
      'n1 refuses the change, so everything is as before: keepalived complains.',
    ]);
    expect((await hactl('show', 'other')).exitCode).to.equal(4);
    expect((await hactl('show', 'VG1', '--gateway', 'x')).failure).to.include("no gateway 'x'");
  });

  it('refuses a node and a check that are not as expected', async () => {
    for (const wrong of ['n1', 'n1:eth0', 'n1:eth0:x', 'n1:eth0:1:y', 'n1:eth0:1:published:z']) {
      expect((await hactl('add', 'x', '--node', wrong)).exitCode).to.equal(64);
    }
    for (const wrong of ['udp:1', 'tcp:80/path', 'http']) {
      expect((await hactl('add', 'x', '--check', wrong)).exitCode).to.equal(64);
    }
  });

  it('says if the controller does not run on this host', async () => {
    await listening?.stop();
    listening = undefined;
    const { exitCode, failure } = await hactl('list');
    expect(exitCode).to.equal(69);
    expect(failure).to.include('systemctl status ha-controller');
  });
});

describe('the verdict on groups', () => {
  const nodeOf = (
    node: number,
    status: number,
    detail = `keepalived 2.2.7: vg_1 ${status === 1 ? 'MASTER' : 'BACKUP'}`,
  ) => ({
    node,
    status,
    interface: 'eth0',
    priority: 1,
    interval: 1,
    keepalived_managed: true,
    detail,
  });
  const groupOf = (more: Partial<ShownGroup>): ShownGroup => ({
    id: 1,
    name: 'VG1',
    status: 1,
    virtual_ip: '10.0.0.100',
    virtual_ipv6: '',
    router_id: 1,
    online_status: true,
    is_healthy: false,
    real_nodes: [],
    gateway: { id: 1, name: 'edge', nodes: [] },
    ...more,
  });
  const said = (more: Partial<ShownGroup>) =>
    findingsOf([groupOf(more)], (_group, node) => `n${node}`).map(
      ({ level, text }) => `${level}: ${text}`,
    );

  for (const [what, more, first] of [
    ['no nodes', {}, 'failing: Group VG1 has no nodes, so nobody serves it.'],
    [
      'no master',
      { real_nodes: [nodeOf(1, 2)] },
      'failing: Group VG1 has no MASTER; one of its nodes may be about to take over.',
    ],
    [
      'only faults',
      { real_nodes: [nodeOf(1, 3, 'It is in FAULT.')] },
      'failing: Group VG1 has no MASTER, and no node that could take over.',
    ],
    [
      'no word',
      { real_nodes: [nodeOf(1, 0, 'It has not reported.')] },
      'failing: Group VG1 is not known to be on any node.',
    ],
    [
      'a master without the address',
      { real_nodes: [nodeOf(1, 1, 'It is MASTER without 10.0.0.100.')] },
      'failing: Group VG1 is not served properly by its MASTER n1.',
    ],
    [
      'two masters',
      { real_nodes: [nodeOf(1, 1), nodeOf(2, 1)] },
      'failing: Group VG1 has 2 masters: n1 and n2.',
    ],
    [
      'a trouble of a BACKUP',
      { is_healthy: true, real_nodes: [nodeOf(1, 1), nodeOf(2, 0, 'It is silent.')] },
      'warning: Group VG1 on n2: It is silent.',
    ],
    ['nothing wrong', { is_healthy: true, real_nodes: [nodeOf(1, 1), nodeOf(2, 2)] }, undefined],
    [
      'been taken offline',
      { status: 2, real_nodes: [nodeOf(1, 0, 'The group is offline.')] },
      undefined,
    ],
  ] as const) {
    it(`is right about a group that has ${what}`, () => {
      expect(said(more as Partial<ShownGroup>)[0]).to.equal(first);
    });
  }
});
