import { expect } from 'chai';

import { type Carriers, makeCarriers } from '../../src/balancer/nodes/carriers.ts';
import { balancerMigrations } from '../../src/balancer/tables.ts';
import { Fault } from '../../src/kit/fault.ts';
import { waitUntil } from '../lab/wait.ts';
import { nodesDouble } from '../support/controller/nodes-double.ts';
import { storeDouble } from '../support/controller/store-double.ts';
import { keepingLog } from '../support/keeping-log.ts';

describe('nodes that carry load balancers', () => {
  let nodes = nodesDouble();
  /** What the agents say that they are; an agent without an entry has no amphora routes. */
  const agents = new Map<number, { amphora: string | undefined }>();
  let configured: number[] = [];
  let carriers: Carriers | undefined;
  let store = storeDouble(balancerMigrations);

  async function start(): Promise<Carriers> {
    carriers = makeCarriers({
      store,
      registry: nodes.registry,
      links: nodes.links,
      deployer: {
        facts(node) {
          const agent = agents.get(node);
          if (agent === undefined) {
            return Promise.reject(new Fault('node_refused', 'It has no amphora routes.'));
          }
          return Promise.resolve({ ...agent, haproxyVersion: '2.6.12' });
        },
        configure(node) {
          configured.push(node);
          return Promise.resolve();
        },
      },
      settingsFor: (_node, amphora) =>
        Promise.resolve({
          amphora,
          port: 9443,
          receivers: [{ address: '192.0.2.9', port: 5555 }],
          heartbeatKey: 'k'.repeat(32),
          intervalSeconds: 1,
        }),
      onCarrier: () => undefined,
      log: keepingLog().log,
      retryMs: 5,
    });
    await carriers.start();
    return carriers;
  }

  beforeEach(() => {
    nodes = nodesDouble();
    store = storeDouble(balancerMigrations);
    agents.clear();
    configured = [];
  });
  afterEach(() => carriers?.stop());

  it('are those whose agent has the amphora routes, by the id that it says or by their name', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => nodes.add(name, []).node.id);
    agents.set(Number(a), { amphora: 'amphora-a' }).set(Number(b), { amphora: undefined });
    const found = await start();
    await waitUntil('two carriers', () => configured.length === 2);
    expect(found.nodeOf('amphora-a')).to.equal(a);
    expect(found.nodeOf('b')).to.equal(b);
    await waitUntil('a reason', () => found.trouble(Number(c)) !== undefined);
    expect(found.carries(Number(c))).to.equal(false);
    expect(found.trouble(Number(c))).to.equal(
      'It carries no load balancers: It has no amphora routes.',
    );
  });

  it('do not share an id, because their heartbeats would count for one node', async () => {
    const [a, b] = ['a', 'b'].map((name) => nodes.add(name, []).node.id);
    agents.set(Number(a), { amphora: 'same' }).set(Number(b), { amphora: 'same' });
    const found = await start();
    await waitUntil('a reason', () => found.trouble(Number(b)) !== undefined);
    expect([a, b].map((node) => found.carries(Number(node)))).to.deep.equal([true, false]);
    expect(found.trouble(Number(b))).to.include(`the same amphora_id as that of node ${a}, same`);
    agents.set(Number(b), { amphora: 'other' });
    await waitUntil('the other id', () => found.nodeOf('other') === b);
    expect(found.nodeOf('same')).to.equal(a);
    await waitUntil('no trouble', () => found.trouble(Number(b)) === undefined);
  });

  it('are known at once after a start, and forgotten when they are removed', async () => {
    const id = nodes.add('a', []).node.id;
    agents.set(id, { amphora: 'first' });
    const before = await start();
    await waitUntil('it is known', () => before.carries(id));
    await before.stop();
    nodes.of(id).isReachable = false;
    const after = await start();
    expect(after.nodeOf('first')).to.equal(id);
    nodes.remove(id);
    await after.refresh();
    expect([after.carries(id), after.nodeOf('first'), after.any()]).to.deep.equal([
      false,
      undefined,
      false,
    ]);
  });
});
