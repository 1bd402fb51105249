import {
  generateKey,
  setCorosyncConf,
  setCorosyncConfText,
  setCorosyncKey,
} from '../../cluster/edits/catalogue/corosync.ts';
import type { CorosyncReader } from '../../cluster/reading/corosync.ts';
import type { FaultCode } from '../../kit/fault.ts';
import { inBody, rule } from '../../server/table/field.ts';
import type { DescribedHeaders, Row } from '../../server/table/row.ts';
import type { ClusterChangeRows } from './cluster-change-rows.ts';
import { read } from '../common/read.ts';
import { isObject } from '../../server/table/rules.ts';
import { text } from '../../server/table/schema.ts';
import { corosyncConf, corosyncKey, quorum, rings } from './answers/host.ts';
import { ofCluster, ofTools } from '../common/codes.ts';
import { ofCorosyncConf } from './codes.ts';
import { corosyncConfAsJson, corosyncConfOfJson } from './documents/corosync-conf.ts';
import { documentedQuorum, documentedRings } from './documents/corosync-state.ts';

/** The routes `corosync…`, and `quorum`, which corosync reports as well. */
export function corosyncRows(corosync: CorosyncReader, changing: ClusterChangeRows): Row[] {
  return [
    read({
      path: '/corosync',
      summary: 'The corosync.conf of this node, by section.',
      schema: corosyncConf,
      codes: ofCorosyncConf,
      headers: validity,
      async handle() {
        const { conf: sections, valid } = await corosync.conf();
        return {
          body: corosyncConfAsJson(sections),
          ...(valid !== undefined && { headers: { 'X-HA-Valid': `${valid}` } }),
        };
      },
    }),
    changing({
      path: '/corosync',
      summary: 'Writes the corosync.conf of this node from sections, if corosync accepts them.',
      fields: { totem: inBody(section), quorum: inBody(section), nodelist: inBody(section) },
      takesAll: true,
      schema: text,
      codes: ofWrites,
      // The whole file, whatever its sections are.
      change: (_values, call) => setCorosyncConf(corosyncConfOfJson(call.checkedBody())),
    }),
    read({
      path: '/corosync/raw',
      summary: 'The text of the corosync.conf of this node.',
      schema: text,
      codes: ofCorosyncConf,
      handle: async () => ({ body: await corosync.confText() }),
    }),
    changing({
      path: '/corosync/raw',
      summary: 'Writes the corosync.conf of this node from text, if corosync accepts it.',
      fields: { conf: inBody(conf) },
      schema: text,
      codes: ofWrites,
      change: (values) => setCorosyncConfText(values.conf),
    }),
    read({
      path: '/corosync/verify',
      summary: 'Whether corosync would start with the corosync.conf of this node.',
      schema: text,
      codes: ofTools,
      headers: validity,
      async handle() {
        const { valid, text: said } = await corosync.verifyConf();
        return { body: said, headers: { 'X-HA-Valid': `${valid}` } };
      },
    }),
    read({
      path: '/corosync/key',
      summary: 'The corosync key of the cluster, in hexadecimal.',
      role: 'admin',
      schema: corosyncKey,
      codes: ['corosync_key_not_found', 'audit_failed', 'no_space'],
      // There is no ETag, because it would be a digest of the key.
      handle: async (_values, call) => ({
        body: { key: await corosync.key(call.audited()) },
        isOnce: true,
      }),
    }),
    changing({
      path: '/corosync/key',
      summary: 'Writes the corosync key on this node.',
      fields: { key: inBody(key) },
      schema: 'nothing',
      codes: ['cannot_be_tried'],
      change: (values) => setCorosyncKey(values.key),
    }),
    changing({
      methods: ['GET', 'POST'],
      path: '/corosync/key/generate',
      summary: 'Generates a new corosync key on this node.',
      schema: text,
      codes: ['cannot_be_tried'],
      change: generateKey,
    }),
    read({
      path: '/corosync/rings',
      summary: 'The links from this node to the others.',
      schema: rings,
      codes: ofCluster,
      handle: async () => ({ body: documentedRings(await corosync.rings.get()) }),
    }),
    read({
      path: '/quorum',
      summary: 'The quorum: its votes and its members.',
      schema: quorum,
      codes: ofCluster,
      handle: async () => ({ body: documentedQuorum(await corosync.quorum.get()) }),
    }),
  ];
}

const validity: DescribedHeaders = {
  'X-HA-Valid': 'Whether corosync would start with this corosync.conf: `true` or `false`.',
};

const ofWrites: readonly FaultCode[] = [
  'cannot_be_tried',
  'corosync_conf_invalid',
  'corosync_conf_unreadable',
];

const section = rule<object>({ type: 'object' }, (chain) =>
  chain.custom(isObject).withMessage('must be a section, which is an object'),
);

/** A text without a NUL byte, which ends a C string. Corosync checks the rest. */
const conf = rule<string>({ type: 'string', minLength: 1 }, (chain) =>
  chain
    .custom(
      (value: unknown) => typeof value === 'string' && value.trim() !== '' && !value.includes('\0'),
    )
    .withMessage('must be the text of a corosync.conf, not empty'),
);

/** The sizes of a key that corosync accepts (TOTEM_PRIVATE_KEY_LEN_MIN and _MAX of totem.h). */
const key = rule<string>({ type: 'string', pattern: '^(?:[0-9a-fA-F]{2}){128,4096}$' }, (chain) =>
  chain
    .custom(
      (value: unknown) => typeof value === 'string' && /^(?:[0-9a-f]{2}){128,4096}$/i.test(value),
    )
    .withMessage('must be a key of 128 to 4096 bytes in hexadecimal'),
);
