import type { Alphorn } from '../../alphorn/alphorn.ts';
import { isPlainPath } from '../../alphorn/format/paths.ts';
import { isLiferaftName } from '../../alphorn/format/names.ts';
import type { RestoreOptions } from '../../alphorn/restoring/plan.ts';
import { checkSettings, type Settings } from '../../alphorn/settings.ts';
import type { FaultCode } from '../../kit/fault.ts';
import { invalidRequest } from '../../server/middleware/validate.ts';
import { inBody, inPath, optional, rule } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import type { ChangeRows } from '../common/change.ts';
import { read } from '../common/read.ts';
import { flag, isObject } from '../../server/table/rules.ts';
import { record, text, texts } from '../../server/table/schema.ts';
import { ofTools } from '../common/codes.ts';
import * as answered from './answers.ts';

/** The routes `alphorn…`: the settings and state of the sender, and the liferafts of other hosts on this one. */
export function alphornRows(alphorn: Alphorn, changing: ChangeRows): Row[] {
  const { changes } = alphorn;
  const name = inPath(liferaftName);
  const deleteAll = {
    summary: 'Deletes all liferafts on this node.',
    schema: texts,
    codes: ['cannot_be_tried'] as const,
    change: changes.removeAll,
    loses: () => 'All liferafts on this host are deleted, including former generations.',
  };
  return [
    read({
      path: '/alphorn',
      summary: 'The settings of Alphorn.',
      schema: answered.settings,
      codes: ['alphorn_settings_invalid'],
      handle: async () => ({ body: await alphorn.settings() }),
    }),
    changing({
      path: '/alphorn',
      summary: 'Changes the settings of Alphorn.',
      fields: { config: inBody(settingsObject) },
      schema: record({}),
      codes: ['cannot_be_tried'],
      change: ({ config }) => changes.setSettings(settingsOf(config)),
      answer: () => ({}),
    }),
    read({
      path: '/alphorn/status',
      summary: 'The status of the sender on this node.',
      schema: answered.status,
      codes: ['alphorn_unresponsive'],
      handle: async () => ({ body: await alphorn.status() }),
    }),
    changing({
      path: '/alphorn/sync',
      summary: 'Makes the sender on this node look for changes and send now.',
      role: 'operator',
      schema: answered.senderStatus,
      codes: ['cannot_be_tried', 'alphorn_not_running', 'alphorn_unresponsive'],
      change: changes.sync,
    }),
    changing({
      path: '/alphorn/restore/undo',
      summary: 'Undoes the latest restore.',
      fields: { force: optional(flag) },
      schema: answered.undone,
      codes: ['cannot_be_tried', 'nothing_to_undo', 'changed_since_restore', ...ofRestores],
      change: ({ force = false }) => changes.undo(force),
      loses: ({ force = false }) =>
        force
          ? 'Changes since the restore are overwritten in the restored paths. A copy stays on this host.'
          : undefined,
    }),
    changing({ ...deleteAll, methods: ['GET', 'POST'], path: '/alphorn/liferaft/delete_all' }),
    // With a slash at the end, it would be the route of a liferaft with an empty name.
    changing({ ...deleteAll, methods: ['DELETE'], path: '/alphorn/liferaft', isStrict: true }),
    read({
      path: '/alphorn/liferaft',
      summary: 'The liferafts of other hosts on this node.',
      schema: answered.liferafts,
      codes: [],
      handle: async () => ({ body: await alphorn.liferafts.list() }),
    }),
    // Not for viewers: a manifest has the digests of secrets (password hashes, keys, tokens), from which a weak one could
    // be guessed, and a diff tells whether this host has the same ones.
    read({
      path: '/alphorn/liferaft/:name',
      summary: 'The content of a liferaft.',
      schema: answered.manifest,
      codes: ofLiferaft,
      role: 'operator',
      fields: { name },
      handle: async (values) => ({ body: await alphorn.manifest(values.name) }),
    }),
    changing({
      methods: ['DELETE'],
      path: '/alphorn/liferaft/:name',
      summary: 'Deletes a liferaft.',
      fields: { name },
      schema: text,
      codes: ['cannot_be_tried', 'liferaft_not_found'],
      change: (values) => changes.remove(values.name),
      loses: (values) =>
        `${values.name} is deleted. Its host sends it again only if the host still runs.`,
    }),
    read({
      path: '/alphorn/liferaft/:name/diff',
      summary: 'What the restore of a liferaft would change on this node.',
      schema: answered.diff,
      codes: [...ofLiferaft, ...ofTools],
      role: 'operator',
      fields: { name },
      handle: async (values) => ({ body: await alphorn.diff(values.name) }),
    }),
    changing({
      path: '/alphorn/liferaft/:name/restore',
      summary: 'Restores paths of this node from a liferaft.',
      fields: {
        name,
        replace_users: optional(flag),
        folders: optional(flag),
        paths: optional(paths),
      },
      schema: answered.restored,
      codes: [...ofLiferaft, ...ofRestores, 'path_not_in_liferaft', 'restore_blocked'],
      change: (values) => changes.restore(values.name, values.paths, optionsIn(values)),
      preview: {
        schema: answered.dryRunOfRestore,
        make: (values) => alphorn.diff(values.name, values.paths, optionsIn(values)),
      },
    }),
  ];
}

const ofLiferaft: readonly FaultCode[] = [
  'liferaft_not_found',
  'liferaft_damaged',
  'liferaft_of_later_format',
];

/** The codes of routes that replace files. */
const ofRestores: readonly FaultCode[] = [
  'restore_busy',
  'restore_failed',
  'pacemaker_running',
  'changed_meanwhile',
  ...ofTools,
];

function optionsIn({
  replace_users: replaceUsers = false,
  folders = false,
}: {
  replace_users?: boolean;
  folders?: boolean;
}): RestoreOptions {
  return { replaceUsers, folders };
}

const settingsObject = rule<unknown>({ type: 'object' }, (chain) =>
  chain.custom(isObject).withMessage('must be an object of "interval" and "sync"'),
);

const liferaftName = rule<string>(
  { type: 'string', examples: ['liferaft_1234abcd.tar'] },
  (chain) =>
    chain
      .custom(isLiferaftName)
      .withMessage('must be the name of a liferaft, such as "liferaft_1234abcd.tar"'),
);

const maxPaths = 1000;

const paths = rule<string[]>(
  { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: maxPaths },
  (chain) =>
    chain
      .custom(
        (value: unknown) =>
          Array.isArray(value) &&
          value.length > 0 &&
          value.length <= maxPaths &&
          value.every((each) => typeof each === 'string' && isPlainPath(each)),
      )
      .withMessage(
        `must be an array of 1 to ${maxPaths} absolute paths, of files, links or folders, such as ["/etc/samba"]`,
      ),
);

/** Faults: `invalid_request` */
function settingsOf(config: unknown): Settings {
  const { settings, errors } = checkSettings(config);
  if (settings) return settings;
  throw invalidRequest(errors.map(({ field, ...rest }) => ({ field: `config.${field}`, ...rest })));
}
