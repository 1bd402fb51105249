import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { namesIn } from '../../kit/files/files.ts';

/** The max numbers of stored answers. */
export interface AnswerLimits {
  perCaller: number;
  inAll: number;
}

/** A request that was carried out or begun. */
export interface Known<A> {
  name: string;
  caller: string;
  at: number;
  /** The answer, if the disk did not accept it. */
  answer?: A;
}

/** `TIME-CALLER-KEY.answer`: the time of the request in milliseconds, and digests of the other two. */
const fileName = /^(\d{13,})-([0-9a-f]{32})-([0-9a-f]{32})\.answer$/;

/** The stored answers, in the order of their requests. */
export class AnswerIndex<A> {
  readonly #known = new Map<string, Known<A>>();
  readonly #perCaller = new Map<string, Set<string>>();

  get(id: string): Known<A> | undefined {
    return this.#known.get(id);
  }

  add(id: string, known: Known<A>): void {
    this.#known.set(id, known);
    const own = this.#perCaller.get(known.caller) ?? new Set();
    this.#perCaller.set(known.caller, own.add(id));
  }

  remove(id: string): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    this.#known.delete(id);
    const own = this.#perCaller.get(known.caller);
    own?.delete(id);
    if (own?.size === 0) this.#perCaller.delete(known.caller);
  }

  /** Returns the answers from before that time. */
  older(time: number): string[] {
    const ids: string[] = [];
    for (const [id, { at }] of this.#known) {
      if (at >= time) break;
      ids.push(id);
    }
    return ids;
  }

  /** Returns the answers to remove before one more of this caller is added. */
  surplus(
    caller: string,
    { perCaller, inAll }: AnswerLimits,
    isUnderWay: (id: string) => boolean,
  ): string[] {
    const own = this.#perCaller.get(caller) ?? new Set<string>();
    if (own.size >= perCaller) return oldestOf(own, isUnderWay);
    if (this.#known.size < inAll) return [];
    const largest = [...this.#perCaller.values()].reduce((a, b) => (b.size > a.size ? b : a), own);
    return oldestOf(largest, isUnderWay);
  }

  limitUnstored(limit: number): void {
    const unstored = [...this.#known.values()].filter(({ answer }) => answer !== undefined);
    for (const known of unstored.slice(0, -limit)) delete known.answer;
  }
}

function oldestOf(ids: ReadonlySet<string>, isUnderWay: (id: string) => boolean): string[] {
  for (const id of ids) if (!isUnderWay(id)) return [id];
  return [];
}

/** Lists the answers in a folder, and removes what does not belong there. */
export async function readIndex<A>(folder: string): Promise<AnswerIndex<A>> {
  const index = new AnswerIndex<A>();
  // Names begin with the time, so this is the order of the requests.
  for (const name of (await namesIn(folder)).sort()) {
    const [, at, caller, key] = fileName.exec(name) ?? [];
    const id = `${caller ?? ''}-${key ?? ''}`;
    // A foreign file, or an answer that could not be removed while the disk was read-only.
    const surplus = at === undefined ? name : index.get(id)?.name;
    if (surplus !== undefined)
      await rm(join(folder, surplus), { force: true }).catch(() => undefined);
    if (at === undefined || caller === undefined) continue;
    index.remove(id);
    index.add(id, { name, caller, at: Number(at) });
  }
  return index;
}
