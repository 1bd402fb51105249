import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { Store, Transaction } from '../store/store.ts';
import type { OwnLinks } from './links.ts';
import type { NodeUse } from './nodes.ts';
import type { Registrations } from './registry.ts';

export interface RemovalParts {
  store: Store;
  registrations: Registrations;
  links: OwnLinks;
  /** What the families use. */
  uses: readonly NodeUse[];
  log: Log;
}

/**
 * Takes a node out: first what it runs for us is stopped, then its certificate is revoked.
 * @param options.isLost a node that is gone for good is not asked to stop anything
 * @returns a function. Faults: `controller_node_not_found`, `node_in_use`, `node_unreachable`, `node_refused`, those of Store
 */
export function makeRemoval({
  store,
  registrations,
  links,
  uses,
  log,
}: RemovalParts): (id: number, options: { isLost: boolean }) => Promise<void> {
  return async (id, { isLost }) => {
    const node = await registrations.demand(id);
    await store.write((transaction) => refuseIfUsed(uses, id, node.name, transaction));
    if (!isLost) {
      await links.leave(id).catch((error: unknown) => {
        throw isUnreachable(error) ? stillThere(node.name, error) : error;
      });
    }
    await store.write(async (transaction) => {
      // A family may have begun to use it meanwhile.
      await refuseIfUsed(uses, id, node.name, transaction);
      for (const each of uses) await each.forget?.(id, transaction);
      await registrations.remove(id, transaction);
    });
    log.info({ node: node.name, isLost }, 'the node was removed');
    await links.refresh();
  };
}

/** Faults: `node_in_use` */
async function refuseIfUsed(
  uses: readonly NodeUse[],
  id: number,
  name: string,
  transaction: Transaction,
): Promise<void> {
  const found: string[] = [];
  for (const each of uses) found.push(...(await each.uses(id, transaction)));
  if (found.length === 0) return;
  const more = found.length > 5 ? ` and ${found.length - 5} more` : '';
  throw new Fault(
    'node_in_use',
    `Node '${name}' is still used: ${found.slice(0, 5).join(' ')}${more} Take it out there first, then try again.`,
  );
}

function isUnreachable(error: unknown): error is Fault {
  return error instanceof Fault && error.code === 'node_unreachable';
}

function stillThere(name: string, { message }: Fault): Fault {
  return new Fault(
    'node_unreachable',
    `Node '${name}' cannot be emptied, so it was not removed. ${message} If the host is gone for good, remove it with 'hactl node remove --lost'.`,
  );
}
