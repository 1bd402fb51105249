import { randomUUID } from 'node:crypto';

import { expect } from 'chai';

import { balancerConfig } from '../../../src/balancer/config.ts';
import { makeStaticNetworks } from '../../../src/balancer/network/static.ts';
import { makeLocalSecrets } from '../../../src/balancer/secrets/local.ts';
import { type OperatorHost, operatorHost } from '../../support/balancer/operator-host.ts';
import { selfSigned } from '../../support/controller/self-signed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const network = '6e000000-0000-4000-8000-000000000001';
const section = {
  networks: [
    {
      id: network,
      name: 'front',
      subnets: [{ id: '5b000000-0000-4000-8000-000000000004', cidr: '192.0.2.0/24' }],
    },
  ],
};

describe('a route of our own of the operator API', () => {
  const folder = temporaryFolder();
  let bench: OperatorHost;

  beforeEach(async () => {
    const { networks } = balancerConfig.parse({ balancer: section }).balancer;
    bench = await operatorHost(folder.path, {
      networks: makeStaticNetworks(networks),
      secrets: makeLocalSecrets(Buffer.alloc(32, 1)),
      config: section,
      nodes: [1, 2, 3].map((at) => [{ name: 'eth1', addresses: [`192.0.2.${at}/24`] }]),
    });
  });
  afterEach(() => bench.stop());

  const read = async (path: string) => {
    const answer = await bench.ask('get', path);
    expect(answer.status, answer.text).to.equal(200);
    return answer.body;
  };
  const refusal = async (...request: Parameters<OperatorHost['ask']>) => {
    const { status, headers } = await bench.ask(...request);
    return [status, headers['x-ha-code']];
  };

  it('reserves an address, which a load balancer takes and leaves free again', async () => {
    const wish = { network_id: network, ip_address: '192.0.2.77', tenant_id: 'blue' };
    const { body: port } = await bench.change('post', '/ports', wish);
    expect(port).to.include({ ip_address: '192.0.2.77', owner: null, project_id: 'blue' });
    expect(await refusal('post', '/ports', wish)).to.deep.equal([409, 'balancer_conflict']);
    const lb = await bench.balancer({ vip: { port_id: port.id } });
    expect((await read(lb))['vip']).to.include({ port_id: port.id, ip_address: '192.0.2.77' });
    expect((await read(`/ports/${port.id}`))['owner']).to.equal(lb.split('/').at(-1));
    const remove = ['delete', `/ports/${port.id}`] as const;
    expect(await refusal(...remove)).to.deep.equal([409, 'balancer_conflict']);
    await bench.change('delete', `${lb}?wait=30s`);
    await bench.change(...remove);
    expect(await read('/ports')).to.deep.equal([]);
    expect(await refusal(...remove)).to.deep.equal([404, 'balancer_object_not_found']);
  });

  it('stores a certificate, and shows it without its key', async () => {
    const id = randomUUID();
    const { key, certificate } = selfSigned(folder.path);
    const put = await bench.change('put', `/secrets/${id}`, { certificate, private_key: key });
    expect(put.body).to.include({ id, subject: 'CN=self' });
    expect((await bench.ask('get', '/secrets')).text).not.to.match(/PRIVATE|BEGIN/);
    const lb = await bench.balancer();
    const { body: listener } = await bench.change('post', `${lb}/listeners?wait=30s`, {
      protocol: 'TERMINATED_HTTPS',
      protocol_port: 443,
      default_tls_container_id: `https://barbican.example/v1/secrets/${id}`,
    });
    const remove = ['delete', `/secrets/${id}`] as const;
    expect(await refusal(...remove)).to.deep.equal([409, 'balancer_conflict']);
    await bench.change('delete', `${lb}/listeners/${listener.id}?wait=30s`);
    await bench.change(...remove);
    expect(await read('/secrets')).to.deep.equal([]);
    const odd = await refusal('put', '/secrets/x', { pem: certificate + key });
    expect(odd).to.deep.equal([400, 'balancer_invalid']);
  });

  it('shows what is below a load balancer, and what its nodes run', async () => {
    const lb = await bench.balancer();
    await bench.change('post', `${lb}/listeners?wait=30s`, { protocol: 'TCP', protocol_port: 25 });
    const { loadbalancer, nodes, attempts, last_error: error } = await read(`${lb}/status`);
    expect((loadbalancer as { listeners: unknown[] }).listeners).to.have.length(1);
    expect(nodes).to.have.length(2);
    for (const node of nodes as { wanted: string; running: string }[])
      expect(node.running).to.equal(node.wanted);
    expect([attempts, error]).to.deep.equal([0, null]);
  });

  it('repairs at once what the nodes have refused before', async () => {
    const lb = await bench.balancer();
    bench.host.deployer.answer = 'refused';
    await bench.change('put', `${lb}?wait=30s`, { name: 'new' });
    const status = await read(`${lb}/status`);
    expect(status['last_error']).to.match(/refuses/);
    expect(status['next_try_at']).not.to.equal(null);
    bench.host.deployer.answer = 'running';
    await bench.change('post', `${lb}/repair?wait=30s`);
    expect(await read(lb)).to.include({ provisioning_status: 'ACTIVE', name: 'new' });
  });

  it('gives the address of a load balancer to its other node', async () => {
    const lb = await bench.balancer();
    const masterOf = async () =>
      ((await read(`${lb}/status`))['nodes'] as { name: string }[]).map(({ name }) => name);
    const before = await masterOf();
    await bench.change('post', `${lb}/failover?wait=30s`);
    expect(await masterOf()).to.deep.equal([...before].reverse());
  });

  it('empties a node, and lets it take load balancers again', async () => {
    const lb = await bench.balancer();
    const namesOf = async () =>
      ((await read(`${lb}/status`))['nodes'] as { id: number }[]).map(({ id }) => id);
    const [first = 0] = await namesOf();
    const { body } = await bench.change('post', `/nodes/${first}/drain`);
    expect(body).to.include({ id: first, is_draining: true });
    await bench.host.domain.loadBalancers.settled(lb.split('/').at(-1) ?? '', 200_000);
    const listed = (await read('/nodes')) as unknown as { id: number; is_draining: boolean }[];
    expect(listed.find(({ id }) => id === first)?.is_draining).to.equal(true);
    const { body: again } = await bench.change('post', `/nodes/${first}/resume`);
    expect(again).to.include({ is_draining: false });
    expect(await refusal('post', '/nodes/99/drain')).to.deep.equal([
      404,
      'balancer_object_not_found',
    ]);
    expect(await refusal('post', '/nodes/x/drain')).to.deep.equal([
      404,
      'balancer_object_not_found',
    ]);
  });

  it('lists what a node runs and nobody knows, and removes it on request alone', async () => {
    const orphan = randomUUID();
    bench.host.deployer.running.set(1, new Map([[orphan, '00']]));
    expect(await read('/orphans')).to.deep.equal([{ node: 1, name: 'n1', id: orphan }]);
    await bench.change('delete', `/orphans/1/${orphan}`);
    expect(await read('/orphans')).to.deep.equal([]);
    const lb = await bench.balancer();
    const known = lb.split('/').at(-1) ?? '';
    const [{ id: node } = { id: 0 }] = (await read(`${lb}/status`))['nodes'] as { id: number }[];
    expect(await refusal('delete', `/orphans/${node}/${known}`)).to.deep.equal([
      409,
      'balancer_conflict',
    ]);
  });
});
