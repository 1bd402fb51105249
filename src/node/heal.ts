import type { Log } from '../kit/log.ts';
import { canonicalAddress } from '../keepalived/running.ts';
import { isStuck, lacksAddress, leftAddresses, type Observation } from './observation.ts';
import { type NodeState, type OwnedAddress, ownedBy } from './state.ts';

export interface HealerParts {
  state: NodeState;
  /** Whether an order is under way, which would be disturbed. */
  isBusy: () => boolean;
  /** Whether the file of keepalived is as it was ordered. */
  isInPlace: () => Promise<boolean>;
  /** Puts file and process right. */
  converge: () => Promise<unknown>;
  /** Has keepalived read its file again, which puts back lost addresses. */
  reload: () => Promise<boolean>;
  deleteAddress: (device: string, address: string, prefix: number) => Promise<void>;
  log: Log;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/** Puts right by itself what is wrong with keepalived. */
export interface Healer {
  /** Begins with what can be put right, unless it is at it. A start of keepalived may take half a minute. */
  heal(seen: Observation): void;
  /** Returns when it is not at work. */
  ended(): Promise<void>;
  /** What it has put right, one sentence each, for some time. */
  healed(): readonly string[];
}

/** How long something has to be wrong. A transition shows for some milliseconds what looks like it. */
const lackMs = 1500;
const leftMs = 1500;
/** The time between two attempts at the same. */
const retryMs = 15_000;
const shownMs = 60_000;

export function makeHealer(parts: HealerParts): Healer {
  const { state, log, now = () => performance.now() } = parts;
  const since = new Map<string, number>();
  const tried = new Map<string, number>();
  let aliveAt = now();
  let replacedAt: number | undefined;
  let healing: Promise<void> | undefined;

  /** Whether this has been so for at least `ms`, without a break. */
  function lasts(what: string, isSo: boolean, ms: number): boolean {
    if (!isSo) {
      since.delete(what);
      return false;
    }
    const first = since.get(what) ?? now();
    since.set(what, first);
    return now() - first >= ms;
  }

  function mayTry(what: string): boolean {
    if (now() - (tried.get(what) ?? -Infinity) < retryMs) return false;
    tried.set(what, now());
    return true;
  }

  /** @returns whether it did something, so that what was seen before is no longer so */
  async function healFile(): Promise<boolean> {
    if ((await parts.isInPlace()) || !mayTry('file')) return false;
    log.warn({}, 'the configuration of keepalived was replaced; it is put right');
    await parts.converge();
    replacedAt = now();
    return true;
  }

  /** keepalived may run something else, such as a file that somebody has put in its place for a moment. */
  async function healProcess(seen: Observation): Promise<void> {
    const wanted = seen.applied?.wanted.instances ?? [];
    const names = new Set(seen.instances?.map(({ name }) => name));
    const isOther = seen.instances !== undefined && wanted.some(({ name }) => !names.has(name));
    const isGone = wanted.length > 0 && seen.pid === undefined && seen.version !== '';
    if (lasts('other', isOther || isGone, 2 * lackMs) && mayTry('other')) await parts.converge();
  }

  async function healLost(seen: Observation): Promise<void> {
    const isLost = lasts('lost', lacksAddress(seen), lackMs);
    const stuck = lasts('stuck', isStuck(seen), lackMs);
    if ((!isLost && !stuck) || !mayTry('lost')) return;
    log.warn({ isLost, isStuck: stuck }, 'keepalived reads its file again, to set its addresses');
    await parts.reload();
  }

  async function sweep(seen: Observation): Promise<void> {
    if (seen.instances !== undefined) aliveAt = now();
    const isAlive = now() - aliveAt < takeOverMs(seen);
    const left = leftAddresses(seen, state.owned(), isAlive);
    const texts = new Map(left.map((each) => [textOf(each), each]));
    for (const text of since.keys()) {
      if (text.startsWith('left ') && !texts.has(text)) since.delete(text);
    }
    for (const [text, { interface: device, address }] of texts) {
      if (!lasts(text, true, leftMs)) continue;
      const [ip = '', prefix = ''] = canonicalAddress(address).split('/');
      log.warn({ device, address }, 'an address that no instance owns is removed');
      await parts.deleteAddress(device, ip, Number(prefix));
    }
    await forgetOwned(seen);
  }

  /** What is not ordered any more and not there either needs no memory. */
  async function forgetOwned({ applied, interfaces }: Observation): Promise<void> {
    if (parts.isBusy() || applied !== state.current()) return;
    const wanted = new Set(ownedBy(applied?.wanted).map(textOf));
    const remaining = state
      .owned()
      .filter(
        (each) =>
          wanted.has(textOf(each)) ||
          interfaces.get(each.interface)?.addresses.includes(canonicalAddress(each.address)) ===
            true,
      );
    if (remaining.length < state.owned().length) await state.setOwned(remaining);
  }

  async function healAll(seen: Observation): Promise<void> {
    if (seen.applied !== undefined) {
      if (await healFile()) return;
      await healProcess(seen);
      await healLost(seen);
    }
    await sweep(seen);
  }

  return {
    heal(seen) {
      if (healing !== undefined || parts.isBusy()) return;
      // An order has ended since, and what was seen before it says nothing of what it set.
      if (seen.applied !== state.current()) return;
      healing = healAll(seen)
        .catch((error: unknown) => {
          log.warn({ error: String(error) }, 'keepalived could not be put right');
        })
        .finally(() => {
          healing = undefined;
        });
    },
    async ended() {
      await healing;
    },
    healed: () =>
      replacedAt !== undefined && now() - replacedAt < shownMs
        ? [
            'The configuration of keepalived was replaced by somebody on this node, and was put right again.',
          ]
        : [],
  };
}

function textOf({ interface: device, address }: OwnedAddress): string {
  return `left ${device} ${address}`;
}

/** After that the peers of a silent keepalived have taken over. */
function takeOverMs({ applied }: Observation): number {
  const intervals = (applied?.wanted.instances ?? []).map(({ interval }) => interval);
  return 2000 + 4000 * Math.max(0.75, ...intervals);
}
