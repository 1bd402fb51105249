import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { format, resolveConfig } from 'prettier';

import { balancerConfig } from '../src/balancer/config.ts';
import { makeStaticNetworks } from '../src/balancer/network/static.ts';
import { makeLocalSecrets } from '../src/balancer/secrets/local.ts';
import type { Example } from '../src/server/table/examples.ts';
import { makeTestBalancer } from './support/balancer/domain.ts';
import { type Method, operatorBench } from './support/balancer/operator-bench.ts';
import { selfSigned } from './support/controller/self-signed.ts';

// Records the examples of the OpenAPI document of load balancers, on scripted nodes. Run it after a route or its answer
// is new.

const file = new URL('../src/routes/balancer/documents/examples.json', import.meta.url).pathname;
const network = 'a3f1c6d2-5b0e-4c57-9d0a-6a1f5f2e0c11';
const lb = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d01';
const listener = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d02';
const pool = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d03';
const member = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d04';
const policy = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d05';
const rule = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d06';
const secret = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d07';
const port = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d08';
const other = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d09';
const orphan = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d0a';
const tenant = 'blue';
const monitor = { type: 'HTTP', delay: 5, timeout: 3, fall_threshold: 3, rise_threshold: 2 };

const section = {
  networks: [
    {
      id: network,
      name: 'front',
      subnets: [
        {
          id: 'a3f1c6d2-5b0e-4c57-9d0a-6a1f5f2e0c12',
          cidr: '192.0.2.0/24',
          pools: [{ from: '192.0.2.100', to: '192.0.2.199' }],
        },
      ],
    },
  ],
};
const names = {
  loadbalancer: lb,
  listener,
  pool,
  member,
  l7policy: policy,
  l7rule: rule,
  secret,
  port,
  tenant,
  orphan,
  node: '1',
};

const one = '/loadbalancers/{loadbalancer}';
const oneListener = `${one}/listeners/{listener}`;
const onePool = `${one}/pools/{pool}`;
const onePolicy = `${oneListener}/l7policies/{l7policy}`;

/** In the order of a life: what is made first is removed last. */
const requests: readonly (readonly [Method, path: string, body?: object])[] = [
  ['get', '/'],
  ['put', '/quotas/{tenant}', { quota: { load_balancer: 10 } }],
  ['get', '/quotas'],
  ['get', '/quotas/{tenant}'],
  ['get', '/quotas/{tenant}/default'],
  ['post', '/ports', { id: port, network_id: network, project_id: tenant }],
  ['get', '/ports'],
  ['get', '/ports/{port}'],
  [
    'post',
    '/loadbalancers',
    { id: lb, vip: { network_id: network }, name: 'www', tenant_id: tenant },
  ],
  ['get', '/loadbalancers'],
  ['get', one],
  ['put', one, { description: 'The shop' }],
  ['post', `${one}/listeners`, { id: listener, protocol: 'HTTP', protocol_port: 80, name: 'http' }],
  ['get', `${one}/listeners`],
  ['get', oneListener],
  ['put', oneListener, { connection_limit: 1000 }],
  [
    'post',
    `${one}/pools`,
    { id: pool, listener_id: listener, protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' },
  ],
  ['get', `${one}/pools`],
  ['get', onePool],
  ['put', onePool, { session_persistence: { type: 'SOURCE_IP' } }],
  ['post', `${onePool}/health_monitor`, monitor],
  ['get', `${onePool}/health_monitor`],
  ['put', `${onePool}/health_monitor`, { url_path: '/health' }],
  ['post', `${onePool}/members`, { id: member, ip_address: '10.0.0.21', protocol_port: 80 }],
  ['get', `${onePool}/members`],
  ['get', `${onePool}/members/{member}`],
  ['put', `${onePool}/members/{member}`, { weight: 10 }],
  ['post', `${oneListener}/l7policies`, { id: policy, action: 'REJECT', name: 'no drafts' }],
  ['get', `${oneListener}/l7policies`],
  ['get', onePolicy],
  ['put', onePolicy, { description: 'Drafts are for the authors.' }],
  [
    'post',
    `${onePolicy}/l7rules`,
    { id: rule, type: 'PATH', compare_type: 'STARTS_WITH', value: '/drafts' },
  ],
  ['get', `${onePolicy}/l7rules`],
  ['get', `${onePolicy}/l7rules/{l7rule}`],
  ['put', `${onePolicy}/l7rules/{l7rule}`, { value: '/draft/' }],
  ['get', `${oneListener}/stats`],
  ['get', `${one}/stats`],
  ['get', `${one}/status`],
  ['post', `${one}/repair`],
  ['post', `${one}/failover`],
  ['get', '/nodes'],
  ['post', '/nodes/{node}/drain'],
  ['post', '/nodes/{node}/resume'],
  ['get', '/orphans'],
  ['delete', '/orphans/{node}/{orphan}'],
  ['delete', `${onePolicy}/l7rules/{l7rule}`],
  ['delete', onePolicy],
  ['delete', `${onePool}/members/{member}`],
  ['delete', `${onePool}/health_monitor`],
  ['delete', onePool],
  ['delete', oneListener],
  ['delete', one],
  ['delete', '/ports/{port}'],
  ['delete', '/quotas/{tenant}'],
];

const folder = await mkdtemp(join(tmpdir(), 'balancer-examples-'));
const { networks } = balancerConfig.parse({ balancer: section }).balancer;
const host = await makeTestBalancer(folder, {
  networks: makeStaticNetworks(networks),
  secrets: makeLocalSecrets(Buffer.alloc(32, 1)),
  config: section,
  nodes: [1, 2, 3].map((at) => [{ name: 'eth1', addresses: [`192.0.2.${at}/24`] }]),
});
host.deployer.running.set(1, new Map([[orphan, '00'.repeat(32)]]));
const bench = await operatorBench(host.domain);
const examples: Record<string, Example> = {};

async function record(
  method: Method,
  template: string,
  sent?: object,
  shown = sent,
): Promise<void> {
  const path = template.replace(/\{(\w+)\}/g, (_all, name: keyof typeof names) => names[name]);
  const { status, text } = await bench.ask(method, path, sent);
  if (status >= 300) throw new Error(`${method} ${path} answers ${status}: ${text}`);
  if (path.startsWith(`/loadbalancers`)) await host.finish(lb);
  examples[`${method.toUpperCase()} ${template}`] = {
    ...(shown && { request: shown }),
    status,
    ...(text !== '' && { body: JSON.parse(text) as unknown }),
  };
}

for (const [method, template, sent] of requests) {
  await record(method, template, sent);
  if (template === '/nodes/{node}/resume' || template === `${one}/failover`)
    await host.domain.loadBalancers.settled(lb, 10_000);
}
const { key, certificate } = selfSigned(folder);
const begin = '-----BEGIN CERTIFICATE-----';
const shownPem = `${begin}\n…\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n`;
await record('put', '/secrets/{secret}', { pem: certificate + key }, { pem: shownPem });
await record('get', '/secrets');
await record('delete', '/secrets/{secret}');
const tree = {
  protocol: 'TCP',
  protocol_port: 443,
  default_pool: { protocol: 'TCP', lb_algorithm: 'LEAST_CONNECTIONS' },
};
await bench.ask('post', '/loadbalancers', {
  id: other,
  vip: { network_id: network },
  tenant_id: tenant,
  listeners: [tree],
});
await host.domain.loadBalancers.settled(other, 10_000);
names.loadbalancer = other;
await record('delete', `${one}/delete_cascade`);
await bench.stop();
await host.stop();
await rm(folder, { recursive: true, force: true });

const options = { ...(await resolveConfig(file)), parser: 'json' };
await writeFile(file, await format(JSON.stringify(examples), options));
