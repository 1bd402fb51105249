import { writeFileSync } from 'node:fs';

import { clusterFamilies } from '../../packaging/reference/families.ts';
import { maskValues } from '../../src/kit/secrets/masking.ts';
import type { Example } from '../../src/server/table/examples.ts';
import { answerCheck, type Received } from './answer-check.ts';

/** A request with its body, and its answer. */
export interface Exchange extends Received {
  /** The body of the request, as JSON. */
  sent: string;
}

/** Examples by operation, by family. */
export type Recorded = Record<string, Record<string, Example>>;

/** Nobody would read a longer example. */
const maxBytes = 32 * 1024;
/** The limit of an answer that is not JSON. */
const maxTextChars = 2000;
/** A shorter answer is often empty. */
const fairBytes = 200;

const answers = answerCheck(clusterFamilies);
const recording = process.env['HA_TEST_EXAMPLES'];
const recorded: Recorded = {};
if (recording !== undefined) {
  process.once('exit', () => {
    writeFileSync(recording, JSON.stringify(recorded));
  });
}

/**
 * Checks each answer that a test on a real cluster receives. With `HA_TEST_EXAMPLES=FILE`, the best example of each
 * route is written to that file at the end.
 * @throws {Error} what in the answer is not as its row documents
 */
export function received(exchange: Exchange): void {
  answers.check(exchange);
  if (recording !== undefined) record(exchange);
}

function record({ method, url, status, type, text, sent }: Exchange): void {
  const found = answers.find(method, url);
  const isRefusing = Object.keys(found?.operation.responses ?? {}).every((each) => each >= '300');
  if (found === undefined || url.includes('dry_run=true') || (status >= 300 && !isRefusing)) return;
  const request = method === 'GET' ? undefined : jsonOrText(sent);
  const hasRequest = typeof request === 'object' && JSON.stringify(request) !== '{}';
  const example = maskValues({
    ...(hasRequest && { request }),
    status,
    ...(text !== '' && { body: type?.includes('json') ? jsonOrText(text) : firstLines(text) }),
  }) as Example;
  const ofFamily = (recorded[found.family.name] ??= {});
  const known = ofFamily[found.name];
  if (isTooLong(example)) return;
  if (known === undefined || isBetter(example, known)) ofFamily[found.name] = example;
}

function isTooLong(example: Example): boolean {
  return Buffer.byteLength(JSON.stringify(example)) > maxBytes;
}

/** Prefers the shortest answer that is not too short, and a 200 over a 202. */
function isBetter(one: Example, other: Example): boolean {
  if (one.status !== other.status) return one.status < other.status;
  const [bytes, otherBytes] = [one, other].map(({ body }) => JSON.stringify(body ?? '').length) as [
    number,
    number,
  ];
  return otherBytes < fairBytes ? bytes > otherBytes : bytes >= fairBytes && bytes < otherBytes;
}

/** The first lines of the metrics show what the others look like. */
function firstLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n', maxTextChars) + 1);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
