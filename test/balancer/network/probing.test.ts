import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { makeStaticNetworks } from '../../../src/balancer/network/static.ts';
import type { NodeAnswer } from '../../../src/controller/nodes/nodes.ts';
import { waitUntil } from '../../lab/wait.ts';
import { makeTestBalancer, type TestBalancer } from '../../support/balancer/domain.ts';
import { aBalancer, anyone } from '../../support/balancer/wishes.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const network = '0d0d0d0d-0000-4000-8000-000000000001';
/** A real node takes 700 ms. Meanwhile the other requests come together. */
const askMs = 50;
const by = '52:54:00:4c:1f:07';

describe('an address before it is given out', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  /** The addresses of hosts that nobody has told the controller of. */
  let foreign: Set<string>;
  /** What the nodes were asked. */
  let asked: { node: number; interface: string; addresses: string[] }[];
  /** What a node answers, if not from `foreign`. */
  let other: ((node: number) => Promise<NodeAnswer>) | undefined;

  beforeEach(async () => {
    [foreign, asked, other] = [new Set(), [], undefined];
    const subnets = [
      {
        id: '0d0d0d0d-0000-4000-8000-000000000004',
        cidr: '10.9.0.0/16',
        gateway: null,
        dns: [],
        pools: [{ from: '10.9.1.1', to: '10.9.1.200' }],
      },
    ];
    const networks = makeStaticNetworks([{ id: network, name: 'n', subnets, interface: {} }]);
    const nodes = [1, 2].map((number) => [{ name: 'eth1', addresses: [`10.9.0.${number}/16`] }]);
    bench = await makeTestBalancer(folder.path, { networks, nodes });
    bench.nodes.links.request = async (node, { path, text = '' }) => {
      expect(path).to.equal('/node/1.0/address-probe');
      const body = JSON.parse(text) as { interface: string; addresses: string[] };
      asked.push({ node, ...body });
      if (other) return other(node);
      await sleep(askMs);
      const used = body.addresses.filter((each) => foreign.has(each));
      const answer = { used: used.map((address) => ({ address, by })) };
      return { status: 200, headers: {}, text: JSON.stringify(answer) };
    };
  });
  afterEach(() => bench.stop());

  const create = async (address?: string) => {
    const wish = aBalancer({ vip: { network, ...(address !== undefined && { address }) } });
    const { loadBalancer } = await bench.domain.loadBalancers.create(anyone, wish);
    return loadBalancer.vip.address;
  };

  it('is refused if a foreign host has it, and nothing was made', async () => {
    foreign.add('10.9.1.7');
    const { message } = await faultOf('balancer_conflict', create('10.9.1.7'));
    expect(message).to.equal(
      `The address 10.9.1.7 is already in use in the network ${network}, by the host with the link-layer address ${by}. Choose another one, or leave it out.`,
    );
    expect(await bench.domain.loadBalancers.list(anyone)).to.deep.equal([]);
    expect(await bench.domain.ports.list(anyone)).to.deep.equal([]);
  });

  it('is passed over if nobody has wished for it', async () => {
    foreign = new Set(['10.9.1.1', '10.9.1.2']);
    expect(await create()).to.equal('10.9.1.3');
  });

  it('a port made for later is asked for too, and not again with its load balancer', async () => {
    foreign.add('10.9.1.1');
    const { id, address } = await bench.domain.ports.create(anyone, { network, project: 'p1' });
    expect(address).to.equal('10.9.1.2');
    asked = [];
    await bench.domain.loadBalancers.create(anyone, aBalancer({ vip: { port: id } }));
    expect(asked).to.deep.equal([]);
  });

  it('twenty at once get different ones that were each asked for, in few requests to a node', async () => {
    foreign = new Set(['10.9.1.3', '10.9.1.8']);
    const given = await Promise.all(Array.from({ length: 20 }, () => create()));
    expect(new Set(given).size).to.equal(20);
    expect(given).to.not.include.members(['10.9.1.3']).and.not.include.members(['10.9.1.8']);
    for (const node of [1, 2]) {
      const own = asked.filter((each) => each.node === node);
      expect(own.flatMap(({ addresses }) => addresses)).to.include.members(given);
      expect(own.length).to.be.lessThan(10);
    }
  });

  it('is given out when no node can ask: too old, broken or away', async () => {
    const answers: (typeof other)[] = [
      () => Promise.resolve({ status: 404, headers: {}, text: '{}' }),
      () => Promise.resolve({ status: 200, headers: {}, text: 'nonsense' }),
      () => Promise.reject(new Error('away')),
    ];
    for (const [index, answer] of answers.entries()) {
      other = answer;
      expect(await create()).to.equal(`10.9.1.${index + 1}`);
    }
  });

  it('other changes are written while hosts are asked', async () => {
    await create();
    const answers: (() => void)[] = [];
    other = () =>
      new Promise((resolve) => {
        answers.push(() => {
          resolve({ status: 404, headers: {}, text: '' });
        });
      });
    const under = create();
    await waitUntil('both nodes are asked', () => answers.length === 2, { everyMs: 5 });
    await bench.store.write((transaction) =>
      transaction.run('DELETE FROM balancer_draining WHERE node = $1', [1]),
    );
    for (const answer of answers) answer();
    expect(await under).to.equal('10.9.1.2');
  });
});
