import { median, ms, percentile } from '../bench/timing.ts';
import type { Suite } from '../lab/root.ts';
import { type Request, requestsOf } from './clients.ts';
import type { LoadEvent } from './load-events.ts';
import type { Report } from './report.ts';

export interface ReloadFindings {
  suite: Suite;
  count: number;
  reloadSeconds: number;
  events: readonly LoadEvent[];
  failures: readonly string[];
  /** How often the member that is down was not DOWN right after a reload. */
  notDown: number;
  downMember: string;
  lateMs: number;
}

const minRequests = 10_000;

/** What clients lost in reloads, as Markdown. */
export function reloadsReport(found: ReloadFindings): Report {
  const { suite, count, events, failures, downMember } = found;
  const kinds = (['new', 'kept', 'download'] as const).map((kind) => requestsOf(events, kind));
  const [fresh = [], alive = [], downloads = []] = kinds;
  const all = kinds.flat();
  const atDown = all.filter(({ member }) => member === downMember).length;
  const repeated = events.filter(({ kind }) => kind === 'repeated').length;
  const reused = events.filter((event) => event.kind === 'kept' && event.isReused === true).length;
  const took = (requests: readonly Request[]): string => {
    const times = requests.map(({ start, end }) => end - start);
    return `${ms(median(times))}, ${ms(percentile(times, 0.99))}`;
  };
  const rows = [
    ['reloads by the driver', `${count} in ${found.reloadSeconds.toFixed(0)} s`, ''],
    ['requests on new connections (median, p99)', `${fresh.length} (${took(fresh)})`, ''],
    [
      'requests on 20 connections that stay open (of these on a used one)',
      `${alive.length} (${reused})`,
      '',
    ],
    ['of these sent again, because the connection was closed under way', `${repeated}`, ''],
    ['downloads of 1 MB in 20 s', `${downloads.length}`, ''],
    [
      'failed of all',
      `${failures.length} of ${all.length}`,
      bar(failures.length === 0 && all.length >= minRequests, `0 of at least ${minRequests}`),
    ],
    ['requests that a member which is down got', `${atDown}`, bar(atDown === 0, '0')],
    [
      'reloads after which it was not DOWN at once',
      `${found.notDown}`,
      bar(found.notDown === 0, '0'),
    ],
    ['the witness was late by at worst', ms(found.lateMs), ''],
  ];
  const head = [`### ${suite}`, '', '| What | Measured | Bar |', '|---|---|---|'];
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`);
  const reasons = [...new Set(failures)].map((reason) => {
    return `- ${reason}: ${failures.filter((each) => each === reason).length}`;
  });
  return {
    text: [...head, ...lines, '', ...reasons].join('\n'),
    areHeld:
      failures.length === 0 && atDown === 0 && found.notDown === 0 && all.length >= minRequests,
  };
}

const bar = (isHeld: boolean, wanted: string): string => `${wanted}: ${isHeld ? 'held' : 'MISSED'}`;
