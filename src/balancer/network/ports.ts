import type { Reading, Row, Store } from '../../controller/store/store.ts';
import type { BalancerDomain, NewVip, Scope } from '../domain.ts';
import type { Port } from '../grounds.ts';
import { textIn, textOrNull, timeText } from '../rows/objects.ts';
import { invalid, notFound, taken } from '../sentences.ts';
import { type Booking, bookPort, canonical, claimPort } from './booking.ts';
import type { FreeAddresses } from './free-addresses.ts';
import type { Networks } from './networks.ts';

export function makePorts({
  store,
  networks,
  clock,
  freeAddresses,
  ownedAddresses,
}: {
  store: Store;
  networks: Networks;
  clock: () => number;
  freeAddresses: FreeAddresses;
  /** The addresses of nodes themselves. */
  ownedAddresses: () => Promise<ReadonlySet<string>>;
}): BalancerDomain['ports'] {
  return {
    async list({ tenant }) {
      const rows = await store.all('SELECT * FROM balancer_ports ORDER BY created_ms, id');
      return rows.map(portOf).filter(({ project }) => tenant === undefined || project === tenant);
    },
    get: async (scope, id) => portOf(await findPort(store, scope, id)),
    async create({ tenant }, { id, project = tenant, ...wish }) {
      if (project === undefined)
        throw invalid('Validation failure: Missing project ID in request where one is required.');
      if (tenant !== undefined && project !== tenant)
        throw invalid(
          `Validation failure: This token is bound to the project ${tenant}, and makes nothing in another one.`,
        );
      const owned = await ownedAddresses();
      const write = (booking: Booking) =>
        store.write(async (transaction) => {
          const present =
            id === undefined
              ? undefined
              : await transaction.one('SELECT * FROM balancer_ports WHERE id = $1', [
                  id.toLowerCase(),
                ]);
          if (present) return repeated(portOf(present), { ...wish, project });
          const booked = await bookPort(transaction, networks, wish, { booking, tenant });
          const port = { ...booked, id: id?.toLowerCase() ?? booked.id, isLasting: true };
          await claimPort(transaction, port, { owner: null, project, now: clock() });
          return portOf(await findPort(transaction, { tenant: undefined }, port.id));
        });
      return freeAddresses.book(wish, owned, write);
    },
    async remove(scope, id) {
      await store.write(async (transaction) => {
        const { owner, ...port } = portOf(await findPort(transaction, scope, id));
        if (owner !== null)
          throw taken(`Port ${id} is in use by the load balancer ${owner}. Delete that first.`);
        await transaction.run('DELETE FROM balancer_ports WHERE id = $1', [port.id]);
      });
    },
  };
}

/** Faults: `balancer_conflict` if the port is another one */
function repeated(port: Port, wish: Omit<NewVip, 'port'> & { project: string }): Port {
  const isSame =
    port.project === wish.project &&
    (wish.network ?? port.network) === port.network &&
    (wish.subnet ?? port.subnet) === port.subnet &&
    canonical(wish.address ?? port.address) === port.address;
  if (!isSame) throw taken('Already an entity with that specified id.');
  return port;
}

async function findPort(reading: Reading, { tenant }: Scope, id: string): Promise<Row> {
  const row = await reading.one('SELECT * FROM balancer_ports WHERE id = $1', [id.toLowerCase()]);
  if (row === undefined || (tenant !== undefined && row['project'] !== tenant))
    throw notFound('Port', id);
  return row;
}

function portOf(row: Row): Port {
  return {
    id: textIn(row, 'id'),
    network: textIn(row, 'network'),
    subnet: textIn(row, 'subnet'),
    address: textIn(row, 'address'),
    owner: textOrNull(row, 'owner'),
    project: textIn(row, 'project'),
    createdAt: timeText(Number(row['created_ms'])),
  };
}
