import { createHash } from 'node:crypto';

import { expect } from 'chai';

import { filesOf } from '../../../src/balancer/deploy/files.ts';
import type { WantedBalancer } from '../../../src/balancer/deploying.ts';
import { waitUntil } from '../../lab/wait.ts';
import type { SimulatedAgent } from '../../support/balancer/agents.ts';
import { order, shortRenderer, wantedOn } from '../../support/balancer/deploying.ts';
import { type DeployGround, makeDeployGround } from '../../support/balancer/ground.ts';
import { faultOf } from '../../support/faults.ts';
import { randomOf } from '../../support/random.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const signal = new AbortController().signal;

/** Fails unless a node has exactly the wanted files, and its haproxy runs them. */
function expectDeployed(agent: SimulatedAgent, wanted: WantedBalancer, node: number): void {
  const { text, certificates } = filesOf(shortRenderer, wanted, node);
  const found = agent.balancers.get(wanted.id);
  const files = new Map(certificates.map((each) => [each.file, each.text]));
  expect(found?.text).to.equal(text);
  expect(found?.running?.text).to.equal(text);
  expect([...(found?.certificates ?? [])].sort()).to.deep.equal([...files].sort());
  const running = certificates.map(({ file }) => found?.running?.certificates.get(file));
  expect(running).to.deep.equal(certificates.map((each) => each.text));
}

describe('deploying a load balancer', () => {
  const folder = temporaryFolder();
  let all: DeployGround;
  let agents: SimulatedAgent[];
  beforeEach(async () => {
    all = await makeDeployGround(folder.path);
    agents = all.nodes.map(({ agent }) => agent);
  });
  afterEach(() => all.stop());

  let revision = 0;
  const deploy = (wanted: WantedBalancer, deployer = all.deployer) => {
    revision += 1;
    return deployer.deploy(wanted, order(revision), signal);
  };
  const changesOf = (agent: SimulatedAgent) => {
    const changes = agent.asked.filter((each) => !each.startsWith('GET'));
    agent.asked.length = 0;
    return changes.map((each) => each.replace(/^(\w+) .*\/([^/]+)$/, '$1 $2'));
  };
  const clear = () => {
    for (const agent of agents) agent.asked.length = 0;
  };
  const results = (done: readonly { result: string }[]) => done.map(({ result }) => result);
  const tls = (pem: string) => wantedOn([1, 2], { certificates: { a: pem } });

  it('uploads certificates before the list that names them, then the file, and then reloads', async () => {
    const wanted = tls('PEM 1');
    const digest = all.deployer.digestFor(wanted, 1);
    const done = await deploy(wanted);
    expect(done).to.deep.equal(
      [1, 2].map((node) => ({ node, result: 'running', why: undefined, digest })),
    );
    const text = agents[0]?.balancers.get('lb-1')?.text ?? '';
    expect(createHash('sha256').update(text).digest('hex')).to.equal(digest);
    for (const [index, agent] of agents.entries()) {
      expectDeployed(agent, wanted, index + 1);
      expect(agent.asked).to.deep.equal([
        'GET /1.0/loadbalancer/lb-1/state',
        'PUT /1.0/loadbalancer/lb-1/certificates/secret-a.pem',
        'PUT /1.0/loadbalancer/lb-1/certificates/listener-1.pem',
        `PUT /1.0/loadbalancer/${index + 1}/lb-1/haproxy`,
        'PUT /1.0/loadbalancer/lb-1/reload',
      ]);
      expect(new Set(agent.fencings)).to.deep.equal(new Set([`s1 1 ${revision}`]));
    }
  });

  it('changes nothing on a node that runs the wanted file, also after the controller was restarted', async () => {
    await deploy(tls('PEM 1'));
    clear();
    expect(results(await deploy(tls('PEM 1')))).to.deep.equal(['running', 'running']);
    expect(results(await deploy(tls('PEM 1'), all.newDeployer()))).to.deep.equal([
      'running',
      'running',
    ]);
    expect(agents.flatMap(changesOf)).to.deep.equal([]);
  });

  it('reloads the node without the VIP first, and all files are there before', async () => {
    const order_: string[] = [];
    for (const [index, agent] of agents.entries()) {
      agent.accident = ({ method, path }) => {
        if (method !== 'GET') order_.push(`${index + 1} ${path.split('/').at(-1) ?? ''}`);
        return undefined;
      };
    }
    for (const holder of [0, 1]) {
      for (const [index, { node, id }] of all.nodes.entries()) {
        const state = index === holder ? ('MASTER' as const) : ('BACKUP' as const);
        const addresses = state === 'MASTER' ? ['192.0.2.9/24'] : [];
        const instance = { name: 'vg_1', since: 1, effectivePriority: 1, state, addresses };
        node.change({ instances: [instance] });
        const isHeard = () => all.ground.links.word(id)?.report.instances[0]?.state === state;
        await waitUntil('the report came', isHeard, { everyMs: 5 });
      }
      order_.length = 0;
      await deploy(wantedOn([1, 2], { port: 80 + holder }));
      const master = holder + 1;
      expect(order_.slice(0, 2).sort()).to.deep.equal(['1 haproxy', '2 haproxy']);
      expect(order_.slice(2)).to.deep.equal([`${3 - master} reload`, `${master} reload`]);
    }
  });

  it('reloads for a new certificate under the same name, and deletes what is not used any more', async () => {
    await deploy(tls('PEM 1'));
    clear();
    await deploy(tls('PEM 2'));
    expect(agents.map(changesOf)).to.deep.equal(
      agents.map(() => ['PUT secret-a.pem', 'PUT haproxy', 'PUT reload']),
    );
    await deploy(wantedOn([1, 2], { certificates: { b: 'PEM 3' } }));
    expect(agents.map((agent) => changesOf(agent).at(-1))).to.deep.equal(
      agents.map(() => 'DELETE secret-a.pem'),
    );
    const plain = wantedOn([1, 2]);
    await deploy(plain);
    for (const [index, agent] of agents.entries()) expectDeployed(agent, plain, index + 1);
  });

  it('changes weights and states of members without a reload, and into the file for the next one', async () => {
    await deploy(wantedOn([1, 2], { weights: [1, 2, -3] }));
    clear();
    const next = wantedOn([1, 2], { weights: [0, -2, 3] });
    await deploy(next);
    for (const [index, agent] of agents.entries()) {
      expect(changesOf(agent)).to.deep.equal(['PUT haproxy', 'PUT servers']);
      expectDeployed(agent, next, index + 1);
    }
    await deploy(next);
    expect(agents.flatMap(changesOf)).to.deep.equal([]);
    await deploy(wantedOn([1, 2], { weights: [0, -2, 3, 4] }));
    expect(agents.map(changesOf)).to.deep.equal(agents.map(() => ['PUT haproxy', 'PUT reload']));
  });

  it('reloads for the weight of a member where the agent cannot change it', async () => {
    await deploy(wantedOn([1, 2]));
    for (const agent of agents) agent.canChangeServers = false;
    clear();
    const next = wantedOn([1, 2], { weights: [5, 6] });
    await deploy(next);
    for (const [index, agent] of agents.entries()) {
      expect(changesOf(agent)).to.deep.equal(['PUT haproxy', 'PUT servers', 'PUT reload']);
      expectDeployed(agent, next, index + 1);
    }
  });

  it('reloads if haproxy refuses to change one of the members', async () => {
    await deploy(wantedOn([1, 2]));
    for (const agent of agents) agent.unset = 'member-2';
    clear();
    const next = wantedOn([1, 2], { weights: [5, 6] });
    await deploy(next);
    for (const [index, agent] of agents.entries()) {
      expect(changesOf(agent)).to.include('PUT reload');
      expectDeployed(agent, next, index + 1);
    }
  });

  it('changes more members than one request may have with several requests', async () => {
    const weights = Array.from({ length: 600 }, () => 1);
    await deploy(wantedOn([1, 2], { weights }));
    clear();
    const next = wantedOn([1, 2], { weights: weights.map(() => 2) });
    await deploy(next);
    for (const [index, agent] of agents.entries()) {
      const requests = ['PUT haproxy', 'PUT servers', 'PUT servers', 'PUT servers'];
      expect(changesOf(agent)).to.deep.equal(requests);
      expectDeployed(agent, next, index + 1);
    }
  });

  it('takes back the weight of a member after a change that failed on its way', async () => {
    const former = wantedOn([1, 2]);
    await deploy(former);
    for (const step of ['haproxy', 'servers']) {
      for (const agent of agents) {
        agent.accident = ({ method, path }) =>
          method === 'PUT' && !path.endsWith(step) ? 'hang up' : undefined;
      }
      await deploy(wantedOn([1, 2], { weights: [5, -6] }));
      for (const agent of agents) agent.accident = () => undefined;
      await all.reached();
      await deploy(former);
      for (const [index, agent] of agents.entries()) expectDeployed(agent, former, index + 1);
    }
  });

  it('serves one node when the other is not reached, and says so', async () => {
    await all.nodes[1]?.node.stop();
    const [first, second] = await deploy(tls('PEM 1'));
    expect(first?.result).to.equal('running');
    expect(second?.result).to.equal('unreachable');
    expect(second?.why).to.include('no answer');
    if (agents[0]) expectDeployed(agents[0], tls('PEM 1'), 1);
    await all.nodes[1]?.node.start();
    await all.reached();
    clear();
    expect(results(await deploy(tls('PEM 1')))).to.deep.equal(['running', 'running']);
    expect(agents[0] && changesOf(agents[0])).to.deep.equal([]);
    if (agents[1]) expectDeployed(agents[1], tls('PEM 1'), 2);
  });

  it('has a file that one node refuses reloaded on none, and passes its words on', async () => {
    await deploy(wantedOn([1, 2]));
    clear();
    const refusing = agents[0];
    if (refusing) {
      refusing.accident = ({ path, method }) =>
        method === 'PUT' && path.endsWith('haproxy')
          ? { status: 400, text: '{"message": "Invalid request", "details": "Line 3: no."}' }
          : undefined;
    }
    const [first, second] = await deploy(wantedOn([1, 2], { port: 81 }));
    expect(first).to.include({ result: 'refused' });
    expect(first?.why).to.equal('Node 1 refuses it: Invalid request: Line 3: no.');
    expect(second?.why).to.include('because node 1 refuses');
    expect(agents.flatMap(changesOf)).not.to.include('PUT reload');
    if (refusing) refusing.accident = () => undefined;
    const next = wantedOn([1, 2], { port: 81 });
    await deploy(next);
    for (const [index, agent] of agents.entries()) expectDeployed(agent, next, index + 1);
  });

  it('goes on with the other node when one has no room, and reports a busy node as unreachable', async () => {
    const [first] = agents;
    for (const [status, result] of [
      [500, 'refused'],
      [503, 'unreachable'],
    ] as const) {
      if (first) first.accident = () => ({ status, text: '{"message": "No."}' });
      const wanted = wantedOn([1, 2], { port: status });
      expect(results(await deploy(wanted))).to.deep.equal([result, 'running']);
      if (agents[1]) expectDeployed(agents[1], wanted, 2);
    }
  });

  it('removes a load balancer without listeners, because haproxy does not start without', async () => {
    await deploy(wantedOn([1, 2]));
    const empty = { ...wantedOn([1, 2]), listeners: [] };
    expect(all.deployer.digestFor(empty, 1)).to.equal('');
    const done = await deploy(empty);
    expect(done.map(({ result, digest }) => [result, digest])).to.deep.equal([
      ['running', ''],
      ['running', ''],
    ]);
    expect(agents.map(({ balancers }) => balancers.size)).to.deep.equal([0, 0]);
  });

  it('withdraws it with its certificates, also from a node that does not have it', async () => {
    await deploy(tls('PEM 1'));
    const withdraw = () => all.deployer.withdraw('lb-1', [1, 2], signal, order(revision + 1));
    expect(results(await withdraw())).to.deep.equal(['running', 'running']);
    expect(agents.map(({ balancers }) => balancers.get('lb-1')?.text)).to.deep.equal([
      undefined,
      undefined,
    ]);
    expect(agents[0]?.fencings.at(-1)).to.equal(`s1 1 ${revision + 1}`);
    expect(results(await withdraw())).to.deep.equal(['running', 'running']);
    await all.nodes[0]?.node.stop();
    expect(results(await withdraw())).to.deep.equal(['unreachable', 'running']);
  });

  it('is refused by a node that has taken a later order', async () => {
    await all.deployer.deploy(wantedOn([1, 2]), order(9, 2), signal);
    const late = wantedOn([1, 2], { port: 81 });
    const done = await all.deployer.deploy(late, order(10, 1), signal);
    expect(results(done)).to.deep.equal(['refused', 'refused']);
    expect(done[0]?.why).to.include('Later orders were taken');
    for (const [index, agent] of agents.entries())
      expectDeployed(agent, wantedOn([1, 2]), index + 1);
  });

  it('tells what each node runs, and that a file which was only uploaded does not run', async () => {
    const wanted = wantedOn([1, 2]);
    await deploy(wanted);
    const running = () => all.deployer.runningOn(1);
    expect([...(await running())]).to.deep.equal([['lb-1', all.deployer.digestFor(wanted, 1)]]);
    const weighed = wantedOn([1, 2], { weights: [7, 8] });
    await deploy(weighed);
    expect((await running()).get('lb-1')).to.equal(all.deployer.digestFor(weighed, 1));
    if (agents[0]) {
      agents[0].accident = ({ path }) => (path.endsWith('reload') ? 'hang up' : undefined);
    }
    await deploy(wantedOn([1, 2], { port: 81 }));
    await all.reached();
    expect((await running()).get('lb-1')).to.equal('');
    await all.nodes[0]?.node.stop();
    await faultOf('node_unreachable', running());
  });

  it('has a node with lost certificates get them again', async () => {
    await deploy(tls('PEM 1'));
    agents[0]?.reboot();
    expect([...(await all.deployer.runningOn(1))]).to.deep.equal([['lb-1', '']]);
    await deploy(tls('PEM 1'));
    if (agents[0]) expectDeployed(agents[0], tls('PEM 1'), 1);
  });

  it('tells which load balancers a node does not run, or has lost the certificates of', async () => {
    await deploy(tls('PEM 1'));
    const placed = [
      { id: 'lb-1', hasCertificates: true },
      { id: 'lb-2', hasCertificates: false },
    ];
    const lost = () => all.deployer.lostOn?.(1, placed);
    expect(await lost()).to.deep.equal(['lb-2']);
    // haproxy may still run with what it has read.
    agents[0]?.balancers.get('lb-1')?.certificates.clear();
    expect(await lost()).to.deep.equal(['lb-1', 'lb-2']);
    await deploy(tls('PEM 1'));
    expect(await lost()).to.deep.equal(['lb-2']);
    const digest = all.deployer.digestFor(tls('PEM 1'), 1);
    const of = (other: string) =>
      all.deployer.lostOn?.(1, [{ id: 'lb-1', hasCertificates: true, digest: other }]);
    expect(await of(digest)).to.deep.equal([]);
    expect(await of(digest.replace(/^./, 'x'))).to.deep.equal(['lb-1']);
    agents[0]?.reboot();
    expect(await lost()).to.deep.equal(['lb-1', 'lb-2']);
  });

  it('throws only when its signal is aborted', async () => {
    const stopping = new AbortController();
    if (agents[0]) agents[0].accident = () => 'hang';
    const under = all.deployer.deploy(wantedOn([1, 2]), order(1), stopping.signal);
    const thrown = under.then(
      () => undefined,
      (error: unknown) => error,
    );
    await waitUntil('it was asked', () => agents[0]?.asked.length === 1, { everyMs: 5 });
    stopping.abort(new Error('the controller stops'));
    expect(await thrown).to.have.property('message', 'the controller stops');
  });

  it('asks a node at most four things at once', async () => {
    const many = Array.from({ length: 40 }, (_each, index) => [`s${index}`, `PEM ${index}`]);
    const wanted = wantedOn([1, 2], {
      certificates: Object.fromEntries(many) as Record<string, string>,
    });
    const others = Array.from({ length: 10 }, (_each, index) => ({
      ...wanted,
      id: `other-${index}`,
    }));
    await Promise.all([wanted, ...others].map((each) => deploy(each)));
    for (const [index, agent] of agents.entries()) {
      expect(agent.maxAtOnce).to.be.within(2, 4);
      expectDeployed(agent, wanted, index + 1);
    }
  });

  it('has a node send its heartbeats here, by its own id', async () => {
    const { amphora } = await all.deployer.facts(1, signal);
    const settings = {
      amphora: amphora ?? '',
      port: 9443,
      receivers: [{ address: 'fd00::1', port: 5555 }],
      heartbeatKey: 'k'.repeat(32),
      intervalSeconds: 1,
    };
    await all.deployer.configure(1, settings, signal);
    expect(agents[0]?.config?.split('\n')).to.include.members([
      'controller_ip_port_list = [fd00::1]:5555',
      'heartbeat_interval = 1',
      `heartbeat_key = ${'k'.repeat(32)}`,
      `amphora_id = ${agents[0]?.uuid ?? ''}`,
    ]);
    const hostile = { ...settings, heartbeatKey: `${'k'.repeat(32)}\n[x]` };
    await faultOf('invalid_config', all.deployer.configure(1, hostile, signal));
  });

  for (const kinds of [['ours', 'ours'] as const, ['octavia', 'ours'] as const]) {
    it(`repeated after any failure at any step brings both nodes (${kinds.join(', ')}) to what is wanted`, async function () {
      this.timeout(240_000);
      for (const [index, kind] of kinds.entries()) if (agents[index]) agents[index].kind = kind;
      const next = randomOf(7);
      const random = (below: number) => Math.floor(next() * below);
      const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
      const fates = ['hang up', 'lose answer', { status: 500, text: '{"message": "No room."}' }];
      for (let round = 0; round < 40; round += 1) {
        const wanted = wantedOn([1, 2], {
          port: pick([80, 81]),
          certificates: pick<Record<string, string>>([
            {},
            { a: 'PEM 1' },
            { a: 'PEM 2' },
            { a: 'PEM 2', b: 'PEM 3' },
          ]),
          weights: pick([
            [1, 1],
            [1, -2],
            [3, 0],
            [1, 1, 1],
          ]),
        });
        // The step at which it fails, on either node.
        const [who, step, fate] = [random(3), random(9), pick(fates)];
        for (const [index, agent] of agents.entries()) {
          const from = agent.asked.length;
          agent.accident = (_request, number) =>
            who !== 1 - index && number - from === step
              ? (fate as ReturnType<SimulatedAgent['accident']>)
              : undefined;
        }
        // Sometimes the controller dies as well, and with it what it remembers.
        await deploy(wanted);
        if (random(4) === 0 && kinds[0] === 'ours') all.deployer = all.newDeployer();
        for (const agent of agents) agent.accident = () => undefined;
        await all.reached();
        const done = await deploy(wanted);
        expect(results(done), `round ${round}`).to.deep.equal(['running', 'running']);
        for (const [index, agent] of agents.entries()) expectDeployed(agent, wanted, index + 1);
      }
      expect(results(await all.deployer.withdraw('lb-1', [1, 2], signal))).to.deep.equal([
        'running',
        'running',
      ]);
      expect(agents.map(({ balancers }) => balancers.size)).to.deep.equal([0, 0]);
    });
  }
});
