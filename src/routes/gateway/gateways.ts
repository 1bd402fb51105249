import type { GatewayDomain } from '../../gateway/domain.ts';
import { inBody, inPath, optional } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { read } from '../common/read.ts';
import type { MakeChange } from './change.ts';
import {
  createdSchema,
  gatewayDocument,
  gatewaySchema,
  listSchema,
  nodeDocument,
  nodeSchema,
  well,
  wellList,
  wellSchema,
} from './documents/group.ts';
import { idInPath, name } from './fields.ts';
import { nodeName, nodeNames } from './group-fields.ts';
import { pageOf, paging } from './groups.ts';

const ofGateway = { gateway_id: inPath(idInPath) };
const ofNode = { ...ofGateway, node_id: inPath(idInPath) };

/** The routes of gateways, the least that makes the documented calls possible. */
export function gatewayRows({ gateways }: GatewayDomain, changing: MakeChange): Row[] {
  return [
    read({
      path: '/',
      summary: 'The gateways.',
      fields: paging,
      schema: listSchema(gatewaySchema),
      codes: [],
      async handle(query) {
        const found = await gateways.list(pageOf(query));
        return { body: wellList(found.gateways.map(gatewayDocument), found.count) };
      },
    }),
    read({
      path: '/:gateway_id',
      summary: 'One gateway, in the form of the list.',
      fields: ofGateway,
      schema: listSchema(gatewaySchema),
      codes: ['gateway_not_found'],
      handle: async ({ gateway_id: gateway }) => ({
        body: wellList([gatewayDocument(await gateways.find(gateway))], 1),
      }),
    }),
    changing({
      methods: ['POST'],
      path: '/',
      summary: 'Makes a gateway of nodes that have joined.',
      fields: { name: inBody(name), nodes: optional(nodeNames) },
      schema: createdSchema,
      codes: ['name_taken', 'node_not_found'],
      async carryOut({ name: wanted, nodes = [] }) {
        const made = await gateways.create({ name: wanted, nodes });
        return { body: well({ id: made.id }) };
      },
    }),
    changing({
      methods: ['PUT'],
      path: '/:gateway_id',
      summary: 'Changes a gateway. What is not sent stays; nodes is the whole list.',
      fields: { ...ofGateway, name: optional(name), nodes: optional(nodeNames) },
      schema: wellSchema(),
      codes: ['gateway_not_found', 'name_taken', 'node_not_found', 'node_in_use'],
      async carryOut({ gateway_id: gateway, ...change }) {
        const warnings = await gateways.change(gateway, change);
        return { body: well(), warnings };
      },
    }),
    changing({
      methods: ['DELETE'],
      path: '/:gateway_id',
      summary: 'Removes a gateway that has no groups.',
      fields: ofGateway,
      schema: wellSchema(),
      codes: ['gateway_not_found', 'gateway_in_use'],
      async carryOut({ gateway_id: gateway }) {
        await gateways.remove(gateway);
        return { body: well() };
      },
    }),
  ];
}

/** The routes of the nodes of a gateway. A node itself joins and leaves by `hactl node`. */
export function nodeRows(domain: GatewayDomain, changing: MakeChange): Row[] {
  const { gateways, views } = domain;
  return [
    read({
      path: '/:gateway_id/nodes',
      summary: 'The nodes of a gateway, with their interfaces and what is wrong with them.',
      fields: ofGateway,
      schema: listSchema(nodeSchema),
      codes: ['gateway_not_found'],
      async handle({ gateway_id: gateway }) {
        const nodes = await views.nodes(gateway);
        return { body: wellList(nodes.map(nodeDocument), nodes.length) };
      },
    }),
    read({
      path: '/:gateway_id/nodes/:node_id',
      summary: 'One node of a gateway, in the form of the list.',
      fields: ofNode,
      schema: listSchema(nodeSchema),
      codes: ['gateway_not_found', 'node_not_found'],
      handle: async ({ gateway_id: gateway, node_id: node }) => ({
        body: wellList([nodeDocument(await views.node(gateway, node))], 1),
      }),
    }),
    changing({
      methods: ['POST'],
      path: '/:gateway_id/nodes',
      summary: 'Adds a node that has joined to a gateway.',
      fields: { ...ofGateway, node: inBody(nodeName) },
      schema: createdSchema,
      codes: ['gateway_not_found', 'node_not_found'],
      async carryOut({ gateway_id: gateway, node }) {
        return { body: well({ id: await gateways.addNode(gateway, node) }) };
      },
    }),
    changing({
      methods: ['DELETE'],
      path: '/:gateway_id/nodes/:node_id',
      summary: 'Takes a node that no group uses out of a gateway.',
      fields: ofNode,
      schema: wellSchema(),
      codes: ['gateway_not_found', 'node_not_found', 'node_in_use'],
      async carryOut({ gateway_id: gateway, node_id: node }) {
        await gateways.removeNode(gateway, node);
        return { body: well() };
      },
    }),
    changing({
      methods: ['POST'],
      path: '/:gateway_id/nodes/:node_id/adopt',
      summary:
        'Has a node run what the store says, although it runs something else since before a restore.',
      fields: ofNode,
      schema: wellSchema(),
      codes: ['gateway_not_found', 'node_not_found', 'node_refused', 'nodes_unreachable'],
      async carryOut({ gateway_id: gateway, node_id: node }) {
        await views.node(gateway, node);
        await domain.adopt(node);
        return { body: well() };
      },
    }),
  ];
}
