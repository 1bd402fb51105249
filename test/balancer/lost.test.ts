import { expect } from 'chai';

import type { PlacedBalancer } from '../../src/balancer/deploying.ts';
import { makeTestBalancer, type TestBalancer } from '../support/balancer/domain.ts';
import { heldDeployer } from '../support/balancer/held-deployer.ts';
import { aBalancer, aListener, anyone } from '../support/balancer/wishes.ts';
import { waitUntil } from '../lab/wait.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('what a node has lost by a reboot', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  /** What the agent of node 2 has lost. */
  let lost: string[];
  /** What node 2 was asked for last. */
  let asked: readonly PlacedBalancer[];

  beforeEach(async () => {
    [lost, asked] = [[], []];
    const deployer = heldDeployer();
    deployer.lostOn = (node, placed) => {
      if (node === 2) asked = placed;
      return Promise.resolve(node === 2 ? lost.splice(0) : []);
    };
    bench = await makeTestBalancer(folder.path, { deployer });
    bench.nodes.say(2);
  });
  afterEach(() => bench.stop());

  async function made(given: Parameters<typeof aBalancer>[0]): Promise<string> {
    const { loadBalancer } = await bench.domain.loadBalancers.create(anyone, aBalancer(given));
    await bench.finish(loadBalancer.id);
    return loadBalancer.id;
  }

  it('is deployed again when the node answers again, and only that', async () => {
    const tlsRef = '5ec4e700-0000-4000-8000-000000000001';
    const listeners = [aListener(443, { protocol: 'TERMINATED_HTTPS', tlsRef })];
    const [secured, plain] = [
      await made({ listeners }),
      await made({ listeners: [aListener(80)] }),
    ];
    await made({ listeners: [aListener(80, { isEnabled: false })] });
    lost = [secured];
    bench.nodes.say(2, { boot: 'the next boot' });
    await bench.deployer.untilCalls(4);
    await waitUntil(
      'nothing is left to do',
      async () => (await bench.store.all('SELECT * FROM balancer_jobs')).length === 0,
      { everyMs: 10 },
    );
    const digest = (id: string) => bench.deployer.running.get(2)?.get(id);
    expect(asked).to.have.deep.members([
      { id: secured, hasCertificates: true, digest: digest(secured) },
      { id: plain, hasCertificates: false, digest: digest(plain) },
    ]);
    expect(bench.deployer.calls.slice(3).map(({ balancer }) => balancer)).to.deep.equal([secured]);
    const why = await bench.store.all('SELECT why FROM balancer_placements WHERE why IS NOT NULL');
    expect(why).to.deep.equal([]);
    expect((await bench.domain.loadBalancers.get(anyone, secured)).provisioning).to.equal('ACTIVE');
  });

  it('is not asked for at each report of the same boot', async () => {
    await made({ listeners: [aListener(80)] });
    bench.nodes.say(2);
    bench.nodes.say(2);
    await made({ listeners: [aListener(80)] });
    expect(asked).to.deep.equal([]);
  });
});
