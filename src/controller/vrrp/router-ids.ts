import { Fault } from '../../kit/fault.ts';
import type { Row, Transaction } from '../store/store.ts';
import type { VrrpInstance } from './instances.ts';
import type { Owner } from './rows.ts';

/** An owner that needs a number. All of its instances have the same one. */
export interface RouterIdRequest {
  owner: Owner;
  segment: string;
  families: readonly VrrpInstance['family'][];
  /** Where its instances will be. keepalived refuses two instances with one number on one interface. */
  interfaces: readonly { node: number; interface: string }[];
  /** The only number that is accepted. */
  wanted?: number | undefined;
  /** The number that it has, which stays if nothing speaks against it. */
  present?: number | undefined;
  /** The numbers that other routers use in the segment, by the reports of nodes. */
  onTheWire: ReadonlySet<number>;
  /** Where the search begins, see searchFrom. */
  from: number;
  /** Milliseconds since 1970. */
  now: number;
}

/** A number that was freed may still be in use on a node that cannot be reached. */
const restMs = 10 * 60 * 1000;
const maxRouterId = 255;
/** It has no common divisor with 255, so each restore begins elsewhere. */
const stepOfEpochs = 97;

/**
 * Where the search for a number begins: at 1. A restored store does not know the numbers that were given out since its
 * backup, which were the smallest ones. So until all nodes are known to run what it says, it begins far from these.
 * @param epoch of the store; each restore raises it
 * @param isSettled whether all nodes are known to run what the store says
 */
export function searchFrom(epoch: number, isSettled: boolean): number {
  return isSettled ? 1 : 1 + (((epoch - 1) * stepOfEpochs) % maxRouterId);
}

/**
 * Finds a number for the instances of an owner: the first that is free in the segment. The unique key of the rows
 * makes sure that nobody gets it twice.
 * Faults: `router_id_taken`, `router_ids_exhausted`
 */
export async function takeRouterId(
  transaction: Transaction,
  request: RouterIdRequest,
): Promise<number> {
  const { segment, wanted, present, onTheWire } = request;
  const used = await usedIn(transaction, request);
  // Peers of the owner that do not know each other yet see its own number on the wire.
  if (present !== undefined && !used.has(present) && (wanted ?? present) === present)
    return present;
  const resting = await restingIn(transaction, request);
  const isFree = (id: number) => !used.has(id) && !resting.has(id) && !onTheWire.has(id);
  if (wanted !== undefined) {
    if (isFree(wanted)) return wanted;
    throw new Fault(
      'router_id_taken',
      `Router id ${wanted} ${whyTaken(wanted, { used, onTheWire })} in the segment ${segment}. Leave it out, and a free one is taken.`,
    );
  }
  for (let tried = 0; tried < maxRouterId; tried += 1) {
    const id = 1 + ((request.from - 1 + tried) % maxRouterId);
    if (isFree(id)) return id;
  }
  throw new Fault(
    'router_ids_exhausted',
    `All ${maxRouterId} router ids of the segment ${segment} are in use. Remove an instance there, or use interfaces in another segment. A freed number rests for 10 minutes.`,
  );
}

function whyTaken(
  id: number,
  { used, onTheWire }: { used: ReadonlySet<number>; onTheWire: ReadonlySet<number> },
): string {
  if (used.has(id)) return 'is taken';
  return onTheWire.has(id) ? 'is used by another router' : 'was freed less than 10 minutes ago';
}

/** The numbers of other owners in the segment, and on the interfaces wherever else these belong. */
async function usedIn(
  transaction: Transaction,
  { owner, segment, families, interfaces }: RouterIdRequest,
): Promise<Set<number>> {
  const others = 'NOT (i.owner_family = $1 AND i.owner_id = $2)';
  const found: Row[] = [];
  for (const family of families) {
    const own = [owner.family, owner.id, family];
    found.push(
      ...(await transaction.all(
        `SELECT i.router_id FROM vrrp_instances i WHERE ${others} AND i.family = $3 AND i.segment = $4`,
        [...own, segment],
      )),
    );
    for (const { node, interface: device } of interfaces) {
      found.push(
        ...(await transaction.all(
          `SELECT i.router_id FROM vrrp_instances i JOIN vrrp_peers p ON p.instance = i.name
           WHERE ${others} AND i.family = $3 AND p.node = $4 AND p.interface = $5`,
          [...own, node, device],
        )),
      );
    }
  }
  return idsIn(found);
}

async function restingIn(
  transaction: Transaction,
  { segment, families, now }: RouterIdRequest,
): Promise<Set<number>> {
  // A clock that was set back must not make a number rest for years.
  await transaction.run(
    'DELETE FROM vrrp_freed_router_ids WHERE freed_at <= $1 OR freed_at >= $2',
    [now - restMs, now + restMs],
  );
  const rows = await transaction.all(
    'SELECT router_id, family FROM vrrp_freed_router_ids WHERE segment = $1',
    [segment],
  );
  return idsIn(rows.filter(({ family }) => families.some((each) => each === family)));
}

function idsIn(rows: readonly Row[]): Set<number> {
  return new Set(rows.map((row) => Number(row['router_id'])));
}
