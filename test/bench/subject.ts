import type https from 'node:https';

import type { LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { type Answer, callHa, untilHealthy } from '../system/client.ts';
import type { RouteCase } from './route-cases.ts';

/** The agent to measure, on one node of a cluster that nobody else uses. */
export interface Bench {
  suite: Suite;
  node: LabNode;
  /** All nodes of its cluster, including that one. */
  nodes: readonly LabNode[];
  token: string;
  /** The reads of the API. */
  routes: readonly RouteCase[];
}

/** A value and its bar: one row of the document. */
export interface Figure {
  what: string;
  measured: string;
  bar: string;
  held: boolean;
}

/** The findings of a subject. */
export interface Findings {
  figures: readonly Figure[];
  /** Lines of Markdown without a bar. */
  table?: readonly string[];
}

/**
 * Asks a route, over a connection of `agent`.
 * @throws {Error} if the status is not 200, because refusals are not measured
 */
export async function ask(
  { node, token }: Bench,
  { route, method = 'GET', body = {} }: Pick<RouteCase, 'route' | 'method' | 'body'>,
  agent: https.Agent,
): Promise<Answer> {
  const answer = await callHa(node, route, { token, agent, method, body: JSON.stringify(body) });
  if (answer.status !== 200) {
    throw new Error(`${method} ${route} was answered ${answer.status}: ${answer.text}`);
  }
  return answer;
}

export async function restartAgent({ node }: Bench): Promise<void> {
  await node.run(['systemctl', 'restart', 'ha-agent']);
  await untilHealthy(node);
}
