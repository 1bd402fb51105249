import type { GroupSettings, Member } from '../../gateway/gateway.ts';
import type { JsonSchema, Rule } from '../../server/table/field.ts';
import { described, listOf, orNull, record } from '../../server/table/schema.ts';
import {
  checked,
  numberWithin,
  readField,
  readFlag,
  readId,
  readObject,
  textMatching,
  Wrong,
} from './fields.ts';

/** The nodes of a group as a caller sends them. All have one interval, if any. */
export interface SentNodes {
  members: readonly Member[];
  interval: number | undefined;
}

/** Nobody needs more nodes for one address. */
const maxNodes = 64;
const interfacePattern = '^[A-Za-z0-9_.:\\-]{1,15}$';

const nodeSchema: JsonSchema = record({
  node: described('The id of the node.', { type: 'integer', minimum: 1 }),
  'status?': described('Accepted, and not believed.', { enum: [0, 1, 2, 3] }),
  'keepalived_managed?': described(
    'Whether the node serves by the virtual address only. Otherwise its own address gets the name too.',
    { type: 'boolean', default: true },
  ),
  interface: { type: 'string', pattern: interfacePattern },
  'interval?': described('Seconds between two adverts, the same for all nodes.', {
    type: 'number',
    minimum: 0.01,
    maximum: 40.95,
    multipleOf: 0.01,
    default: 1,
  }),
  priority: { type: 'integer', minimum: 1, maximum: 254 },
  'detail?': described('Accepted and ignored.', { type: 'string' }),
});

export const realNodes: Rule<SentNodes> = checked(
  { ...listOf(nodeSchema), maxItems: maxNodes },
  (value) => {
    if (!Array.isArray(value) || value.length > maxNodes)
      throw new Wrong(`must be a list of at most ${maxNodes} nodes`);
    const sent = value.map(readNode);
    const intervals = [...new Set(sent.flatMap(({ interval }) => interval ?? []))];
    if (intervals.length > 1)
      throw new Wrong(`must have one 'interval' for all nodes, and has ${intervals.join(' and ')}`);
    return { members: sent.map(({ member }) => member), interval: intervals[0] };
  },
);

const nodeFields = [
  'node',
  'status',
  'keepalived_managed',
  'interface',
  'interval',
  'priority',
  'detail',
];

function readNode(value: unknown, index: number): { member: Member; interval?: number } {
  try {
    const sent = readObject(value, nodeFields);
    readField(sent, 'status', numberWithin(0, 3), 0);
    readField(sent, 'detail', readText, '');
    const interval =
      sent['interval'] === undefined ? undefined : readField(sent, 'interval', readInterval);
    const member: Member = {
      node: readField(sent, 'node', readId),
      interface: readField(sent, 'interface', readInterface),
      priority: readField(sent, 'priority', numberWithin(1, 254)),
      isManaged: readField(sent, 'keepalived_managed', readFlag, true),
    };
    return { member, ...(interval !== undefined && { interval }) };
  } catch (error) {
    if (error instanceof Wrong)
      throw new Wrong(`must be right in item ${index}, which ${error.message}`);
    throw error;
  }
}

const readInterface = textMatching(
  interfacePattern,
  '1 to 15 letters, digits, "_", ".", ":" and "-"',
);

function readText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Wrong('must be a text');
}

/** keepalived counts in hundredths of a second. */
function readInterval(value: unknown): number {
  if (typeof value === 'number' && value >= 0.01 && value <= 40.95) {
    const hundredths = Math.round(value * 100);
    if (Math.abs(value * 100 - hundredths) < 1e-6) return hundredths / 100;
  }
  throw new Wrong('must be seconds from 0.01 to 40.95 in steps of 0.01');
}

type Check = NonNullable<GroupSettings['check']>;
const checkFields = ['type', 'port', 'path', 'interval', 'timeout', 'fall', 'rise'];
const pathPattern = '^/[A-Za-z0-9._~/?&=%+,:@\\-]{0,254}$';

const seconds: JsonSchema = { type: 'integer', minimum: 1, maximum: 60 };
const times: JsonSchema = { type: 'integer', minimum: 1, maximum: 10 };
export const checkSchema: JsonSchema = record({
  type: { enum: ['tcp', 'http'] },
  port: { type: 'integer', minimum: 1, maximum: 65535 },
  'path?': described('For HTTP only; / by default.', { type: 'string', pattern: pathPattern }),
  'interval?': { ...seconds, default: 2 },
  'timeout?': { ...seconds, default: 1 },
  'fall?': described('Failures in a row that count as a failure.', { ...times, default: 3 }),
  'rise?': described('Successes in a row that count as a success.', { ...times, default: 2 }),
});

/** A probe of the service; null if there is none. */
export const check: Rule<Check | null> = checked(orNull(checkSchema), (value) => {
  if (value === null) return null;
  const sent = readObject(value, checkFields);
  const type = readField(sent, 'type', readType);
  const intervalSeconds = readField(sent, 'interval', numberWithin(1, 60), 2);
  const timeoutSeconds = readField(sent, 'timeout', numberWithin(1, 60), 1);
  if (timeoutSeconds > intervalSeconds)
    throw new Wrong("must not have a 'timeout' that is longer than its 'interval'");
  if (type === 'tcp' && 'path' in sent) throw new Wrong("must have a 'path' for HTTP only");
  return {
    type,
    port: readField(sent, 'port', numberWithin(1, 65535)),
    ...(type === 'http' && { path: readField(sent, 'path', readPath, '/') }),
    intervalSeconds,
    timeoutSeconds,
    fall: readField(sent, 'fall', numberWithin(1, 10), 3),
    rise: readField(sent, 'rise', numberWithin(1, 10), 2),
  };
});

function readType(value: unknown): Check['type'] {
  if (value === 'tcp' || value === 'http') return value;
  throw new Wrong('must be "tcp" or "http"');
}

const readPath = textMatching(
  pathPattern,
  'a path of at most 255 characters of a URL, without blanks and quotes',
);

/** The names of nodes are as those of groups. */
const nodePattern = '^[A-Za-z0-9_.\\-]{1,64}$';
const nodeNameSchema: JsonSchema = {
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: nodePattern },
  ],
};
const readNodeText = textMatching(nodePattern, 'the id or the name of a node');

function readNodeName(value: unknown): number | string {
  return typeof value === 'number' ? readId(value) : readNodeText(value);
}

/** A node by its id or its name. */
export const nodeName: Rule<number | string> = checked(nodeNameSchema, readNodeName);

const maxNodesOfGateway = 1000;

/** The nodes of a gateway. */
export const nodeNames: Rule<readonly (number | string)[]> = checked(
  { ...listOf(nodeNameSchema), maxItems: maxNodesOfGateway },
  (value) => {
    if (Array.isArray(value) && value.length <= maxNodesOfGateway) return value.map(readNodeName);
    throw new Wrong('must be a list of nodes');
  },
);
