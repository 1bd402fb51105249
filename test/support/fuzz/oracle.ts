import { readFileSync } from 'node:fs';

import { child, parseXml } from '../../../src/parsers/xml.ts';
import { versionOfCib } from '../../../src/parsers/cib/text.ts';
import type { Received } from './client.ts';
import type { SentRequest } from './requests.ts';
import type { Answer } from './wire.ts';

const contract = ['contract', 'alphorn', 'security']
  .map((name) => readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8'))
  .join('\n');

/** The statuses of errors that no caller can avoid. */
const fine5xx = [503, 504, 507];
const documented = [
  200,
  202,
  204,
  304,
  400,
  401,
  403,
  404,
  405,
  408,
  409,
  412,
  413,
  415,
  422,
  428,
  429,
  431,
  ...fine5xx,
];
/** With these codes the change may have been made. */
const mayHaveChanged = [
  'outcome_unknown',
  'resource_not_stopped',
  'would_not_move',
  'stored_otherwise',
];

/** The CIB of a cluster around a request. */
export interface Around {
  before: string;
  after: string;
}

/**
 * Whether the configuration differs. The rollback of a change counts as another version, and writes a recorded CIB with
 * other blanks and quotes.
 */
function hasOtherContent({ before, after }: Around): boolean {
  const withoutBlanks = (key: string, value: unknown) =>
    key === 'text' && String(value).trim() === '' ? undefined : value;
  const contentOf = (cib: string) =>
    JSON.stringify(child(parseXml(cib), 'configuration'), withoutBlanks);
  return before !== after && contentOf(before) !== contentOf(after);
}

/**
 * Compares the result of a request with what is documented.
 * @returns the differences
 */
export function flawsOf(
  asked: SentRequest,
  received: Received,
  { before, after }: Around,
): string[] {
  const { answers, flaw, isClosed } = received;
  const isChanged = before !== after;
  // A client that hung up does not know the result.
  const isUnknown = answers.length === 0 && asked.wanted === undefined && !asked.isRefused;
  const isMade = answers.some(({ status }) => status === 200 || status === 202);
  const codes = answers.map(codeOf);
  const saysPart = answers.some(({ body }) =>
    body.includes('The first part of this change was made'),
  );
  return [
    ...(flaw === undefined ? [] : [`an answer that is no HTTP: ${flaw}`]),
    ...answers.flatMap((answer) => flawsOfAnswer(answer, asked)),
    ...(asked.wanted === undefined ||
    answers.length === asked.wanted ||
    codes.includes('overloaded')
      ? []
      : [`${answers.length} answers instead of ${asked.wanted}`]),
    ...(asked.end === 'keep' || isClosed ? [] : ['a connection that stays open']),
    ...(asked.isRefused && (answers.length > 1 || isMade) ? ['taken for a request'] : []),
    ...(hasOtherContent({ before, after }) &&
    !isMade &&
    !isUnknown &&
    !saysPart &&
    !codes.some((code) => mayHaveChanged.includes(code ?? ''))
      ? ['a refusal that changed the CIB']
      : []),
    ...(isChanged && (asked.isDryRun || asked.row?.isChange === false)
      ? ['changed the CIB where nothing may']
      : []),
    ...(isChanged && asked.row?.isChange
      ? answers.flatMap((each) => flawsOfChange(each, after))
      : []),
  ];
}

function flawsOfAnswer(
  { status, headers, body }: Answer,
  { methods, family, listener }: SentRequest,
): string[] {
  const isHead = methods.includes('HEAD') && body.length === 0;
  const flaws: string[] = [];
  if (!documented.includes(status)) flaws.push('a status that is not documented');
  if (!headers.has('x-request-id')) flaws.push('no X-Request-Id');
  const isApi = listener === 'http' || listener === 'https' || listener === 'socket';
  if (isApi && family !== 'bytes' && !headers.has('x-powered-by')) flaws.push('no X-Powered-By');
  const type = headers.get('content-type');
  if (status < 400) {
    const isJson = type === 'application/json; charset=utf-8';
    if (
      status !== 204 &&
      status !== 304 &&
      isJson &&
      !isHead &&
      body.length > 0 &&
      !isJsonText(body)
    )
      flaws.push('no JSON');
    return flaws;
  }
  if (type !== 'application/problem+json; charset=utf-8')
    return [...flaws, 'an error that is no problem'];
  if (isHead) return flaws;
  const problem = problemIn(body);
  if (problem === undefined) return [...flaws, 'a problem that is no JSON'];
  const { code = '', detail, title } = problem;
  if (problem.status !== status || problem.type !== `urn:ha-agent:problem:${code}`)
    flaws.push('a problem of another status or type');
  if (!detail || !title) flaws.push('a problem without a text');
  if (!contract.includes(`\`${code}\``)) flaws.push(`a code that is not documented: ${code}`);
  return flaws;
}

/** The answer to a change has the version after that change. */
function flawsOfChange({ status, headers }: Answer, after: string): string[] {
  if (status !== 200 && status !== 202) return [];
  const version = `"${versionOfCib(after)}"`;
  const etag = headers.get('etag');
  return etag === version
    ? []
    : [`a change with the version ${etag ?? 'none'} instead of ${version}`];
}

interface FoundProblem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
}

function problemIn(body: Buffer): FoundProblem | undefined {
  return isJsonText(body) ? (JSON.parse(body.toString()) as FoundProblem) : undefined;
}

export function codeOf({ status, body }: Answer): string | undefined {
  return status < 400 ? undefined : problemIn(body)?.code;
}

function isJsonText(body: Buffer): boolean {
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    return false;
  }
}
