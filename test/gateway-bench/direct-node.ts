import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { clientName, nodeCommonName } from '../../src/controller/certificates/own.ts';
import { makeSigner } from '../../src/controller/certificates/signer.ts';
import { makeNodeClient } from '../../src/controller/nodes/client.ts';
import { digestOf } from '../../src/keepalived/digest.ts';
import type { KeepalivedReport, Orders } from '../../src/keepalived/report.ts';
import type { WantedInstance, WantedKeepalived } from '../../src/keepalived/wanted.ts';
import { makeRun } from '../../src/kit/exec.ts';
import { makeLog } from '../../src/kit/log.ts';
import type { GatewayLab } from '../lab/gateway/lab.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';

/** A node without a controller: the caller orders it as a controller would. */
export interface DirectNode {
  readonly node: LabNode;
  /** The highest revision so far. */
  revision(): number;
  /** @returns the orders that were sent, when the node runs them. Faults: `node_unreachable`, `node_refused` */
  order(wanted: WantedKeepalived): Promise<Orders>;
  report(after?: { sequence: number; boot: string }): Promise<KeepalivedReport>;
  close(): Promise<void>;
}

const port = 9443;
const folderOfNode = '/etc/ha-agent/node';

/** Lets a host be a node by the files that joining writes, and starts its agent. */
export async function setUpNode(node: LabNode): Promise<DirectNode> {
  const folder = await mkdtemp(join(tmpdir(), 'direct-node-'));
  const signer = makeSigner(makeRun(makeLog('error')), folder);
  const authority = await signer.makeAuthority();
  const common = nodeCommonName(1);
  const [own, client] = await Promise.all([
    signer.make(authority, { common, names: [common], addresses: [], usage: 'serverAuth' }),
    signer.make(authority, { common: clientName, names: [], addresses: [], usage: 'clientAuth' }),
  ]);
  await rm(folder, { recursive: true });
  await node.run(['mkdir', '-p', folderOfNode]);
  await node.writeFile(`${folderOfNode}/key.pem`, own.key, 0o600);
  await node.writeFile(`${folderOfNode}/certificate.pem`, own.certificate);
  await node.writeFile(`${folderOfNode}/authority.pem`, authority.certificate);
  await node.writeFile('/etc/ha-agent/node.json', JSON.stringify({ name: node.name }));
  await node.run(['systemctl', 'restart', 'ha-amphora']);
  const judge = () => undefined;
  const options = { host: node.address, port, authority: authority.certificate, client, judge };
  const connection = makeNodeClient(options);
  let revision = 0;
  return {
    node,
    revision: () => revision,
    async order(wanted) {
      revision += 1;
      const orders = { store: 'bench', epoch: 1, revision, digest: digestOf(wanted) };
      const body = { orders, wanted, watch: ['mgmt0'] };
      await connection.ask({ method: 'PUT', path: '/node/1.0/keepalived', body }, 60_000);
      return orders;
    },
    async report(after) {
      const query = after ? `?after=${after.sequence}&boot=${after.boot}` : '';
      const path = `/node/1.0/keepalived${query}`;
      return (await connection.ask({ method: 'GET', path }, 15_000)) as KeepalivedReport;
    },
    close: () => connection.close(),
  };
}

/** An instance that nobody contends for. @param number its router id, and its address in the lab */
export function aloneInstance(
  lab: GatewayLab,
  number: number,
  more: Partial<WantedInstance> = {},
): WantedInstance {
  return {
    name: `vg_${number}`,
    family: 'ipv4',
    interface: lab.interface,
    routerId: number,
    priority: 150,
    interval: 0.5,
    addresses: [`${lab.address(number)}/24`],
    peers: [lab.address(98)],
    source: lab.nodes[0]?.address ?? '',
    preempt: true,
    syncGroup: null,
    check: null,
    ...more,
  };
}

/** Waits until all instances that were ordered are MASTER. */
export async function allMaster(direct: DirectNode, count: number): Promise<void> {
  await waitUntil(
    `${count} instances to be MASTER`,
    async () => {
      const { isAnswering, instances } = await direct.report();
      const masters = instances.filter(
        ({ state, addresses }) => state === 'MASTER' && addresses.length > 0,
      );
      return isAnswering && masters.length === count;
    },
    { everyMs: 100 },
  );
}
