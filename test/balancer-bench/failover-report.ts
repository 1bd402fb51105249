import { percentile } from '../bench/timing.ts';
import type { Loss } from './one-loss.ts';
import { outages } from './outages.ts';
import { type Report, reportOf, type Row, seconds, worst } from './report.ts';

/** A try counts only if the machine did not stand still for longer than this while there was no service. */
export const maxLateMs = 50;

/** `heartbeat_timeout` by default, with an interval and a look at the API. */
const maxDegradedMs = 5000 + 1000 + 100;
const maxCaughtUpMs = 10_000;

export function failoverReport(title: string, all: readonly Loss[]): Report {
  const rows = outages.flatMap((outage) => {
    const own = all.filter((each) => each.outage === outage.name);
    return own.length === 0 ? [] : rowsOf(outage.title, own);
  });
  return reportOf(title, rows);
}

function rowsOf(title: string, all: readonly Loss[]): Row[] {
  const good = all.filter(({ lateMs }) => lateMs <= maxLateMs);
  const of = (key: 'downMs' | 'degradedMs' | 'changeMs' | 'caughtUpMs') =>
    good.map((each) => each[key]);
  const spread = (times: readonly number[]): string =>
    [percentile(times, 0.5), percentile(times, 0.95), worst(times)].map(seconds).join(', ');
  const bar = (what: string, times: readonly number[], text: string, isHeld: boolean): Row => ({
    what: `${what} (p50, p95, worst of ${times.length})`,
    ...{ measured: spread(times), bar: text, isHeld: times.length > 0 && isHeld },
  });
  const down = of('downMs');
  const isDownHeld = percentile(down, 0.95) <= 2000 && worst(down) <= 3000;
  const degraded = of('degradedMs');
  const isDegradedHeld = worst(degraded) <= maxDegradedMs;
  const changes = of('changeMs');
  const caughtUp = of('caughtUpMs');
  const isCaughtUpHeld = worst(caughtUp) <= maxCaughtUpMs;
  const after = worst(good.map(({ failedAfterRepair }) => failedAfterRepair));
  return [
    bar(`${title}: no new connection is served`, down, 'p95 2 s, worst 3 s', isDownHeld),
    bar('until the API says DEGRADED', degraded, 'timeout and an interval', isDegradedHeld),
    {
      what: `a change meanwhile is ACTIVE (p50, p95, worst of ${changes.length})`,
      measured: spread(changes),
    },
    bar('the node that is back has caught up', caughtUp, 'worst 10 s', isCaughtUpHeld),
    {
      what: 'requests that failed while it came back: worst',
      ...{ measured: `${after}`, bar: '0', isHeld: after === 0 },
    },
    {
      what: `left out, because the witness was late by more than ${maxLateMs} ms`,
      measured: `${all.length - good.length}`,
    },
  ];
}
