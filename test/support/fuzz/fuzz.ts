import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { TlsIdentity } from '../../../src/server/tls/source.ts';
import { type Findings, makeFindings } from './findings.ts';
import { type FuzzedAgent, makeWitness, openAgent, openAlphorn } from './hosts.ts';
import { askNumber, isWell, type Lane } from './lane.ts';
import { makeMemory } from './memory.ts';
import type { FuzzOptions, FuzzOutcome } from './outcome.ts';
import { pools, versions } from './pools.ts';
import type { ServedRow } from './requests.ts';
import { openStragglers } from './stragglers.ts';

/** The number of agents that are asked in parallel. Each gets one request after another. */
const maxLanes = 8;
/** The number of measurements of memory. */
const samples = 40;

/**
 * Sends unreasonable requests to the agent and to Alphorn's services, over a fake cluster. Some are made from the rows,
 * with values that are valid, nearly valid or hostile. Others are bytes that are not a request.
 * The same seed and number make the same request, over the same cluster. With odd seeds, irreversible requests must be
 * confirmed.
 * @param folder a temporary folder
 */
export async function fuzz(folder: string, options: FuzzOptions): Promise<FuzzOutcome> {
  const { seed, count, only } = options;
  const witness = makeWitness();
  const alphorn = await openAlphorn(join(folder, 'a'), witness);
  const agents: FuzzedAgent[] = [];
  let identity: TlsIdentity | undefined;
  const asksTwice = seed % 2 === 1;
  for (let lane = 0; lane < (only === undefined ? maxLanes : 1); lane += 1) {
    const options = { daemonSocket: alphorn.socket, identity, asksTwice };
    const agent = await openAgent(join(folder, `${lane}`), options, makeWitness());
    ({ identity } = agent);
    agents.push(agent);
  }
  const rows: ServedRow[] = [
    ...rowsOf(agents[0]?.families ?? [], 'http'),
    ...rowsOf(alphorn.families.peers, 'peers'),
    ...rowsOf(alphorn.families.daemon, 'daemon'),
  ];
  const headers = await headersOf(agents[0] as FuzzedAgent);
  const lanes = agents.map((agent): Lane => {
    const { admin, operator, viewer, monitor } = agent.tokens;
    const tokens = [admin, operator, viewer, monitor] as const;
    return {
      agent,
      knowledge: { rows, pools, headers, versions, tokens },
      listeners: { ...agent.listeners, ...alphorn.listeners },
    };
  });

  // Servers that listen on a path count too.
  const socketsBefore = openSockets();
  const stragglers = await openStragglers(Object.values(lanes[0]?.listeners ?? {}));
  const findings = makeFindings();
  const counts = { requests: 0, commands: 0, statuses: makeCounter(), families: makeCounter() };
  const [asked, well] = [new Set<unknown>(), new Set<unknown>()];
  const memory = makeMemory();
  const inFlight = new Map<Lane, number>();
  const described: string[] = [];
  const stopWatching = findCrashes(findings, () => [...inFlight.values()].join(' '));
  let next = only ?? 0;
  const end = only === undefined ? count : only + 1;

  async function run(lane: Lane): Promise<void> {
    while (next < end && !findings.isFull()) {
      const number = next;
      next += 1;
      inFlight.set(lane, number);
      const exchange = await askNumber(lane, seed, number);
      const { row, family } = exchange.asked;
      counts.requests += 1;
      counts.commands += exchange.commands;
      counts.families.add(family);
      const { statuses } = exchange;
      for (const each of statuses.length > 0 ? statuses : ['none']) counts.statuses.add(each);
      if (row) asked.add(row);
      if (row && statuses.some(isWell)) well.add(row);
      if (Object.keys(Object.prototype).length > 0)
        findings.add('a prototype changed', exchange.described);
      for (const flaw of exchange.flaws) findings.add(flaw, exchange.described);
      for (const flaw of lane.agent.witness.flaws.splice(0)) findings.add(flaw, exchange.described);
      // These services also had other requests at the time.
      for (const flaw of witness.flaws.splice(0)) findings.add(flaw, exchange.described);
      if (number % Math.ceil(count / samples) === 0) memory.sample(number / count);
      if (only !== undefined) described.push(exchange.described, exchange.body);
    }
    lane.connection?.destroy();
  }

  try {
    await Promise.all(lanes.map(run));
    memory.sample(1);
    const leftOpen = stragglers.leftOpen();
    if (leftOpen > 0) findings.add('connections without a request stay', `${leftOpen} of them`);
    stragglers.close();
    if (!(await comesTo(() => openSockets() <= socketsBefore)))
      findings.add('connections stay that their clients have left', `seed ${seed}`);
    if (only === undefined && !memory.isFlat()) findings.add('memory that grows', `seed ${seed}`);
  } finally {
    stopWatching();
    await Promise.all(agents.map((agent) => agent.stop()));
    await alphorn.stop();
  }
  for (const { flaws } of [witness, ...agents.map((agent) => agent.witness)]) {
    for (const flaw of flaws.splice(0)) findings.add(flaw, 'at the end');
  }
  return {
    requests: counts.requests,
    commands: counts.commands,
    statuses: counts.statuses.all(),
    families: counts.families.all(),
    rows: { all: rows.length, asked: asked.size, well: well.size },
    growth: memory.growth(),
    findings: findings.list(),
    ...(only !== undefined && { described: described.join('\n') }),
  };
}

function rowsOf(
  families: readonly ServedRow['family'][],
  listener: ServedRow['listener'],
): ServedRow[] {
  return families.flatMap((family) => family.rows.map((row) => ({ family, listener, row })));
}

function makeCounter() {
  const counts: Record<string, number> = {};
  return {
    add(name: string | number) {
      counts[name] = (counts[name] ?? 0) + 1;
    },
    all: () => counts,
  };
}

function openSockets(): number {
  const kinds = ['TCPSocketWrap', 'PipeWrap'];
  return process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind)).length;
}

async function comesTo(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 1000 && !holds(); tries += 1) await sleep(10);
  return holds();
}

/** A request that ends a server is the worst finding. @returns a function that stops the watch */
function findCrashes(findings: Findings, numbers: () => string): () => void {
  const crashed = (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    findings.add(`nobody caught ${text}`, `requests ${numbers()} were under way`);
  };
  process.on('uncaughtException', crashed);
  process.on('unhandledRejection', crashed);
  return () => {
    process.off('uncaughtException', crashed);
    process.off('unhandledRejection', crashed);
  };
}

/** The headers that a preflight allows to browsers. */
async function headersOf({ listeners }: FuzzedAgent): Promise<string[]> {
  const connection = await listeners.http('127.0.0.1');
  const preflight =
    'OPTIONS /healthz HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nAccess-Control-Request-Method: GET\r\n\r\n';
  const { answers } = await connection.exchange({
    pieces: [Buffer.from(preflight)],
    methods: ['OPTIONS'],
    wanted: 1,
    end: 'keep',
  });
  connection.destroy();
  const allowed = answers[0]?.headers.get('access-control-allow-headers') ?? '';
  return allowed.split(',').filter((name) => name !== 'token' && name !== '');
}
