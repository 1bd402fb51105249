import type { Fencing, WantedBalancer } from '../../../src/balancer/deploying.ts';
import type { Renderer } from '../../../src/balancer/deploy/files.ts';

/** Renders a load balancer in short: what tells listeners, members and lists of certificates apart. */
export const shortRenderer: Renderer = {
  haproxy: ({ id, vip, listeners, pools }) =>
    [
      'global',
      ...listeners.flatMap((each) => [
        `frontend ${each.id}`,
        `  bind ${vip}:${each.port}${each.certificates.length > 0 ? ` ssl crt-list /certs/${id}/${each.id}.pem` : ''}`,
      ]),
      ...pools.flatMap((pool) => [
        `backend ${pool.id}:${listeners[0]?.id ?? ''}`,
        ...pool.members.map(
          (member) =>
            `    server ${member.id} ${member.address}:${member.port} weight ${member.weight} check${member.isEnabled ? '' : ' disabled'}`,
        ),
      ]),
      '',
    ].join('\n'),
  crtListName: (listener) => `${listener}.pem`,
  crtList: (balancer, { certificates }) =>
    certificates.map(({ id }) => `/certs/${balancer}/secret-${id}.pem\n`).join(''),
  certificateName: (secret) => `secret-${secret}.pem`,
};

export const order = (revision: number, epoch = 1): Fencing => ({ store: 's1', epoch, revision });

export interface WantedParts {
  port?: number;
  /** The certificates of its listener, by the ids of their secrets. */
  certificates?: Readonly<Record<string, string>>;
  /** Weights of members; a negative one is that of a disabled member. */
  weights?: readonly number[];
}

/** A load balancer with one listener and one pool. */
export function wantedOn(
  nodes: readonly number[],
  { port = 80, certificates = {}, weights = [1, 1] }: WantedParts = {},
): WantedBalancer {
  return {
    id: 'lb-1',
    vip: '192.0.2.9',
    peerPort: 20_000,
    nodes: nodes.map((id) => ({ id, address: `192.0.2.${id}` })),
    listeners: [
      {
        id: 'listener-1',
        protocol: 'HTTP',
        port,
        connectionLimit: null,
        insertHeaders: {},
        defaultPool: 'pool-1',
        certificates: Object.entries(certificates).map(([id, pem]) => ({ id, pem })),
        policies: [],
      },
    ],
    pools: [
      {
        id: 'pool-1',
        protocol: 'HTTP',
        algorithm: 'ROUND_ROBIN',
        persistence: null,
        members: weights.map((weight, index) => ({
          id: `member-${index + 1}`,
          address: '192.0.2.50',
          port: 8000 + index,
          weight: Math.abs(weight),
          isEnabled: weight >= 0,
          monitorAddress: null,
          monitorPort: null,
        })),
        monitor: null,
      },
    ],
  };
}
