import { join } from 'node:path';

import type { Identity } from '../lab/amphora/certificates.ts';
import { makeIdentity } from '../lab/amphora/certificates.ts';
import type { Step } from '../lab/amphora/driver.ts';
import type { AmphoraLab } from '../lab/amphora/lab.ts';
import { textOf } from '../lab/amphora/lab.ts';
import { members, tenant } from '../lab/amphora/networks.ts';
import { makeRevocations } from './revocations.ts';

const id = (kind: string, number: number): string =>
  `5${kind}000000-bbbb-4000-8000-${`${number}`.padStart(12, '0')}`;

/** A load balancer with each kind of traffic. */
export const traffic = {
  id: id('a', 1),
  listeners: {
    http: { id: id('b', 1), port: 80 },
    tcp: { id: id('b', 2), port: 7007 },
    https: { id: id('b', 3), port: 443 },
    /** Asks for certificates of clients. */
    clients: { id: id('b', 4), port: 8443 },
    cookie: { id: id('b', 5), port: 8080 },
    source: { id: id('b', 6), port: 8081 },
    session: { id: id('b', 7), port: 8082 },
  },
  pools: {
    http: id('c', 1),
    tcp: id('c', 2),
    cookie: id('c', 3),
    source: id('c', 4),
    session: id('c', 5),
  },
} as const;

export type Pool = keyof typeof traffic.pools;

/** The id of a member in a pool. */
export const memberIn = (pool: Pool, index: number): string =>
  id('e', 100 * (1 + Object.keys(traffic.pools).indexOf(pool)) + index);

/** Certificates of the tenant. The servers' issuer is an intermediate authority, so that the chain matters. */
export interface Certificates {
  root: Identity;
  intermediate: Identity;
  www: Identity;
  api: Identity;
  /** The authority of the clients, two of them, and the list that revokes the second. */
  clientAuthority: Identity;
  client: Identity;
  revoked: Identity;
  /** A client of another authority. */
  foreign: Identity;
  revocations: string;
}

export const folderOf = (lab: AmphoraLab): string => join(lab.folder, 'traffic');

const authority = (name: string) => ({ name, commonName: `Authority ${name}`, isAuthority: true });
const serverWish = (name: string) => ({
  name,
  commonName: `${name}.example.com`,
  alternativeNames: [`DNS:${name}.example.com`],
  use: 'serverAuth' as const,
});

/** Makes a server's certificate that the intermediate authority issues. */
export const makeServer = (lab: AmphoraLab, { intermediate }: Certificates, name: string) =>
  makeIdentity(join(folderOf(lab), 'changed'), serverWish(name), intermediate);

export async function makeCertificates(lab: AmphoraLab): Promise<Certificates> {
  const folder = folderOf(lab);
  const root = await makeIdentity(folder, authority('root'));
  const intermediate = await makeIdentity(folder, authority('intermediate'), root);
  const clientAuthority = await makeIdentity(folder, authority('clients'));
  const otherAuthority = await makeIdentity(folder, authority('others'));
  const client = (name: string, issuer: Identity) =>
    makeIdentity(folder, { name, commonName: name, use: 'clientAuth' }, issuer);
  const revoked = await client('revoked', clientAuthority);
  return {
    root,
    intermediate,
    www: await makeIdentity(folder, serverWish('www'), intermediate),
    api: await makeIdentity(folder, serverWish('api'), intermediate),
    clientAuthority,
    client: await client('client', clientAuthority),
    revoked,
    foreign: await client('foreign', otherAuthority),
    revocations: await makeRevocations(join(folder, 'revocations'), clientAuthority, [revoked]),
  };
}

const tlsOf = async (identity: Identity, issuer: Identity) => ({
  certificate: await textOf(identity.certificate),
  key: await textOf(identity.key),
  intermediates: await textOf(issuer.certificate),
});

const poolOf = (name: Pool, port: number, more: object = {}) => ({
  id: traffic.pools[name],
  protocol: name === 'tcp' ? 'TCP' : 'HTTP',
  members: members.map(({ address }, index) => ({
    id: memberIn(name, index),
    ip_address: address,
    protocol_port: port,
    subnet_id: 'members',
  })),
  ...more,
});

const listenerOf = (name: keyof typeof traffic.listeners, pool: Pool, more: object = {}) => ({
  id: traffic.listeners[name].id,
  protocol: 'HTTP',
  protocol_port: traffic.listeners[name].port,
  default_pool: traffic.pools[pool],
  // The sum has to be small, because this place has 20 000 descriptors
  connection_limit: 500,
  ...more,
});

const pathRule = (number: number, value: string) => ({
  id: id('f', number),
  type: 'PATH',
  compare_type: 'STARTS_WITH',
  value,
});

const policies = [
  {
    id: id('d', 1),
    action: 'REDIRECT_TO_URL',
    redirect_url: 'http://www.example.com/new',
    redirect_http_code: 301,
    l7rules: [pathRule(1, '/moved')],
  },
  { id: id('d', 2), action: 'REJECT', l7rules: [pathRule(2, '/forbidden')] },
];

/** The load balancer as a step of the driver. */
export async function trafficBalancer(made: Certificates): Promise<Step> {
  const www = await tlsOf(made.www, made.intermediate);
  const terminated = {
    protocol: 'TERMINATED_HTTPS',
    tls: www,
    tls_versions: ['TLSv1.2', 'TLSv1.3'],
  };
  const monitor = { id: id('9', 1), type: 'HTTP', url_path: '/health', delay: 1, timeout: 1 };
  const persistence = (type: string, more: object = {}) => ({
    session_persistence: { type, ...more },
  });
  const spec = {
    id: traffic.id,
    vip: tenant.vip.address,
    pools: [
      poolOf('http', 80, { health_monitor: monitor }),
      poolOf('tcp', 7),
      poolOf('cookie', 80, persistence('HTTP_COOKIE')),
      poolOf('source', 80, persistence('SOURCE_IP')),
      poolOf('session', 80, persistence('APP_COOKIE', { cookie_name: 'session' })),
    ],
    listeners: [
      listenerOf('http', 'http', {
        insert_headers: { 'X-Forwarded-For': 'true' },
        l7policies: policies,
      }),
      listenerOf('tcp', 'tcp', { protocol: 'TCP' }),
      listenerOf('https', 'http', {
        ...terminated,
        sni: [await tlsOf(made.api, made.intermediate)],
      }),
      listenerOf('clients', 'http', {
        ...terminated,
        client_authentication: 'MANDATORY',
        client_ca: await textOf(made.clientAuthority.certificate),
        client_crl: await textOf(made.revocations),
      }),
      listenerOf('cookie', 'cookie'),
      listenerOf('source', 'source'),
      listenerOf('session', 'session'),
    ],
  };
  return { do: 'load_balancer', spec };
}
