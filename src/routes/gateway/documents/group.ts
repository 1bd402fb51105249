import type { Gateway, GroupView, MemberView } from '../../../gateway/gateway.ts';
import type { NodeView } from '../../../gateway/views.ts';
import type { NodeDiff } from '../../../gateway/groups/changes.ts';
import { hostAndPort } from '../../../kit/addresses.ts';
import type { JsonSchema } from '../../../server/table/field.ts';
import {
  always,
  described,
  flag,
  integer,
  listOf,
  orNull,
  part,
  record,
  text,
  texts,
} from '../../../server/table/schema.ts';

/** An answer that went well: its data, and the status 0 after it. */
export function wellSchema(data?: JsonSchema): JsonSchema {
  return record({ ...(data && { data }), status: { const: 0 } });
}

export function well(data?: unknown): object {
  return data === undefined ? { status: 0 } : { data, status: 0 };
}

/** A part of a list, with the number of all. */
export function listSchema(items: JsonSchema): JsonSchema {
  return wellSchema(record({ data: listOf(items), meta: record({ count: integer }) }));
}

export function wellList(items: readonly object[], count: number): object {
  return well({ data: items, meta: { count } });
}

export const createdSchema = wellSchema(record({ id: integer }));

const realNode = part(
  'RealNode',
  record({
    node: integer,
    status: described('0 unknown, 1 MASTER, 2 BACKUP, 3 FAULT, by the word of the node.', {
      enum: [0, 1, 2, 3],
    }),
    keepalived_managed: flag,
    interface: text,
    interval: { type: 'number' },
    priority: integer,
    detail: described('What is wrong on the node, or what its keepalived says.', text),
  }),
);

export const groupSchema = part(
  'VirtualGroup',
  record({
    name: text,
    status: described('0 served and in DNS, 1 served, 2 offline.', { enum: [0, 1, 2] }),
    virtual_ip: described('Empty if there is none.', text),
    id: integer,
    online_status: described('A node is MASTER or BACKUP by its own recent word.', flag),
    router_id: integer,
    virtual_ipv6: described('Empty if there is none.', text),
    is_healthy: described('Exactly one node is MASTER, has the address, and serves.', flag),
    real_nodes: listOf(realNode),
    preempt: described('Whether a better node takes over from a lesser one.', flag),
    check: orNull(
      record({
        type: text,
        port: integer,
        'path?': text,
        interval: integer,
        timeout: integer,
        fall: integer,
        rise: integer,
      }),
    ),
    unicast: described('Null if the number of nodes decides.', orNull(flag)),
  }),
);

/** A group as documented: six keys of the document in its order, then its others, then ours. */
export function groupDocument(group: GroupView): object {
  const { check, interval } = group;
  return {
    name: group.name,
    status: group.status,
    virtual_ip: group.virtualIp ?? '',
    id: group.id,
    online_status: group.isOnline,
    router_id: group.routerId,
    virtual_ipv6: group.virtualIpv6 ?? '',
    is_healthy: group.isHealthy,
    real_nodes: group.members.map((each) => realNodeDocument(each, interval)),
    preempt: group.preempt,
    check: check && {
      type: check.type,
      port: check.port,
      ...(check.path !== undefined && { path: check.path }),
      interval: check.intervalSeconds,
      timeout: check.timeoutSeconds,
      fall: check.fall,
      rise: check.rise,
    },
    unicast: group.isUnicast,
  };
}

function realNodeDocument(member: MemberView, interval: number): object {
  return {
    node: member.node,
    status: member.status,
    keepalived_managed: member.isManaged,
    interface: member.interface,
    interval,
    priority: member.priority,
    detail: member.detail,
  };
}

export const gatewaySchema = part(
  'Gateway',
  record({ id: integer, name: text, nodes: listOf(integer) }),
);

export function gatewayDocument({ id, name, nodes }: Gateway): object {
  return { id, name, nodes };
}

export const nodeSchema = part(
  'Node',
  record({
    id: integer,
    name: text,
    address: described('Where its agent answers.', text),
    interfaces: listOf(record({ name: text, addresses: texts })),
    is_reachable: flag,
    detail: described('What is wrong with it; empty if nothing is.', text),
  }),
);

export function nodeDocument(node: NodeView): object {
  return {
    id: node.id,
    name: node.name,
    address: hostAndPort(node.host, node.port),
    interfaces: node.interfaces.map(({ name, addresses }) => ({ name, addresses })),
    is_reachable: node.isReachable,
    detail: node.troubles.join(' '),
  };
}

export const triedSchema = wellSchema(
  record({
    dry_run: always(true),
    nodes: listOf(record({ node: integer, name: text, diff: text })),
  }),
);

export function triedDocument(diffs: readonly NodeDiff[]): object {
  return well({
    dry_run: true,
    nodes: diffs.map(({ node, name, diff }) => ({ node, name, diff })),
  });
}
