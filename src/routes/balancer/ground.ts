import type { BalancerDomain } from '../../balancer/domain.ts';
import { Fault, type FaultCode } from '../../kit/fault.ts';
import type { Row } from '../../server/table/row.ts';
import { listOf, record } from '../../server/table/schema.ts';
import { read } from '../common/read.ts';
import { type MakeChange, type ChangeResult, scopeOf } from './change.ts';
import {
  nodeDocument,
  orphanDocument,
  ownQuotaDocument,
  portDocument,
  quotaDocument,
  secretDocument,
} from './documents/ground.ts';
import { nodeSchema, orphanSchema, portSchema, secretSchema } from './documents/own-schemas.ts';
import { quotaSchema, quotasSchema } from './documents/schemas.ts';
import { argument, pathId } from './fields/checking.ts';
import { projectIn } from './fields/common.ts';
import { newPort, quotaOf, quotas as quotaFields, secret, secretOf } from './fields/ground.ts';
import { isUuid } from './fields/values.ts';

const ofStore: readonly FaultCode[] = ['store_unavailable'];
const found: readonly FaultCode[] = ['balancer_object_not_found', ...ofStore];
const ofTenant = { tenant: pathId('Quotas') };
const ofPort = { port: pathId('Port') };
const ofSecret = { secret: pathId('Secret') };
const ofNode = { node: pathId('Node') };

/** The routes of quotas: of tenants with quotas of their own, of one tenant, and the default. */
export function quotaRows({ quotas }: BalancerDomain, changing: MakeChange): Row[] {
  const one = '/quotas/:tenant';
  return [
    read({
      path: '/quotas',
      summary: 'The tenants with quotas of their own.',
      schema: quotasSchema,
      codes: ofStore,
      handle: async (_values, call) => ({
        body: { quotas: (await quotas.list(scopeOf(call))).map(ownQuotaDocument) },
      }),
    }),
    read({
      path: one,
      summary: 'The quota of a tenant. -1 means no limit.',
      fields: ofTenant,
      schema: quotaSchema,
      codes: found,
      handle: async ({ tenant }, call) => ({
        body: { quota: quotaDocument(await quotas.get(scopeOf(call), tenant)) },
      }),
    }),
    read({
      path: `${one}/default`,
      summary: 'The quota of a tenant without one of its own.',
      fields: ofTenant,
      schema: quotaSchema,
      codes: [],
      handle: () => ({ body: { quota: quotaDocument(quotas.defaults()) } }),
    }),
    changing({
      methods: ['PUT'],
      path: one,
      summary: 'Sets a part of the quota of a tenant. Null means the default.',
      role: 'admin',
      fields: { ...ofTenant, ...argument('quotas', quotaFields) },
      schema: quotaSchema,
      codes: ['balancer_object_not_found', 'balancer_invalid'],
      async carryOut({ tenant, ...sent }, { scope }): Promise<ChangeResult> {
        const set = await quotas.set(scope, tenant, quotaOf(sent, quotas.defaults()));
        return { body: { quota: quotaDocument(set) } };
      },
    }),
    changing({
      methods: ['DELETE'],
      path: one,
      summary: 'Gives a tenant the default quota.',
      role: 'admin',
      fields: ofTenant,
      schema: 'nothing',
      codes: ['balancer_object_not_found'],
      async carryOut({ tenant }, { scope }): Promise<ChangeResult> {
        const own = await quotas.list(scope);
        if (!own.some(({ project }) => project === tenant))
          throw new Fault('balancer_object_not_found', `Quotas ${tenant} not found.`);
        await quotas.reset(scope, tenant);
        return {};
      },
    }),
  ];
}

/** Our own routes of addresses for VIPs. */
export function portRows({ ports }: BalancerDomain, changing: MakeChange): Row[] {
  return [
    read({
      path: '/ports',
      summary: 'The addresses that were given out.',
      schema: listOf(portSchema),
      codes: ofStore,
      handle: async (_values, call) => ({
        body: (await ports.list(scopeOf(call))).map(portDocument),
      }),
    }),
    changing({
      methods: ['POST'],
      path: '/ports',
      summary: 'Reserves an address, for the port_id of a later load balancer.',
      role: 'admin',
      status: 200,
      fields: argument('port', newPort, projectIn),
      schema: portSchema,
      codes: ['balancer_object_not_found', 'balancer_invalid', 'balancer_conflict'],
      async carryOut(sent, { scope }): Promise<ChangeResult> {
        const port = await ports.create(scope, {
          id: sent.id,
          project: projectIn(sent),
          network: sent.network_id ?? undefined,
          subnet: sent.subnet_id ?? undefined,
          address: sent.ip_address ?? undefined,
        });
        return { body: portDocument(port) };
      },
    }),
    read({
      path: '/ports/:port',
      summary: 'One address.',
      fields: ofPort,
      schema: portSchema,
      codes: found,
      handle: async ({ port }, call) => ({
        body: portDocument(await ports.get(scopeOf(call), port)),
      }),
    }),
    changing({
      methods: ['DELETE'],
      path: '/ports/:port',
      summary: 'Gives an address back that no load balancer has.',
      role: 'admin',
      status: 200,
      fields: ofPort,
      schema: record({}),
      codes: ['balancer_object_not_found', 'balancer_conflict'],
      async carryOut({ port }, { scope }): Promise<ChangeResult> {
        await ports.remove(scope, port);
        return { body: {} };
      },
    }),
  ];
}

/** Our own routes of certificates. Those of all tenants are one set, so a token of a tenant has none. */
export function secretRows({ secrets }: BalancerDomain, changing: MakeChange): Row[] {
  return [
    read({
      path: '/secrets',
      summary: 'The certificates, without their keys.',
      role: 'admin',
      schema: listOf(secretSchema),
      codes: found,
      async handle(_values, call) {
        refuseTenant(scopeOf(call));
        return { body: (await secrets.list()).map(secretDocument) };
      },
    }),
    changing({
      methods: ['PUT'],
      path: '/secrets/:secret',
      summary: 'Stores a certificate with its key. The listeners that use it show the new one.',
      role: 'admin',
      status: 200,
      fields: {
        ...ofSecret,
        ...argument('secret', secret, (values) => {
          secretOf(values);
        }),
      },
      schema: secretSchema,
      codes: ['balancer_object_not_found', 'balancer_invalid'],
      async carryOut({ secret: id, ...sent }, { scope }): Promise<ChangeResult> {
        refuseTenant(scope);
        if (!isUuid(id))
          throw new Fault('balancer_invalid', `The id of a secret is a UUID, which ${id} is not.`);
        return { body: secretDocument(await secrets.put(id, secretOf(sent))) };
      },
    }),
    changing({
      methods: ['DELETE'],
      path: '/secrets/:secret',
      summary: 'Removes a certificate that no listener uses.',
      role: 'admin',
      status: 200,
      fields: ofSecret,
      schema: record({}),
      codes: ['balancer_object_not_found', 'balancer_conflict'],
      async carryOut({ secret: id }, { scope }): Promise<ChangeResult> {
        refuseTenant(scope);
        await secrets.remove(id);
        return { body: {} };
      },
    }),
  ];
}

/** Our own routes of the nodes that carry load balancers, and of what they run that nobody knows. */
export function nodeRows({ nodes, orphans }: BalancerDomain, changing: MakeChange): Row[] {
  return [
    read({
      path: '/nodes',
      summary: 'The nodes that can carry load balancers.',
      role: 'admin',
      schema: listOf(nodeSchema),
      codes: found,
      async handle(_values, call) {
        refuseTenant(scopeOf(call));
        return { body: (await nodes.list()).map(nodeDocument) };
      },
    }),
    ...(['drain', 'resume'] as const).map((action) =>
      changing({
        methods: ['POST'],
        path: `/nodes/:node/${action}`,
        summary:
          action === 'drain'
            ? 'Moves the load balancers of a node to other nodes, one after another.'
            : 'Lets a drained node take load balancers again.',
        role: 'admin',
        fields: ofNode,
        schema: nodeSchema,
        codes: ['balancer_object_not_found', 'balancer_conflict'],
        async carryOut({ node }, { scope }): Promise<ChangeResult> {
          refuseTenant(scope);
          return { body: nodeDocument(await nodes[action](numberOf(node))) };
        },
      }),
    ),
    read({
      path: '/orphans',
      summary: 'What nodes run that the store does not know.',
      role: 'admin',
      schema: listOf(orphanSchema),
      codes: found,
      async handle(_values, call) {
        refuseTenant(scopeOf(call));
        return { body: (await orphans.list()).map(orphanDocument) };
      },
    }),
    changing({
      methods: ['DELETE'],
      path: '/orphans/:node/:orphan',
      summary: 'Removes from a node what the store does not know.',
      role: 'admin',
      status: 200,
      fields: { ...ofNode, orphan: pathId('Orphan') },
      schema: record({}),
      codes: [
        ...(['balancer_object_not_found', 'balancer_conflict'] as const),
        ...(['node_unreachable', 'node_refused'] as const),
      ],
      async carryOut({ node, orphan }, { scope }): Promise<ChangeResult> {
        refuseTenant(scope);
        await orphans.remove(numberOf(node), orphan);
        return { body: {} };
      },
    }),
  ];
}

/** Faults: `balancer_object_not_found` */
function numberOf(node: string): number {
  if (/^[1-9]\d{0,14}$/.test(node)) return Number(node);
  throw new Fault('balancer_object_not_found', `Node ${node} not found.`);
}

/** What belongs to no tenant is hidden from the tokens of tenants. Faults: `balancer_object_not_found` */
function refuseTenant({ tenant }: { tenant: string | undefined }): void {
  if (tenant === undefined) return;
  throw new Fault(
    'balancer_object_not_found',
    'There is nothing here for a token that is bound to a tenant. Use one that is bound to none.',
  );
}
