import { writeFile } from 'node:fs/promises';

import { format, resolveConfig } from 'prettier';

import type { Example } from '../src/server/table/examples.ts';
import { gatewayBench, groupOf } from './support/controller/gateway-bench.ts';

// Records the examples of the OpenAPI document of keepalived groups, on scripted nodes. Run it after a route or its
// answer is new.

const file = new URL('../src/routes/gateway/documents/examples.json', import.meta.url).pathname;
const groups = '/1/virtual_groups';

const requests = [
  ['post', '/', '/', { name: 'edge', nodes: [1, 2] }],
  ['put', '/1', '/{gateway_id}', { name: 'edge', nodes: [1, 2, 3] }],
  ['post', groups, '/{gateway_id}/virtual_groups', groupOf({ status: 0, preempt: false })],
  ['get', '/', '/', undefined],
  ['get', '/1', '/{gateway_id}', undefined],
  ['get', '/1/nodes', '/{gateway_id}/nodes', undefined],
  ['get', '/1/nodes/3', '/{gateway_id}/nodes/{node_id}', undefined],
  ['post', '/1/nodes', '/{gateway_id}/nodes', { node: 3 }],
  ['post', '/1/nodes/3/adopt', '/{gateway_id}/nodes/{node_id}/adopt', undefined],
  ['get', groups, '/{gateway_id}/virtual_groups', undefined],
  ['get', `${groups}/1`, '/{gateway_id}/virtual_groups/{group_id}', undefined],
  ['put', `${groups}/1`, '/{gateway_id}/virtual_groups/{group_id}', { status: 1 }],
  ['delete', `${groups}/1`, '/{gateway_id}/virtual_groups/{group_id}', undefined],
  ['delete', '/1/nodes/3', '/{gateway_id}/nodes/{node_id}', undefined],
  ['delete', '/1', '/{gateway_id}', undefined],
] as const;

const bench = await gatewayBench();
const examples: Record<string, Example> = {};
for (const [method, path, template, body] of requests) {
  const answer = await bench.ask(method, path, body);
  const request = body === undefined ? {} : { request: body };
  const example = { ...request, status: answer.status, body: answer.body as unknown };
  examples[`${method.toUpperCase()} ${template}`] = example;
  if (method !== 'post' || path !== groups) continue;
  bench.nodes.sayStates(1, 'MASTER');
  bench.nodes.say(3);
}
await bench.stop();
const options = { ...(await resolveConfig(file)), parser: 'json' };
await writeFile(file, await format(JSON.stringify(examples), options));
