import { digestOf } from '../keepalived/digest.ts';
import { usualRefreshSeconds } from '../keepalived/render.ts';
import type { Orders } from '../keepalived/report.ts';
import { checkedBy, readWanted } from '../keepalived/wanted-schema.ts';
import { makeSerializer } from '../kit/concurrency/serialize.ts';
import { Fault } from '../kit/fault.ts';
import type { Log } from '../kit/log.ts';
import type { Loader } from './apply.ts';
import type { OrderRequest } from './node.ts';
import {
  type Applied,
  type NodeState,
  ordersSchema,
  type OwnedAddress,
  ownedBy,
  watchSchema,
} from './state.ts';
import type { WantedKeepalived } from '../keepalived/wanted.ts';

export interface OrderParts {
  state: NodeState;
  loader: Loader;
  /**
   * Refuses if something else on this host is in the way.
   * Faults: `node_keepalived_configured`, `node_configuration_refused`
   */
  refuseOthers: (wanted: WantedKeepalived) => Promise<void>;
  /** Opens and closes the ways to the peers. It fails for nobody: what is wrong is a trouble of the report. */
  prepare: (applied: Applied) => Promise<void>;
  /** Called after each change of what runs. */
  onChange: () => void;
  log: Log;
}

/** Orders of a controller, carried out one after another. */
export interface OrderTaker {
  order(request: OrderRequest): Promise<Orders>;
  leave(orders: unknown): Promise<void>;
  adopt(): Promise<string | null>;
  /**
   * Finishes what a former process began, and puts right what differs.
   * Faults: `no_space`, `keepalived_config_refused` if keepalived no longer takes the file, those of Run
   */
  converge(): Promise<readonly string[]>;
  /** Whether an order is under way. */
  isBusy(): boolean;
}

/**
 * INVARIANTS
 * - keepalived only ever reads files that it has accepted in a test.
 * - What is pending is on the disk before its file takes its place. So after a kill at any point either the former file
 *   is there, or the new one, and `converge` goes on to the end.
 */
export function makeOrderTaker(parts: OrderParts): OrderTaker {
  const { state, loader, log } = parts;
  const oneByOne = makeSerializer();
  let running = 0;

  async function carryOut(next: Applied): Promise<void> {
    const former = state.current();
    await loader.test(next).catch((error: unknown) => {
      throw asRefused(error);
    });
    await state.setOwned(withAddressesOf(state.owned(), next.wanted));
    await state.begin(next);
    await finish(next, former);
  }

  /** Faults: `node_not_applied` when keepalived runs the former configuration again, those of Run */
  async function finish(next: Applied, former: Applied | undefined): Promise<void> {
    await parts.prepare(next);
    let failure: unknown;
    const different = await loader.load(next).catch((error: unknown) => {
      failure = error;
      return [messageOf(error)];
    });
    if (different.length === 0) {
      await state.accept();
      parts.onChange();
      return;
    }
    const { revision } = next.orders;
    const error = failure instanceof Error ? failure.message : undefined;
    log.warn({ revision, different, error }, 'keepalived does not run the order');
    const after = await goBack(former);
    throw isOfDisk(failure) ? failure : notApplied(different, after);
  }

  /** @returns what keepalived does then, as the end of a sentence */
  async function goBack(former: Applied | undefined): Promise<string> {
    let after = 'is stopped, because it ran nothing before';
    if (former === undefined) await loader.clear();
    else {
      await parts.prepare(former);
      const different = await loader.load(former);
      if (different.length > 0) log.error({ different }, 'keepalived did not go back');
      after = different.length > 0 ? 'did not go back either' : 'runs the former one again';
    }
    await state.giveUp();
    parts.onChange();
    return after;
  }

  /** Its file was tested before, perhaps by another version of keepalived or of this program. */
  async function finishPending(pending: Applied, former: Applied | undefined): Promise<void> {
    try {
      await loader.test(pending);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'keepalived_config_refused') throw error;
      log.warn({ error: error.message }, 'keepalived does not take a file that was pending');
      await goBack(former);
      return;
    }
    await finish(pending, former).catch((error: unknown) => {
      if (!(error instanceof Fault) || error.code !== 'node_not_applied') throw error;
    });
  }

  /** @returns a short text for each difference of what keepalived runs in the end */
  async function converge(): Promise<readonly string[]> {
    const pending = state.pending();
    if (pending !== undefined) {
      await finishPending(pending, state.current());
      return [];
    }
    const current = state.current();
    if (current === undefined) return [];
    await parts.prepare(current);
    const isInPlace = await loader.isInPlace(current);
    if (isInPlace && (await loader.differences(current))?.length === 0) return [];
    // Another version of this program may render another text.
    if (!isInPlace) await loader.test(current);
    const different = await loader.load(current);
    if (different.length > 0) log.error({ different }, 'keepalived does not run what was ordered');
    parts.onChange();
    return different;
  }

  async function order(request: OrderRequest): Promise<Orders> {
    const orders = checkedBy(ordersSchema, request.orders, 'orders');
    const wanted = readWanted(request.wanted);
    const watch = checkedBy(watchSchema, request.watch, 'watch');
    if (state.pending() !== undefined) await converge();
    const current = state.current();
    if (current?.isReleased !== true) refuseWrong(orders, current?.orders);
    if (digestOf(wanted) !== orders.digest) throw otherDigest();
    const isSame = current !== undefined && current.orders.digest === orders.digest;
    if (isSame) {
      const { wanted: same, refreshSeconds } = current;
      const applied = { orders, wanted: same, watch, refreshSeconds };
      if (JSON.stringify(applied) !== JSON.stringify(current)) await state.renumber(applied);
      const different = await converge().catch((error: unknown) => {
        throw asRefused(error);
      });
      parts.onChange();
      if (different.length > 0) throw notApplied(different, 'nothing else was tried');
      return orders;
    }
    await parts.refuseOthers(wanted);
    const refreshSeconds = nextRefresh(current?.refreshSeconds);
    await carryOut({ orders, wanted, watch, refreshSeconds });
    return orders;
  }

  const serialized = <T>(work: () => Promise<T>) => {
    running += 1;
    return oneByOne(work).finally(() => {
      running -= 1;
    });
  };

  return {
    order: (request) => serialized(() => order(request)),
    converge: () => serialized(converge),
    isBusy: () => running > 0,
    adopt: () =>
      serialized(async () => {
        const current = state.current();
        if (current === undefined) return null;
        await state.renumber({ ...current, isReleased: true });
        return current.orders.store;
      }),
    leave: (given) =>
      serialized(async () => {
        const orders = checkedBy(ordersSchema, given, 'orders');
        const current = state.current()?.orders;
        const isReleased = state.current()?.isReleased === true;
        if (current && !isReleased && current.store !== orders.store) throw foreign(current.store);
        if (current && !isReleased && orders.epoch < current.epoch) throw stale(current);
        await loader.clear();
        await state.forget();
        parts.onChange();
      }),
  };
}

/** Faults: `node_orders_foreign`, `node_orders_stale` */
function refuseWrong(orders: Orders, current: Orders | undefined): void {
  if (current === undefined) return;
  if (orders.store !== current.store) throw foreign(current.store);
  const isBefore =
    orders.epoch < current.epoch ||
    (orders.epoch === current.epoch && orders.revision < current.revision);
  const isTwice =
    orders.epoch === current.epoch &&
    orders.revision === current.revision &&
    orders.digest !== current.digest;
  if (isBefore || isTwice) throw stale(current);
}

function foreign(store: string): Fault {
  return new Fault(
    'node_orders_foreign',
    `This node runs the orders of the store ${store}. If another controller has taken its place for good, run 'hactl node adopt' on this node.`,
  );
}

function stale({ epoch, revision }: Orders): Fault {
  return new Fault(
    'node_orders_stale',
    `This node runs later orders: revision ${revision} of epoch ${epoch}. If the store was restored from a backup, raise its epoch by 'hactl controller restore'.`,
  );
}

function otherDigest(): Fault {
  return new Fault(
    'node_configuration_refused',
    'The digest is not that of the configuration, so it changed on its way. Send it again.',
  );
}

/** @param after what keepalived does now */
function notApplied(different: readonly string[], after: string): Fault {
  return new Fault(
    'node_not_applied',
    `keepalived did not run the configuration (${different.slice(0, 5).join('; ')}), and ${after}. 'journalctl --unit ha-keepalived' on the node shows why.`,
  );
}

function asRefused(error: unknown): unknown {
  if (!(error instanceof Fault) || error.code !== 'keepalived_config_refused') return error;
  return new Fault('node_configuration_refused', error.message);
}

function isOfDisk(error: unknown): error is Fault {
  return error instanceof Fault && error.code === 'no_space';
}

function messageOf(error: unknown): string {
  return error instanceof Fault ? error.message : 'it failed';
}

/** Another number than before, by which keepalived shows that it runs the new file. */
function nextRefresh(former: number | undefined): number {
  return former === undefined || former >= 2 * usualRefreshSeconds - 1
    ? usualRefreshSeconds
    : former + 1;
}

function withAddressesOf(owned: readonly OwnedAddress[], wanted: WantedKeepalived): OwnedAddress[] {
  const all = [...owned, ...ownedBy(wanted)];
  return [...new Map(all.map((each) => [`${each.interface} ${each.address}`, each])).values()];
}
