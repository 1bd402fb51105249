import * as z from 'zod';

import { trustAsRoot } from '../../server/middleware/authenticate.ts';
import { type Problems, problemSchema } from '../../server/problem.ts';
import type { Family } from '../../server/table/family.ts';
import { row } from '../../server/table/row.ts';
import { flag, integer, listOf, orNull, record, text, texts } from '../../server/table/schema.ts';
import { checked } from './checked.ts';

/** The base of these paths on the socket of ha-controller. */
export const localBase = '/controller/1.0';

/** A node as root sees it. */
export interface LocalNode {
  id: number;
  name: string;
  host: string;
  port: number;
  joined_at: string;
  /** Whether its last request was answered. */
  is_reachable: boolean;
  /** Why it is not reachable, or takes no orders; null if all is well. */
  trouble: string | null;
  /** The version of keepalived; null before its first word. */
  keepalived: string | null;
  /** What the node itself says is wrong. */
  troubles: readonly string[];
  /** ISO 8601 in UTC. */
  certificate_renews_at: string;
}

/** What `hactl controller status` shows. */
export interface LocalStatus {
  store: { id: string; epoch: number; folder: string };
  /** SHA-256 of the authority's certificate. */
  authority: string;
  authority_ends_at: string;
  nodes: readonly LocalNode[];
  /** What is wrong with the controller itself, one sentence each. */
  problems: readonly string[];
}

export interface LocalDomain {
  status: () => Promise<LocalStatus>;
  /** @returns a join token with what a node verifies. Faults: `too_many_join_tokens`, those of Store */
  makeJoinToken: () => Promise<{ token: string; expires_at: string }>;
  /** Faults: `controller_node_not_found`, `node_in_use`, `node_unreachable`, `node_refused`, those of Store */
  removeNode: (id: number, options: { isLost: boolean }) => Promise<void>;
  /** Replaces the backup beside the store. @returns its path. Faults: those of Store */
  backup: () => Promise<string>;
}

const node = record({
  id: integer,
  name: text,
  host: text,
  port: integer,
  joined_at: text,
  is_reachable: flag,
  trouble: orNull(text),
  keepalived: orNull(text),
  troubles: texts,
  certificate_renews_at: text,
});

const removal = z.strictObject({
  id: z.number().int().min(1),
  is_lost: z.boolean().default(false),
});

/** What root on this host may ask by the Unix socket. hactl uses it. */
export function localFamily(domain: LocalDomain, problems: Problems): Family {
  const byRoot = { role: 'admin', fields: {} } as const;
  return {
    name: 'controller-local',
    title: 'The controller, for root on its host',
    bases: [localBase],
    signIn: [trustAsRoot],
    rows: [
      row({
        ...byRoot,
        methods: ['GET'],
        path: '/status',
        summary: 'The store and the nodes of the controller.',
        answers: {
          200: {
            json: record({
              store: record({ id: text, epoch: integer, folder: text }),
              authority: text,
              authority_ends_at: text,
              nodes: listOf(node),
              problems: texts,
            }),
          },
        },
        codes: ['store_unavailable'],
        handle: async () => ({ body: await domain.status() }),
      }),
      row({
        ...byRoot,
        methods: ['POST'],
        path: '/join-tokens',
        body: 'json',
        summary: 'Makes a join token.',
        answers: { 200: { json: record({ token: text, expires_at: text }) } },
        codes: ['too_many_join_tokens', 'too_many_changes', 'store_unavailable', 'no_space'],
        handle: async () => ({ body: await domain.makeJoinToken(), isOnce: true }),
      }),
      row({
        ...byRoot,
        methods: ['POST'],
        path: '/node-removals',
        body: 'json',
        summary: 'Empties a node, and takes it out.',
        answers: { 200: { json: record({}) } },
        codes: [
          'controller_node_not_found',
          'node_in_use',
          'node_refused',
          'node_unreachable',
          'too_many_changes',
          'store_unavailable',
          'no_space',
        ],
        async handle(_values, call) {
          const { id, is_lost: isLost } = checked(removal, call.body);
          await domain.removeNode(id, { isLost });
          return { body: {} };
        },
      }),
      row({
        ...byRoot,
        methods: ['POST'],
        path: '/backups',
        body: 'json',
        summary: 'Replaces the backup beside the store.',
        answers: { 200: { json: record({ path: text }) } },
        codes: ['store_unavailable', 'no_space'],
        handle: async () => ({ body: { path: await domain.backup() } }),
      }),
    ],
    noSuchRoute: (path) => `There is no ${path} on this socket.`,
    answerFault: problems.answer,
    faultSchema: problemSchema,
    codes: [],
    examples: {},
  };
}
