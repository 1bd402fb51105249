import type { Exchange } from '../lab/amphora/driver.ts';

/** An answer without what differs between any two hosts. */
export interface Seen {
  status: number;
  /** Without its parameters. */
  type: string;
  etag: string;
  /** The methods of a 405. */
  allow: string;
  /** JSON, or a text. */
  body: unknown;
}

/** The same request to both agents. */
export interface Exchanged {
  /** When it was sent, such as a step of the driver. */
  moment: string;
  method: string;
  path: string;
  real: Seen;
  ours: Seen;
}

/** What a host calls its own, and the words that stand for it in both hosts' answers. */
export type OwnNames = readonly (readonly [own: string, word: string])[];

/** Quantities of the host itself: only whether they are numbers or texts is compared. */
const quantities = ['cpu', 'memory', 'disk', 'load', 'networks'];

/** An exchange with the answers of one host, in the order in which they came. */
export interface Recorded {
  moment: string;
  exchange: Exchange;
}

/**
 * Pairs what both agents were asked.
 * @throws {Error} if they were not asked for the same
 */
export function pairsOf(
  real: readonly Recorded[],
  ours: readonly Recorded[],
  namesOf: { real: OwnNames; ours: OwnNames },
): Exchanged[] {
  const keysOf = (all: readonly Recorded[], names: OwnNames) =>
    all.map(({ moment, exchange }) => [moment, exchange.method, anonymous(exchange.path, names)]);
  const asked = { real: keysOf(real, namesOf.real), ours: keysOf(ours, namesOf.ours) };
  return Array.from({ length: Math.max(real.length, ours.length) }, (_, index) => {
    const [one, other] = [real[index], ours[index]];
    const [key, otherKey] = [asked.real[index]?.join(' '), asked.ours[index]?.join(' ')];
    if (one === undefined || other === undefined || key !== otherKey) {
      throw new Error(
        `The agents were not asked for the same: ${key ?? 'nothing'}, and ours ${otherKey ?? 'nothing'}.`,
      );
    }
    // A file may name both hosts, and then neither name stands for the host that sends it.
    const isSame = one.exchange.body === other.exchange.body;
    return {
      moment: one.moment,
      method: one.exchange.method,
      path: anonymous(one.exchange.path, namesOf.real),
      real: seenIn(one.exchange, isSame ? [] : namesOf.real),
      ours: seenIn(other.exchange, isSame ? [] : namesOf.ours),
    };
  });
}

function seenIn(exchange: Exchange, names: OwnNames): Seen {
  const { status = 0, type = '', etag, allow, body = '', failure } = exchange;
  const media = type.split(';')[0] ?? '';
  const text = anonymous(failure ?? body, names);
  return {
    status,
    type: media,
    etag: etag === exchange.sent_md5 ? 'the MD5 of what was sent' : (etag ?? ''),
    allow: allow ?? '',
    body: media === 'application/json' ? comparable(jsonOf(text)) : text,
  };
}

const anonymous = (text: string, names: OwnNames): string =>
  names.reduce((replaced, [own, word]) => replaced.replaceAll(own, word), text);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Without quantities, and with lists of listeners in one order: theirs has no meaning. */
function comparable(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  if (Array.isArray(body)) {
    const uuidOf = (each: unknown) => (each as { uuid?: string }).uuid ?? '';
    return body.toSorted((a, b) => uuidOf(a).localeCompare(uuidOf(b)));
  }
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key,
      quantities.includes(key) ? kindsIn(value) : (value as unknown),
    ]),
  );
}

function kindsIn(value: unknown): unknown {
  if (typeof value === 'number') return 'a number';
  if (typeof value === 'string' && /^[\d.]+$/.test(value)) return 'digits';
  if (Array.isArray(value)) return value.map(kindsIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, kindsIn(each)]));
}
