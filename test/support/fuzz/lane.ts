import type { Outcome } from '../../../src/kit/exec.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { versionOfCib } from '../../../src/parsers/cib/text.ts';
import { randomOf } from '../random.ts';
import type { Connection } from './client.ts';
import {
  cibs,
  type Listener,
  type ListenerName,
  type FuzzedAgent,
  type ToolFailure,
} from './hosts.ts';
import { codeOf, flawsOf } from './oracle.ts';
import { askRaw } from './raw.ts';
import { type SentRequest, askOf, type Knowledge } from './requests.ts';
import { type Dice, diceOf } from './values.ts';

/** An agent that is asked one request after another. */
export interface Lane {
  agent: FuzzedAgent;
  knowledge: Knowledge;
  listeners: Readonly<Record<Exclude<ListenerName, 'amphora'>, Listener>>;
  /** The connection for the next request. */
  connection?: Connection;
}

/** A request and its result. */
export interface Exchange {
  asked: SentRequest;
  statuses: readonly number[];
  /** The number of commands that it started. */
  commands: number;
  flaws: readonly string[];
  /** The request and its answers in one line, with the way to see them again. */
  described: string;
  /** The body of the last answer. */
  body: string;
}

/** The share of requests that are raw bytes. */
const rawShare = 0.15;
/** The share of requests during which a tool fails. */
const failureShare = 0.05;

/** This number of requests in sequence starts with the same CIB. */
const sameCib = 64;

/** Makes the request of that number, over a cluster in its first state. */
export async function askNumber(lane: Lane, seed: number, number: number): Promise<Exchange> {
  const { agent, knowledge, listeners } = lane;
  const dice = diceOf(randomOf(seed * 1_000_003 + number));
  // What is made from a CIB is cached, because many requests ask for it.
  const cib = diceOf(randomOf(seed * 1_000_003 + Math.floor(number / sameCib))).below(cibs.length);
  agent.begin(cib, dice.chance(failureShare) ? failureOf(dice) : undefined);
  const asked = dice.chance(rawShare) ? askRaw(knowledge, dice) : askOf(knowledge, dice);
  const isReused = asked.listener === 'http' && asked.end === 'keep' && dice.chance(0.95);
  const before = agent.cluster().xml();
  const open = () => listeners[asked.listener as keyof Lane['listeners']](sourceOf(number));
  let connection = isReused && lane.connection?.isOpen() === true ? lane.connection : await open();
  let received = await connection.exchange(asked);
  // The server may have just ended a connection that was open for some time (RFC 9112, section 9.3.1).
  if (connection === lane.connection && received.isClosed && received.answers.length === 0) {
    connection = await open();
    received = await connection.exchange(asked);
  }
  if (received.answers.length === 0) await agent.settled();
  const after = agent.cluster().xml();
  const commands = agent.cluster().calls.length;
  const { answers } = received;
  const last = answers.at(-1);
  const flaws = flawsOf(asked, received, { before, after });
  agent.heal();
  if (before !== after && last?.headers.has('etag')) {
    const shown = await versionShown(agent);
    if (shown !== `"${versionOfCib(after)}"`) flaws.push('the next reading shows another version');
  }
  if (isReused && last?.headers.get('connection') !== 'close') lane.connection = connection;
  else connection.destroy();
  const statuses = answers.map(({ status }) => status);
  if (asked.row?.isChange && statuses.some(isWell)) await agent.restoreFiles();
  const outcome = answers.map((each) => `${each.status} ${codeOf(each) ?? ''}`.trim());
  return {
    ...{ asked, statuses, commands, flaws, body: last?.body.toString() ?? '' },
    described: `--seed ${seed} --only ${number}: ${asked.listener} ${textOf(asked, knowledge)}: ${outcome.join(', ') || 'no answer'}`,
  };
}

export function isWell(status: number): boolean {
  return status >= 200 && status < 300;
}

function textOf({ pieces }: SentRequest, { tokens }: Knowledge): string {
  const text = JSON.stringify(Buffer.concat(pieces).toString('latin1').slice(0, 3000));
  return tokens.reduce((masked, token) => masked.replaceAll(token, 'TOKEN'), text).slice(0, 1500);
}

/** The version that the next reader of the configuration sees. */
async function versionShown(agent: FuzzedAgent): Promise<string | undefined> {
  const connection = await agent.listeners.socket('');
  const request = 'GET /api/v2/system/ha/configuration HTTP/1.1\r\nHost: a\r\n\r\n';
  const { answers } = await connection.exchange({
    ...{ pieces: [Buffer.from(request)], methods: ['GET'], wanted: 1, end: 'keep' },
  });
  connection.destroy();
  return answers[0]?.headers.get('etag');
}

/** Each lane has its own loopback address, so that wrong tokens of one lane do not delay another. */
function sourceOf(number: number): string {
  return `127.${1 + ((number >> 15) & 127)}.${(number >> 7) & 255}.${1 + (number & 127)}`;
}

/** How a tool fails: by exit codes of Pacemaker (`crm_error --exit --list`), or by faults of the runner. */
function failureOf({ pick, below, chance }: Dice): ToolFailure {
  const exitCode = pick([1, 6, 64, 78, 102, 103, 105, 113, 124]);
  const code = pick([
    ...(['tool_missing', 'tool_timeout', 'tool_not_started', 'tool_ended_by_signal'] as const),
  ]);
  const isFault = chance(0.5);
  return {
    tool: pick([
      'cibadmin',
      'cibadmin',
      'crm_mon',
      'crm_resource',
      'crm_simulate',
      'pcs',
      'systemctl',
    ]),
    call: below(3),
    fail(): Outcome {
      if (isFault) throw new Fault(code, 'The tool of this test failed. Ask again.');
      return { exitCode, stdout: '', stderr: 'it failed\n' };
    },
  };
}
