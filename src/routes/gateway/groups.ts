import { createHash } from 'node:crypto';

import type { GatewayDomain } from '../../gateway/domain.ts';
import { type GroupChange, type GroupSettings, offline } from '../../gateway/gateway.ts';
import { invalidRequest } from '../../server/middleware/validate.ts';
import {
  inBody,
  inPath,
  inQuery,
  named,
  optional,
  type ValuesOf,
} from '../../server/table/field.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Row } from '../../server/table/row.ts';
import { trueOrFalse } from '../../server/table/rules.ts';
import { read } from '../common/read.ts';
import type { MakeChange } from './change.ts';
import {
  createdSchema,
  groupDocument,
  groupSchema,
  listSchema,
  well,
  wellList,
  wellSchema,
} from './documents/group.ts';
import {
  groupStatus,
  id,
  idInPath,
  name,
  numberInQuery,
  routerId,
  virtualIp,
  virtualIpv6,
  yesNoOrNull,
  yesOrNo,
} from './fields.ts';
import { check, realNodes } from './group-fields.ts';

const collection = '/:gateway_id/virtual_groups';
const one = `${collection}/:group_id`;

const ofGateway = { gateway_id: inPath(idInPath) };
const ofGroup = { ...ofGateway, group_id: inPath(idInPath) };

/** The fields that a POST and a PUT have in common. */
const settings = {
  virtual_ip: optional(virtualIp),
  virtual_ipv6: optional(virtualIpv6),
  status: optional(groupStatus),
  router_id: optional(routerId),
  real_nodes: optional(realNodes),
  preempt: optional(yesOrNo),
  check: optional(check),
  unicast: optional(yesNoOrNull),
  // What only nodes can say.
  is_healthy: optional(yesOrNo),
  online_status: optional(yesOrNo),
};

const fieldsOfChange = { ...settings, name: optional(name), own_id: named('id', optional(id)) };
type SentSettings = Partial<ValuesOf<typeof settings>> & { name?: string | undefined };

const maxPageSize = 1000;
export const paging = {
  page: inQuery(numberInQuery(1_000_000)),
  page_size: inQuery(numberInQuery(maxPageSize)),
  name: inQuery(name),
};

/** @returns what a caller who says nothing wants */
export function pageOf({
  page = 1,
  page_size: pageSize = maxPageSize,
  name: wanted,
}: ValuesOf<typeof paging>) {
  return { page, pageSize, name: wanted };
}

/** Faults of a group that is to be on nodes. */
const ofPlacing: readonly FaultCode[] = [
  'gateway_not_found',
  'node_not_found',
  'name_taken',
  'address_taken',
  'router_id_taken',
  'router_ids_exhausted',
  'node_twice',
];
const ofNodes: readonly FaultCode[] = ['node_refused', 'nodes_unreachable'];

export function groupRows({ views, groups }: GatewayDomain, changing: MakeChange): Row[] {
  return [
    read({
      path: collection,
      summary: 'The groups of a gateway, with what their nodes say.',
      fields: { ...ofGateway, ...paging },
      schema: listSchema(groupSchema),
      codes: ['gateway_not_found'],
      async handle({ gateway_id: gateway, ...query }) {
        const found = await views.groups(gateway, pageOf(query));
        return { body: wellList(found.groups.map(groupDocument), found.count) };
      },
    }),
    read({
      path: one,
      summary: 'One group, in the form of the list.',
      fields: ofGroup,
      schema: listSchema(groupSchema),
      codes: ['gateway_not_found', 'group_not_found'],
      headers: { ETag: 'For the If-Match of a change. It has the revision of the group.' },
      async handle({ gateway_id: gateway, group_id: group }) {
        const found = await views.group(gateway, group);
        const body = wellList([groupDocument(found)], 1);
        return { body, headers: { ETag: `"${found.revision}-${digestOf(body)}"` } };
      },
    }),
    createRow(groups, changing),
    changeRow(groups, changing),
    removeRow(groups, changing),
  ];
}

function createRow(groups: GatewayDomain['groups'], changing: MakeChange): Row {
  return changing({
    methods: ['POST'],
    path: collection,
    summary: 'Makes a group, and answers when its nodes run it.',
    fields: { ...ofGateway, ...settings, name: inBody(name) },
    schema: createdSchema,
    codes: [...ofPlacing, ...ofNodes],
    async carryOut({ gateway_id: gateway, router_id: wanted, ...sent }) {
      const { group, warnings } = await groups.create(gateway, settingsOf(sent), wanted);
      return { body: well({ id: group.id }), after: group.revision, warnings };
    },
    attempt: ({ gateway_id: gateway, router_id: wanted, ...sent }) =>
      groups.tries.create(gateway, settingsOf(sent), wanted),
  });
}

const force = { force: inQuery(trueOrFalse) };

function changeRow(groups: GatewayDomain['groups'], changing: MakeChange): Row {
  return changing({
    methods: ['PUT'],
    path: one,
    summary: 'Changes a group. What is not sent stays; real_nodes is the whole list.',
    fields: { ...ofGroup, ...fieldsOfChange, ...force },
    schema: wellSchema(),
    codes: [...ofPlacing, 'group_not_found', ...ofNodes],
    hasRevision: true,
    async carryOut(
      { gateway_id: gateway, group_id: group, force: forced, own_id: own, ...sent },
      ifRevision,
    ) {
      refuseOtherId(group, own);
      const condition = { ifRevision, isForced: forced === 'true' };
      const made = await groups.change(gateway, group, changeOf(sent), condition);
      const { revision } = made.group;
      return { body: well(), before: revision - 1, after: revision, warnings: made.warnings };
    },
    attempt: ({ gateway_id: gateway, group_id: group, own_id: own, ...sent }, ifRevision) => {
      refuseOtherId(group, own);
      return groups.tries.change(gateway, group, changeOf(sent), ifRevision);
    },
  });
}

function removeRow(groups: GatewayDomain['groups'], changing: MakeChange): Row {
  return changing({
    methods: ['DELETE'],
    path: one,
    summary: 'Takes a group off its nodes, and removes it.',
    fields: { ...ofGroup, ...force },
    schema: wellSchema(),
    codes: ['gateway_not_found', 'group_not_found', ...ofNodes],
    hasRevision: true,
    async carryOut({ gateway_id: gateway, group_id: group, force: forced }, ifRevision) {
      const condition = { ifRevision, isForced: forced === 'true' };
      const { group: last, warnings } = await groups.remove(gateway, group, condition);
      return { body: well(), before: last.revision - 1, warnings };
    },
    attempt: ({ gateway_id: gateway, group_id: group }, ifRevision) =>
      groups.tries.remove(gateway, group, ifRevision),
  });
}

/** Faults: `invalid_request` if there is no address */
function settingsOf({ name: wanted = '', ...sent }: SentSettings): GroupSettings {
  const { virtual_ip: ip = null, virtual_ipv6: ipv6 = null, real_nodes: nodes } = sent;
  if (ip === null && ipv6 === null) {
    const message = 'is required, unless there is a virtual_ipv6';
    throw invalidRequest([{ field: 'virtual_ip', message, type: 'null' }]);
  }
  return {
    name: wanted,
    status: sent.status ?? offline,
    virtualIp: ip,
    virtualIpv6: ipv6,
    interval: nodes?.interval ?? 1,
    preempt: sent.preempt ?? true,
    isUnicast: sent.unicast ?? null,
    check: sent.check ?? null,
    members: nodes?.members ?? [],
  };
}

function changeOf(sent: SentSettings): GroupChange {
  const { real_nodes: nodes } = sent;
  return {
    ...(sent.name !== undefined && { name: sent.name }),
    ...(sent.status !== undefined && { status: sent.status }),
    ...(sent.virtual_ip !== undefined && { virtualIp: sent.virtual_ip }),
    ...(sent.virtual_ipv6 !== undefined && { virtualIpv6: sent.virtual_ipv6 }),
    ...(sent.preempt !== undefined && { preempt: sent.preempt }),
    ...(sent.unicast !== undefined && { isUnicast: sent.unicast }),
    ...(sent.check !== undefined && { check: sent.check }),
    ...(nodes && { members: nodes.members }),
    ...(nodes?.interval !== undefined && { interval: nodes.interval }),
    routerId: sent.router_id,
  };
}

/** A caller may send back what a read has answered. Faults: `invalid_request` */
function refuseOtherId(group: number, own: number | undefined): void {
  if (own === undefined || own === group) return;
  const message = `must be ${group}, the id in the path`;
  throw invalidRequest([{ field: 'id', message, type: 'number' }]);
}

function digestOf(body: object): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 12);
}
