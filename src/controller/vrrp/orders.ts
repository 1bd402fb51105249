import type { Orders } from '../../keepalived/report.ts';
import type { Row, Store } from '../store/store.ts';

/** The orders of one node as the store has them. */
export interface StoredOrders {
  orders: Orders;
  /** The epoch in which this node was last found to run what the store says, or was made to. */
  confirmedEpoch: number;
}

/** The numbers of what was ordered of each node. */
export interface OrderBook {
  find(node: number): Promise<StoredOrders | undefined>;
  all(): Promise<ReadonlyMap<number, StoredOrders>>;
  /**
   * The latest revision that a node may run by this store. A host that was removed as lost and joins again has no orders
   * yet, and may run any revision that was given out.
   */
  latest(node: number): Promise<{ revision: number; digest: string | undefined }>;
  /**
   * Gives a configuration its orders. All nodes share one count of revisions. The revision of a node grows only if the digest differs from the last one.
   * Faults: those of Store
   */
  number(node: number, digest: string): Promise<StoredOrders>;
  /** Says that the node may be made to run what this store says. */
  confirm(node: number): Promise<void>;
}

const columns = 'node, revision, digest, confirmed_epoch';

export function makeOrderBook(store: Store): OrderBook {
  const { identity } = store;

  function read(row: Row): StoredOrders {
    return {
      orders: {
        store: identity.id,
        epoch: identity.epoch,
        revision: Number(row['revision']),
        digest: String(row['digest']),
      },
      confirmedEpoch: Number(row['confirmed_epoch']),
    };
  }

  async function find(node: number): Promise<StoredOrders | undefined> {
    const row = await store.one(`SELECT ${columns} FROM vrrp_orders WHERE node = $1`, [node]);
    return row && read(row);
  }

  return {
    find,

    async all() {
      const rows = await store.all(`SELECT ${columns} FROM vrrp_orders`);
      return new Map(rows.map((row) => [Number(row['node']), read(row)]));
    },

    async latest(node) {
      const known = await find(node);
      if (known) return known.orders;
      const row = await store.one('SELECT MAX(revision) AS revision FROM vrrp_orders');
      return { revision: Number(row?.['revision'] ?? 0), digest: undefined };
    },

    async number(node, digest) {
      const known = await find(node);
      if (known?.orders.digest === digest) return known;
      const revision = await store.write(async (transaction) => {
        const next = await transaction.nextNumber('vrrp-orders');
        // A restored store may lack the orders of a node that runs something, so nothing is confirmed yet.
        await transaction.run(
          `INSERT INTO vrrp_orders (${columns}) VALUES ($1, $2, $3, $4)
           ON CONFLICT (node) DO UPDATE SET revision = excluded.revision, digest = excluded.digest`,
          [node, next, digest, known?.confirmedEpoch ?? 0],
        );
        return next;
      });
      return {
        orders: { store: identity.id, epoch: identity.epoch, revision, digest },
        confirmedEpoch: known?.confirmedEpoch ?? 0,
      };
    },

    async confirm(node) {
      await store.write(async (transaction) => {
        await transaction.run('UPDATE vrrp_orders SET confirmed_epoch = $1 WHERE node = $2', [
          identity.epoch,
          node,
        ]);
      });
    },
  };
}
