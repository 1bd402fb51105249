import { hkdfSync } from 'node:crypto';

import type { AgentSettings } from '../../../balancer/deploy/agent-settings.ts';
import { makeDeployer } from '../../../balancer/deploy/deployer.ts';
import { holdsAddress } from '../../../balancer/deploy/holder.ts';
import { type Heartbeats, makeHeartbeats } from '../../../balancer/heartbeats/heartbeats.ts';
import { receivingAddress } from '../../../balancer/heartbeats/receiving-address.ts';
import { type BalancerService, makeBalancerDomain } from '../../../balancer/make.ts';
import { makeNoopNetworks } from '../../../balancer/network/noop.ts';
import { makeStaticNetworks } from '../../../balancer/network/static.ts';
import { type Carriers, makeCarriers } from '../../../balancer/nodes/carriers.ts';
import { balancerNodeUse } from '../../../balancer/nodes/nodes.ts';
import {
  certificateName,
  crtListName,
  renderCrtList,
} from '../../../balancer/render/certificates.ts';
import { renderHaproxy } from '../../../balancer/render/haproxy.ts';
import { makeLocalSecrets } from '../../../balancer/secrets/local.ts';
import type { ControllerNode } from '../../../controller/nodes/nodes.ts';
import type { VrrpWorker } from '../../../controller/vrrp/worker.ts';
import { balancerFamily } from '../../../routes/balancer/index.ts';
import { operatorToken } from '../../../routes/balancer/sign-in.ts';
import type { ControllerFamily, ControllerGround } from './family.ts';

export interface BalancerWiring extends ControllerGround {
  /** The worker that all families share. */
  worker: VrrpWorker;
}

/** Load balancers, without a listener. */
export interface WiredBalancer extends ControllerFamily {
  domain: BalancerService;
  heartbeats: Heartbeats;
  carriers: Carriers;
}

/** Makes the family of load balancers over the ground of the controller. */
export function makeBalancer(wiring: BalancerWiring): WiredBalancer {
  const { store, registry, links, worker, config, changes, repeatedAnswers, secrets, log } = wiring;
  const { balancer: own, segments } = config;
  const deployer = makeDeployer({
    links,
    render: { haproxy: renderHaproxy, crtListName, crtList: renderCrtList, certificateName },
    log,
  });
  const heartbeatKey = own.heartbeat_key ?? keyOfHeartbeats(wiring.secretsKey);
  secrets.hold([heartbeatKey]);
  const carriers = makeCarriers({
    ...{ store, registry, links, deployer, log },
    onCarrier: () => {
      domain.onCarrier();
    },
    async settingsFor(node: ControllerNode, amphora: string): Promise<AgentSettings> {
      await listen();
      const address = own.heartbeat_address ?? (await receivingAddress(node.host));
      return {
        ...{ amphora, heartbeatKey, port: node.port },
        receivers: [{ address, port: own.heartbeat_port }],
        intervalSeconds: own.heartbeat_interval,
      };
    },
  });
  const networks =
    own.network_driver === 'noop' ? makeNoopNetworks() : makeStaticNetworks(own.networks);
  const domain = makeBalancerDomain({
    ...{ store, registry, links, worker, deployer, carriers, networks, segments, log },
    secrets: makeLocalSecrets(wiring.secretsKey),
    config: own,
    heardAt: (node) => heartbeats.heardAt(node),
  });
  const heartbeats = makeHeartbeats({
    listen: { host: own.heartbeat_address ?? '::', port: own.heartbeat_port },
    key: heartbeatKey,
    nodeOf: (amphora) => carriers.nodeOf(amphora),
    isMaster: (node, vip) => holdsAddress(links.word(node), vip),
    isAlive: (node) => links.isAnswering(node),
    store: domain.operating,
    log,
    times: {
      intervalMs: own.heartbeat_interval * 1000,
      timeoutMs: own.heartbeat_timeout * 1000,
    },
  });
  let listening: Promise<void> | undefined;
  /** A controller without nodes that carry load balancers opens no port for them. */
  function listen(): Promise<void> {
    listening ??= heartbeats.start().catch((error: unknown) => {
      listening = undefined;
      throw error;
    });
    return listening;
  }

  return {
    family: (signIn) => balancerFamily({ domain, changes, repeatedAnswers, secrets }, signIn),
    token: { place: operatorToken, takesTenants: true },
    domain,
    heartbeats,
    carriers,
    nodeUse: balancerNodeUse,
    // A node without load balancers lacks nothing, and 'hactl lb node list' shows the others.
    trouble: () => undefined,
    onNodes: () => carriers.refresh(),
    async start() {
      await carriers.start();
      if (carriers.any()) {
        await listen().catch((error: unknown) => {
          log.error({ error: (error as Error).message }, 'heartbeats cannot be heard');
        });
      }
      await domain.start();
    },
    async stop() {
      await carriers.stop();
      await domain.stop();
      await heartbeats.stop();
    },
  };
}

/** Controllers with one store have one key file too, and so one key of heartbeats. */
function keyOfHeartbeats(secretsKey: Buffer): string {
  return Buffer.from(hkdfSync('sha256', secretsKey, '', 'ha-agent heartbeats', 32)).toString('hex');
}
