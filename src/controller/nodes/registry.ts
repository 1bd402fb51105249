import * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import { renewalOf, fingerprintOf } from '../certificates/life.ts';
import type { Reading, Row, Store, Transaction } from '../store/store.ts';
import type { ControllerNode, NodeInterface, NodeRegistry } from './nodes.ts';

/** Max number of nodes of one controller. */
const maxNodes = 500;

/** A node with what only the ground of the controller needs. */
export interface Registration extends ControllerNode {
  /** A hash of its machine id. */
  machine: string;
  /** SHA-256 of its certificate. */
  fingerprint: string;
  /** The same of one that was signed for it, and that it has not shown yet. */
  nextFingerprint: string | undefined;
  /** The epoch of the store in which the fingerprint was written. */
  pinnedEpoch: number;
  /** When its certificate is to be renewed, in milliseconds since 1970. */
  renewAt: number;
  joinedAt: string;
}

/** A host that may join. */
export interface NewNode extends Pick<
  Registration,
  'id' | 'name' | 'host' | 'port' | 'interfaces' | 'machine'
> {
  /** Its certificate as PEM. */
  certificate: string;
}

/** The rows of nodes. */
export interface Registrations extends NodeRegistry {
  all(): Promise<readonly Registration[]>;
  get(id: number): Promise<Registration | undefined>;
  /** Faults: `controller_node_not_found` */
  demand(id: number): Promise<Registration>;
  /** Whether such a host may join. Faults: `node_exists`, one sentence for each reason */
  checkFree(node: Pick<NewNode, 'name' | 'machine'>, reading?: Reading): Promise<void>;
  /** Faults: as checkFree */
  add(node: NewNode, transaction: Transaction): Promise<void>;
  setInterfaces(id: number, interfaces: readonly NodeInterface[]): Promise<void>;
  /** Writes down a certificate before the node gets it. */
  expect(id: number, certificate: string): Promise<void>;
  /** Writes down which certificate the node shows. */
  pin(id: number, fingerprint: string): Promise<void>;
  /** Takes the node out. That revokes its certificate, because only certificates in these rows are accepted. */
  remove(id: number, transaction: Transaction): Promise<void>;
}

const interfacesSchema = z.array(z.object({ name: z.string(), addresses: z.array(z.string()) }));

export function makeRegistrations(store: Store): Registrations {
  const get = async (id: number) => {
    const row = await store.one('SELECT * FROM nodes WHERE id = $1', [id]);
    return row && registrationOf(row);
  };
  const all = async () => (await store.all('SELECT * FROM nodes ORDER BY id')).map(registrationOf);
  const change = async (sql: string, values: readonly (string | number | null)[]) => {
    await store.write((transaction) => transaction.run(sql, values));
  };
  return {
    all,
    get,
    list: all,
    find: get,
    async demand(id) {
      const found = await get(id);
      if (found) return found;
      throw new Fault(
        'controller_node_not_found',
        `There is no node ${id}. 'hactl node list' lists them.`,
      );
    },
    checkFree: (node, reading = store) => checkFree(node, reading),
    async add(node, transaction) {
      await checkFree(node, transaction);
      await insert(node, store.identity.epoch, transaction);
    },
    setInterfaces: (id, interfaces) =>
      change('UPDATE nodes SET interfaces = $1 WHERE id = $2', [JSON.stringify(interfaces), id]),
    expect: (id, certificate) =>
      change('UPDATE nodes SET next_fingerprint = $1, renew_at = $2 WHERE id = $3', [
        fingerprintOf(certificate),
        renewalOf(certificate),
        id,
      ]),
    pin: (id, fingerprint) =>
      change(
        'UPDATE nodes SET fingerprint = $1, next_fingerprint = NULL, pinned_epoch = $2 WHERE id = $3',
        [fingerprint, store.identity.epoch, id],
      ),
    async remove(id, transaction) {
      await transaction.run('DELETE FROM nodes WHERE id = $1', [id]);
    },
  };
}

function registrationOf(row: Row): Registration {
  const text = (column: string) => String(row[column]);
  const next = row['next_fingerprint'];
  return {
    id: Number(row['id']),
    name: text('name'),
    host: text('host'),
    port: Number(row['port']),
    interfaces: interfacesSchema.parse(JSON.parse(text('interfaces'))),
    machine: text('machine'),
    fingerprint: text('fingerprint'),
    nextFingerprint: typeof next === 'string' ? next : undefined,
    pinnedEpoch: Number(row['pinned_epoch']),
    renewAt: Number(row['renew_at']),
    joinedAt: text('joined_at'),
  };
}

async function checkFree(
  { name, machine }: Pick<NewNode, 'name' | 'machine'>,
  reading: Reading,
): Promise<void> {
  const cloned = await reading.one('SELECT id, name FROM nodes WHERE machine = $1', [machine]);
  if (cloned) {
    throw new Fault(
      'node_exists',
      `A host with this machine id has joined as '${String(cloned['name'])}' already. If it is the same host, remove that node first ('hactl node remove ${String(cloned['id'])}'); if this one is a clone, give it a machine id of its own (machine-id(5)).`,
    );
  }
  const taken = await reading.one('SELECT id FROM nodes WHERE name = $1', [name]);
  if (taken) {
    throw new Fault(
      'node_exists',
      `Another node has the name '${name}' already. Take another one with 'hactl node join --name', or remove that node first ('hactl node remove ${String(taken['id'])}').`,
    );
  }
  const row = await reading.one('SELECT COUNT(*) AS count FROM nodes');
  if (Number(row?.['count']) < maxNodes) return;
  throw new Fault(
    'node_exists',
    `There are ${maxNodes} nodes, and no further one can join. Remove one first with 'hactl node remove'.`,
  );
}

async function insert(node: NewNode, epoch: number, transaction: Transaction): Promise<void> {
  await transaction.run(
    `INSERT INTO nodes
      (id, name, machine, host, port, interfaces, fingerprint, pinned_epoch, renew_at, joined_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ...[node.id, node.name, node.machine, node.host, node.port],
      JSON.stringify(node.interfaces),
      fingerprintOf(node.certificate),
      epoch,
      renewalOf(node.certificate),
      new Date().toISOString(),
    ],
  );
}
