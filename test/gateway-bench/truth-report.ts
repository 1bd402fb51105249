import { percentile } from '../bench/timing.ts';
import { acts } from './acts.ts';
import type { ActResult } from './one-act.ts';
import type { PostResult } from './posts.ts';
import type { Report } from './takeover-report.ts';

export type TruthResult = ActResult | PostResult;

/** What happened while the machine stood still for longer than this does not count. */
export const maxLateMs = 100;

/** From the last word of a host to the one that it is not known, and the time between two looks at the API. */
const unknownBarMs = 15_000 + 200;

export function truthReport(title: string, all: readonly TruthResult[]): Report {
  const good = all.filter(({ lateMs }) => lateMs <= maxLateMs);
  const found = good.filter((each) => each.kind === 'act');
  const posts = good.filter((each) => each.kind === 'post');
  const rows = [
    ...delayRows(
      'a host in reach: time until the API says what is so',
      found.flatMap((each) => each.delays),
    ),
    ...delayRows(
      'a host that is in reach again',
      found.flatMap((each) => each.back),
    ),
    ...awayRows(found),
    ...postRows(posts),
    problemRow(found),
  ];
  const lines = rows.map(
    ({ what, measured, bar, isHeld }) =>
      `| ${what} | ${measured} | ${bar && `${bar}: ${isHeld ? 'held' : 'MISSED'}`} |`,
  );
  const counts = acts.map(({ name, title: text }) => {
    const count = found.filter(({ act }) => act === name).length;
    return `${count} × ${text}`;
  });
  return {
    text: [
      `| ${title} | Measured | Bar |`,
      '|---|---|---|',
      `| transitions | ${found.length}: ${counts.join(', ')} |  |`,
      ...lines,
      `| left out, because the witness was late by more than ${maxLateMs} ms | ${all.length - good.length} |  |`,
    ].join('\n'),
    areHeld: rows.every(({ isHeld }) => isHeld),
  };
}

interface Row {
  what: string;
  measured: string;
  bar: string;
  isHeld: boolean;
}

function delayRows(what: string, delays: readonly number[]): Row[] {
  if (delays.length === 0) return [];
  const [middle, high, worst] = [percentile(delays, 0.5), percentile(delays, 0.95), max(delays)];
  return [
    {
      what: `${what} (p50, p95, worst of ${delays.length} changes)`,
      measured: `${text(middle)}, ${text(high)}, ${text(worst)}`,
      bar: 'p95 1 s, worst 2 s',
      isHeld: high <= 1000 && worst <= 2000,
    },
  ];
}

function awayRows(found: readonly ActResult[]): Row[] {
  const away = found.flatMap((each) => (each.away ? [each.away] : []));
  if (away.length === 0) return [];
  const known = max(away.map(({ knownMs }) => knownMs));
  const two = max(away.map(({ twoMasters }) => twoMasters));
  const long = away.filter(({ ms }) => ms > unknownBarMs).length;
  return [
    {
      what: 'a host out of reach is still said to be something: worst',
      measured: `${text(known)} (${away.length} hosts, ${long} of them away for longer than 15 s)`,
      bar: '15 s and one look',
      isHeld: known <= unknownBarMs,
    },
    {
      what: 'a host out of reach is said to be MASTER besides another one: worst',
      measured: text(two),
      bar: '0',
      isHeld: two === 0,
    },
  ];
}

function postRows(posts: readonly PostResult[]): Row[] {
  if (posts.length === 0) return [];
  return (
    [
      ['from the POST to the first answer of the best host', 'answersMs'],
      ['from the POST to MASTER of the best host in the API', 'masterMs'],
    ] as const
  ).map(([what, key]) => {
    const times = posts.map((each) => each[key]);
    return {
      what: `${what} (p50, worst of ${posts.length})`,
      measured: `${text(percentile(times, 0.5))}, ${text(max(times))}`,
      bar: '5 s',
      isHeld: max(times) <= 5000,
    };
  });
}

function problemRow(found: readonly ActResult[]): Row {
  const problems = found.flatMap((each) => each.problems);
  return {
    what: 'transitions after which the API, the dump and `ip address` did not agree within a minute',
    measured: [`${problems.length}`, ...new Set(problems)].join('; '),
    bar: '0',
    isHeld: problems.length === 0,
  };
}

const max = (values: readonly number[]): number => Math.max(0, ...values);
const text = (ms: number): string => (ms === 0 ? '0' : `${(ms / 1000).toFixed(2)} s`);
