import https from 'node:https';

import type { LabNode } from '../lab/lab.ts';
import { call } from '../system/client.ts';
import { type PcsdCall, timedPcsd } from './pcsd.ts';
import { readsCib, routeBars, type RouteCase, type RouteTimes } from './route-cases.ts';
import { ask, type Bench, type Figure, type Findings, restartAgent } from './subject.ts';
import { median, ms, timed, timedInside } from './timing.ts';

const roundsWithBar = 5;
const rounds = 3;
const warmRequests = 200;
/** A way that takes longer is measured only once. */
const repeatedBelowMs = 2000;
const deadlineMs = 60_000;

/** The meaning of the table's columns, for its reader. */
export const howRoutesAreMeasured = `\
- cold: the first answer after the agent starts, when nothing of the cluster is cached, over an open connection. It is the median of
  ${rounds} starts, or of ${roundsWithBar} if there is a bar.
- warm: the median of ${warmRequests} requests, one after another, over one connection.
- \`cibadmin\`: \`cibadmin --query\`, run between the cold answers. \`cibadmin\`, pcs and pcsd are timed inside the node, without the network.
- pcs and pcsd: the median of three runs, or a single run if it took more than ${repeatedBelowMs / 1000} s. Each had a timeout of ${deadlineMs / 1000} s. pcsd is asked over an
  open connection, like the agent. Each is the nearest equivalent, although some return less than the route, or far more. "–" means that
  there is none.
- pcs / cold: how many times longer the fastest pcs command takes than the cold answer.`;

/** A way to do the same without the agent; without a time if it did not end within the deadline. */
interface Way {
  name: string;
  time: number | undefined;
}

interface Measured extends RouteTimes {
  route: RouteCase;
  pcs: readonly Way[];
  pcsd: readonly Way[];
}

/** Each read of the API, next to the ways to do the same without it. */
export async function measureRoutes(bench: Bench): Promise<Findings> {
  const theirs = waysOf(bench.node, await pcsdToken(bench.node));
  const measured: Measured[] = [];
  for (const route of bench.routes) {
    measured.push({
      route,
      ...(await coldTimes(bench, route)),
      warm: await warmTime(bench, route),
      pcs: await theirs.pcs(route.pcs[bench.suite]),
      pcsd: await theirs.pcsd(route.pcsd[bench.suite]),
    });
  }
  return { figures: routeBars.flatMap((bar) => figureOf(bar, measured)), table: tableOf(measured) };
}

/** The first answer of a newly started agent, and cibadmin under the same conditions. */
async function coldTimes(bench: Bench, route: RouteCase): Promise<Omit<RouteTimes, 'warm'>> {
  const ours: number[] = [];
  const cibadmin: number[] = [];
  const wanted = route.bars.length > 0 ? roundsWithBar : rounds;
  for (let round = 0; round < wanted; round += 1) {
    await restartAgent(bench);
    const agent = new https.Agent({ keepAlive: true });
    // cibadmin has no TLS handshake either.
    await call(bench.node, '/healthz', { agent });
    ours.push(await timed(() => ask(bench, route, agent)));
    agent.destroy();
    if (readsCib(route)) {
      cibadmin.push((await timedInside(bench.node, ['cibadmin', '--query'])) ?? NaN);
    }
  }
  if (cibadmin.length === 0) return { cold: median(ours) };
  return {
    cold: median(ours),
    cibadmin: median(cibadmin),
    beyondCibadmin: median(ours.map((time, round) => time - (cibadmin[round] ?? NaN))),
  };
}

async function warmTime(bench: Bench, route: RouteCase): Promise<number> {
  const agent = new https.Agent({ keepAlive: true });
  const times: number[] = [];
  for (let request = 0; request < warmRequests; request += 1) {
    times.push(await timed(() => ask(bench, route, agent)));
  }
  agent.destroy();
  return median(times);
}

/** Measures pcs and pcsd; a way that several routes share is measured once. */
function waysOf(node: LabNode, token: string) {
  const known = new Map<string, Promise<number | undefined>>();

  async function each<T>(
    ways: readonly T[],
    nameOf: (way: T) => string,
    measure: (way: T) => Promise<number | undefined>,
  ): Promise<Way[]> {
    const result: Way[] = [];
    for (const way of ways) {
      const name = nameOf(way);
      const time = known.get(name) ?? repeatedly(() => measure(way));
      known.set(name, time);
      result.push({ name, time: await time });
    }
    return result;
  }

  return {
    pcs: (commands: readonly string[]) =>
      each(
        commands,
        (command) => command,
        (command) => timedInside(node, command.split(' ') as ['pcs', ...string[]], deadlineMs),
      ),
    pcsd: (calls: readonly PcsdCall[]) =>
      each(
        calls,
        ({ name }) => name,
        (one) => timedPcsd(node, token, one, deadlineMs),
      ),
  };
}

async function repeatedly(measure: () => Promise<number | undefined>): Promise<number | undefined> {
  const first = await measure();
  if (first === undefined || first > repeatedBelowMs) return first;
  return median([first, (await measure()) ?? NaN, (await measure()) ?? NaN]);
}

/** The token that `pcs host auth` left for this node's own pcsd. */
async function pcsdToken(node: LabNode): Promise<string> {
  const { known_hosts } = JSON.parse(await node.run(['cat', '/var/lib/pcsd/known-hosts'])) as {
    known_hosts: Record<string, { token: string }>;
  };
  return known_hosts[node.name]?.token ?? '';
}

function figureOf(bar: (typeof routeBars)[number], measured: readonly Measured[]): Figure[] {
  const sorted = measured
    .filter(({ route }) => route.bars.includes(bar))
    .toSorted((a, b) => bar.of(b) - bar.of(a));
  const [slowest] = sorted;
  if (slowest === undefined) return [];
  const missed = sorted.filter((times) => !(bar.of(times) <= bar.limitMs));
  const reported = missed.length > 0 ? missed : [slowest];
  return [
    {
      what: sorted.length > 1 ? `${bar.what}: the slowest of ${sorted.length} routes` : bar.what,
      measured: reported
        .map((times) => `${ms(bar.of(times))} (\`${nameOf(times.route)}\`)`)
        .join(', '),
      bar: `at most ${bar.limitMs} ms`,
      held: missed.length === 0,
    },
  ];
}

function tableOf(measured: readonly Measured[]): string[] {
  return [
    '| Route | cold | warm | `cibadmin` | pcs | pcsd | pcs / cold |',
    '|---|---|---|---|---|---|---|',
    ...measured.map(({ route, cold, warm, cibadmin, pcs, pcsd }) => {
      const fastest = Math.min(...pcs.map(({ time = deadlineMs }) => time));
      const cells = [
        `\`${nameOf(route)}\``,
        ms(cold),
        ms(warm),
        cibadmin === undefined ? '' : ms(cibadmin),
        cellOf(pcs),
        cellOf(pcsd),
        pcs.length === 0 ? '–' : (fastest / cold).toFixed(1),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
}

function cellOf(ways: readonly Way[]): string {
  const texts = ways.map(
    ({ name, time }) =>
      `${time === undefined ? `over ${deadlineMs / 1000} s` : ms(time)} \`${name}\``,
  );
  return texts.length === 0 ? '–' : texts.join('<br>');
}

const nameOf = ({ route, method }: RouteCase) =>
  method === undefined ? route : `${method} ${route}`;
