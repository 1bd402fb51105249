// A controller whose only node has Octavia's own agent, that of Debian 12 (11.0), instead of ours.
import { expect } from 'chai';

import { ask } from '../amphora-system/bench.ts';
import { makeIdentity } from '../lab/amphora/certificates.ts';
import { textOf } from '../lab/amphora/lab.ts';
import { builtPackage } from '../lab/built-package.ts';
import { type BalancerLab, upBalancerHosts } from '../lab/balancer/lab.ts';
import { down, type LabNode } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Balancing, setUpBalancing } from './bench.ts';
import { membersOf, untilServes } from './clients.ts';
import { printJournals } from './journals.ts';
import { makeSimple, type Simple } from './making.ts';
import { statusOf } from './nodes.ts';
import { becomeUpstream, setVip } from './upstream-agent.ts';

const name = 'balancer-upstream';
const secret = '0c0c0c0c-0000-4000-8000-000000000001';

describe("a controller of load balancers, with Octavia's agent of Debian 12 on its node", () => {
  let lab: BalancerLab | undefined;
  let balancing: Balancing;
  let node: LabNode;
  let made: Simple;
  const at = () => balancing;

  before(async function () {
    // A root may have to be built first.
    this.timeout(25 * 60 * 1000);
    await down(name, progressOnStderr);
    lab = await upBalancerHosts({
      ...{ name, suites: ['bookworm', 'bookworm'], withOctavia: [1] },
      package: await builtPackage(),
      progress: progressOnStderr,
    });
    balancing = await setUpBalancing(lab, { joining: [1] });
    [, node] = lab.nodes as [LabNode, LabNode];
    await becomeUpstream(lab, node, balancing.controller);
    await waitUntil('the controller to reach that agent', async () => {
      const { body } = await balancing.call('GET', '/nodes');
      return JSON.stringify(body).includes('takes no orders for keepalived');
    });
  });

  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await printJournals(lab);
    const how = ['--no-pager', '--lines=40', '--output=cat', '--unit=amphora-agent'];
    console.error((await node.exec(['journalctl', ...how])).stdout);
  });

  after(async function () {
    this.timeout(5 * 60 * 1000);
    await lab?.down();
  });

  it('has a load balancer that is ACTIVE on one node', async () => {
    made = await makeSimple(at());
    await setVip(node, made.address);
    const { nodes } = await statusOf(made);
    expect(nodes.map((each) => each.name)).to.deep.equal([node.name]);
    await untilServes(at().lab, made);
    expect(new Set(await membersOf(at().lab, made.url(80), 6)).size).to.equal(2);
  });

  it('has its statuses by the heartbeats of that agent', async () => {
    await made.untilOperating('', 'ONLINE');
    const [first] = at().lab.members;
    if (first === undefined) throw new Error('The lab has no members.');
    const member = `/pools/${made.pool}/members/${made.members[0]}`;
    await made.untilOperating(member, 'ONLINE');
    await at().lab.setMember(first, 'down');
    await made.untilOperating(member, 'ERROR');
    await made.untilOperating('', 'DEGRADED');
    await at().lab.setMember(first, 'up');
    await made.untilOperating('', 'ONLINE');
    const { total_connections: count } = await made.read<{ total_connections: number }>(
      `/listeners/${made.listener}/stats`,
    );
    expect(count).to.be.above(5);
  });

  it('changes the load balancer by a reload', async () => {
    const member = `/pools/${made.pool}/members/${made.members[0]}`;
    await made.put(member, { weight: 0 });
    expect(new Set(await membersOf(at().lab, made.url(80), 4))).to.deep.equal(new Set(['member2']));
    await made.put(member, { weight: 1 });
    await made.put(`/listeners/${made.listener}`, {
      insert_headers: { 'X-Forwarded-For': 'true' },
    });
    const { body } = await ask(at().lab, made.url(80));
    expect(body).to.include('x-forwarded-for');
  });

  it('gives it certificates, and rotates them', async () => {
    const store = async (version: number): Promise<string> => {
      const wish = { name: `tls-${version}`, commonName: `v${version}.example.com` };
      const { certificate, key } = await makeIdentity(at().lab.folder, {
        ...wish,
        alternativeNames: ['DNS:www.example.com'],
      });
      const body = { certificate: await textOf(certificate), private_key: await textOf(key) };
      const answer = await at().call('PUT', `/secrets/${secret}`, body);
      expect(answer.status, JSON.stringify(answer.body)).to.be.oneOf([200, 201, 202]);
      return certificate;
    };
    const served = (authority: string) => {
      const resolve = ['--resolve', `www.example.com:443:${made.address}`];
      return ask(at().lab, 'https://www.example.com/', ...resolve, '--cacert', authority);
    };
    const first = await store(1);
    await made.addListener({
      ...{ protocol: 'TERMINATED_HTTPS', protocol_port: 443, default_pool_id: made.pool },
      default_tls_container_id: secret,
    });
    const answer = await served(first);
    expect(answer.status, answer.error).to.equal(200);
    const second = await store(2);
    await waitUntil('the new certificate', async () => (await served(second)).status === 200);
    await waitUntil('the end of the rotation', async () => {
      return (
        (await made.read<{ provisioning_status: string }>('')).provisioning_status === 'ACTIVE'
      );
    });
  });

  it('removes the load balancer, and leaves nothing of it', async () => {
    await made.remove();
    expect((await ask(at().lab, made.url(80), '--max-time', '2')).status).to.equal(0);
    expect(await node.run(['ls', '/var/lib/octavia'])).to.not.include(made.id);
    expect(await node.run(['ps', '-eo', 'args='])).to.not.include(made.id);
  });
});
