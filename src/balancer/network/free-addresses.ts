import type { Store } from '../../controller/store/store.ts';
import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import type { NewVip } from '../domain.ts';
import { taken } from '../sentences.ts';
import type { Networks } from './networks.ts';
import { addressFor, type Booking } from './booking.ts';
import type { Prober } from './probing.ts';

export interface FreeAddressParts {
  store: Store;
  networks: Networks;
  prober: Prober;
}

/** Gives out addresses that no foreign host has. */
export interface FreeAddresses {
  /**
   * Does work that books the address of a wish, after hosts of its network were asked for that address. The work gets what
   * to book by; it is done again if another request was faster.
   * @param owned addresses of nodes themselves
   * Faults: `balancer_conflict` if a host has the wanted address, or all that were tried; those of the work
   */
  book<T>(
    vip: NewVip,
    owned: ReadonlySet<string>,
    work: (booking: Booking) => Promise<T>,
  ): Promise<T>;
}

/** After so many addresses that somebody else has, a pool is wrong. */
const maxTries = 16;
/** Milliseconds for which requests without a wish pass over an address that a foreign host had. */
const rememberMs = 60_000;
const maxRemembered = 1000;

/** Thrown by a booking of another address than the one that was asked for. */
class NotAsked extends Error {
  override readonly name = 'NotAsked';
}

/**
 * INVARIANTS
 * - The store is not locked while hosts are asked.
 * - Two requests at once do not ask for one address that nobody has wished for.
 */
export function makeFreeAddresses({ store, networks, prober }: FreeAddressParts): FreeAddresses {
  /** By network and address: what requests under way are about to take. */
  const reserved = new Set<string>();
  /** By network and address: when a foreign host was found to have it. */
  const foreign = new Map<string, number>();
  const oneByOne = makeSerializer();

  function isForeign(key: string): boolean {
    const found = foreign.get(key);
    return found !== undefined && performance.now() - found < rememberMs;
  }

  function remember(key: string): void {
    foreign.delete(key);
    foreign.set(key, performance.now());
    const [oldest] = foreign.keys();
    if (foreign.size > maxRemembered && oldest !== undefined) foreign.delete(oldest);
  }

  const keyOf = (network: string, address: string) => `${network} ${address}`;

  /** The address that the store would give now; undefined if it would refuse, which the work itself has to say. */
  async function candidate(vip: NewVip, booking: Booking) {
    try {
      return await addressFor(store, networks, vip, booking);
    } catch (error) {
      if (error instanceof Fault && error.code.startsWith('balancer_')) return undefined;
      throw error;
    }
  }

  return {
    async book(vip, owned, work) {
      const used = new Set<string>();
      let own: string | undefined;
      const isFree = (network: string, address: string) => {
        const key = keyOf(network, address);
        if (owned.has(address) || used.has(address)) return false;
        // The transaction decides between two requests for one address. A wanted address is asked for again.
        if (vip.address !== undefined || key === own) return true;
        return !reserved.has(key) && !isForeign(key);
      };
      const reserve = () =>
        oneByOne(async () => {
          const found = await candidate(vip, { isFree });
          own = found && keyOf(found.network, found.address);
          if (own !== undefined) reserved.add(own);
          return found;
        });
      for (let tries = 0; tries < maxTries; tries += 1) {
        const found = await reserve();
        if (found === undefined) return work({ isFree });
        try {
          const user = await prober.userOf(found.network, found.address);
          if (user === undefined) return await work({ isFree, demand: demandSame(found.address) });
          remember(keyOf(found.network, found.address));
          if (vip.address !== undefined) throw inUse(found, user);
          used.add(found.address);
        } catch (error) {
          if (!(error instanceof NotAsked)) throw error;
        } finally {
          if (own !== undefined) reserved.delete(own);
        }
      }
      throw taken(
        `${maxTries} addresses in a row are already in use by hosts that this controller does not know, such as ${[...used][0] ?? 'none'}. Give the subnet a pool of its own in the configuration.`,
      );
    },
  };
}

/** Between the question and the transaction another address may have become the first free one. */
function demandSame(asked: string): (address: string) => void {
  return (address) => {
    if (address !== asked) throw new NotAsked();
  };
}

function inUse({ network, address }: { network: string; address: string }, by: string): Fault {
  return taken(
    `The address ${address} is already in use in the network ${network}, by the host with the link-layer address ${by}. Choose another one, or leave it out.`,
  );
}
