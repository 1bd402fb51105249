import type { Alphorn } from '../../alphorn/alphorn.ts';
import { isPlainPath } from '../../alphorn/format/paths.ts';
import { isLiferaftName } from '../../alphorn/format/names.ts';
import type { RestoreOptions } from '../../alphorn/restoring/plan.ts';
import { checkSettings, type Settings } from '../../alphorn/settings.ts';
import { invalidRequest } from '../../server/middleware/validate.ts';
import { inBody, inPath, optional, rule } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import type { ChangeRows } from '../common/change.ts';
import { read } from '../common/read.ts';
import { flag, isObject } from '../../server/table/rules.ts';

/** The routes `alphorn…`: what it is to do, how it is doing, and the liferafts of other hosts that are here. */
export function alphornRows(alphorn: Alphorn, changing: ChangeRows): Row[] {
  const { changes } = alphorn;
  const name = inPath(liferaftName);
  const deleteAll = {
    summary: 'Deletes all liferafts that are on this node.',
    change: changes.removeAll,
    loses: () => 'All liferafts that are on this host are removed, former generations too.',
  };
  return [
    read({
      path: '/alphorn',
      summary: 'What Alphorn is to do.',
      handle: async () => ({ body: await alphorn.settings() }),
    }),
    changing({
      path: '/alphorn',
      summary: 'Says what Alphorn is to do.',
      fields: { config: inBody(settingsObject) },
      change: ({ config }) => changes.setSettings(settingsOf(config)),
      answer: () => ({}),
    }),
    read({
      path: '/alphorn/status',
      summary: 'How the sender of this node is doing.',
      handle: async () => ({ body: await alphorn.status() }),
    }),
    changing({
      path: '/alphorn/sync',
      summary: 'Has the sender of this node look for changes and send now.',
      role: 'operator',
      change: changes.sync,
    }),
    changing({
      path: '/alphorn/restore/undo',
      summary: 'Puts back what the latest restore replaced.',
      fields: { force: optional(flag) },
      change: ({ force = false }) => changes.undo(force),
      loses: ({ force = false }) =>
        force
          ? 'What was changed since the restore is replaced, where it was restored. A copy stays on this host.'
          : undefined,
    }),
    changing({ ...deleteAll, methods: ['GET', 'POST'], path: '/alphorn/liferaft/delete_all' }),
    // With a slash behind it, it would be the route of one whose name was left empty.
    changing({ ...deleteAll, methods: ['DELETE'], path: '/alphorn/liferaft', isStrict: true }),
    read({
      path: '/alphorn/liferaft',
      summary: 'The liferafts of other hosts that are on this node.',
      handle: async () => ({ body: await alphorn.liferafts.list() }),
    }),
    // Not for every viewer: a manifest has the digests of secrets (password hashes, keys, tokens), from which a weak one
    // could be guessed, and a diff tells whether this host has the same ones.
    read({
      path: '/alphorn/liferaft/:name',
      summary: 'What is in a liferaft.',
      role: 'operator',
      fields: { name },
      handle: async (values) => ({ body: await alphorn.manifest(values.name) }),
    }),
    changing({
      methods: ['DELETE'],
      path: '/alphorn/liferaft/:name',
      summary: 'Deletes a liferaft.',
      fields: { name },
      change: (values) => changes.remove(values.name),
      loses: (values) => `${values.name} is removed; its host sends it anew only while it lives.`,
    }),
    read({
      path: '/alphorn/liferaft/:name/diff',
      summary: 'What a restore of a liferaft would change on this node.',
      role: 'operator',
      fields: { name },
      handle: async (values) => ({ body: await alphorn.diff(values.name) }),
    }),
    changing({
      path: '/alphorn/liferaft/:name/restore',
      summary: 'Makes paths of this node as they are in a liferaft.',
      fields: {
        name,
        replace_users: optional(flag),
        folders: optional(flag),
        paths: optional(paths),
      },
      change: (values) => changes.restore(values.name, values.paths, optionsIn(values)),
      preview: (values) => alphorn.diff(values.name, values.paths, optionsIn(values)),
    }),
  ];
}

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
