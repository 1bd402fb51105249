import { Router } from 'express';
import { body, matchedData, param } from 'express-validator';

import type { Alphorn } from '../../alphorn/alphorn.ts';
import { isPlainPath } from '../../alphorn/manifest.ts';
import { isLiferaftName } from '../../alphorn/names.ts';
import type { RestoreOptions } from '../../alphorn/restore.ts';
import { checkSettings, type Settings } from '../../alphorn/settings.ts';
import { allowOnly, byGetOrPost } from '../methods.ts';
import { requireRole } from '../../server/middleware/authenticate.ts';
import { invalidRequest, validate } from '../../server/middleware/validate.ts';
import type { ChangeHandlers } from './change.ts';
import { isObject } from './fields.ts';

/** What the routes of Alphorn ask of the domain. */
export interface AlphornDomain {
  alphorn: Alphorn;
}

/** The routes `alphorn…`: what it is to do, how it is doing, and the liferafts of other hosts that are here. */
export function alphornRoutes({ alphorn }: AlphornDomain, changing: ChangeHandlers): Router {
  const { changes } = alphorn;
  const router = Router();

  router
    .route('/alphorn')
    .get(async (_request, response) => {
      response.json(await alphorn.settings());
    })
    .post(
      changing({
        checks: () => [
          body('config').custom(isObject).withMessage('must be an object of "interval" and "sync"'),
        ],
        change: ({ config }: { config: unknown }) => changes.setSettings(settingsOf(config)),
        answer: () => ({}),
      }),
    )
    .all(allowOnly('GET', 'HEAD', 'POST'));

  router
    .route('/alphorn/status')
    .get(async (_request, response) => {
      response.json(await alphorn.status());
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/alphorn/sync')
    .post(changing({ role: 'operator', change: changes.sync }))
    .all(allowOnly('POST'));

  router
    .route('/alphorn/restore/undo')
    .post(
      changing({
        checks: () => [flag('force')],
        change: ({ force = false }: { force?: boolean }) => changes.undo(force),
        loses: ({ force = false }) =>
          force
            ? 'What was changed since the restore is replaced, where it was restored. A copy stays on this host.'
            : undefined,
      }),
    )
    .all(allowOnly('POST'));

  const deleteAll = changing({
    change: changes.removeAll,
    loses: () => 'All liferafts that are on this host are removed, former generations too.',
  });
  // Before the names, of which it would be one.
  byGetOrPost(router, '/alphorn/liferaft/delete_all', deleteAll);
  // Not with a slash behind it: that would be the route of one whose name was left empty.
  router.use(Router({ strict: true }).delete('/alphorn/liferaft', deleteAll));
  router
    .route('/alphorn/liferaft')
    .get(async (_request, response) => {
      response.json(await alphorn.liferafts.list());
    })
    .all(allowOnly('GET', 'HEAD', 'DELETE'));

  // Not for every viewer: a manifest has the digests of secrets (password hashes, keys, tokens), from which a weak one
  // could be guessed, and a diff tells whether this host has the same ones.
  router
    .route('/alphorn/liferaft/:name')
    .get(requireRole('operator'), validate(byName), async (request, response) => {
      response.json(await alphorn.manifest(nameIn(request)));
    })
    .delete(
      changing({
        checks: byName,
        change: ({ name }: { name: string }) => changes.remove(name),
        loses: ({ name }) => `${name} is removed; its host sends it anew only while it lives.`,
      }),
    )
    .all(allowOnly('GET', 'HEAD', 'DELETE'));

  router
    .route('/alphorn/liferaft/:name/diff')
    .get(requireRole('operator'), validate(byName), async (request, response) => {
      response.json(await alphorn.diff(nameIn(request)));
    })
    .all(allowOnly('GET', 'HEAD'));

  router
    .route('/alphorn/liferaft/:name/restore')
    .post(
      changing({
        checks: () => [
          ...[...byName(), flag('dry_run'), flag('replace_users'), flag('folders'), paths()],
        ],
        change: ({ name, paths: chosen, ...body }: Chosen) =>
          changes.restore(name, chosen, optionsIn(body)),
        preview: ({ name, paths: chosen, ...body }) => alphorn.diff(name, chosen, optionsIn(body)),
      }),
    )
    .all(allowOnly('POST'));

  return router;
}

interface Chosen {
  name: string;
  paths?: string[];
  replace_users?: boolean;
  /** Whether folders that are there get their modes and owners too. */
  folders?: boolean;
}

function optionsIn({
  replace_users: replaceUsers = false,
  folders = false,
}: Pick<Chosen, 'replace_users' | 'folders'>): RestoreOptions {
  return { replaceUsers, folders };
}

const mostPaths = 1000;

const byName = () => [
  param('name')
    .custom(isLiferaftName)
    .withMessage('must be the name of a liferaft, such as "liferaft_1234abcd.tar"'),
];

function nameIn(request: Parameters<typeof matchedData>[0]): string {
  return matchedData<{ name: string }>(request).name;
}

const flag = (field: string) =>
  body(field)
    .optional()
    .custom((value: unknown) => typeof value === 'boolean')
    .withMessage('must be true or false');

const paths = () =>
  body('paths')
    .optional()
    .custom(
      (value: unknown) =>
        Array.isArray(value) &&
        value.length > 0 &&
        value.length <= mostPaths &&
        value.every((each) => typeof each === 'string' && isPlainPath(each)),
    )
    .withMessage(
      `must be an array of 1 to ${mostPaths} absolute paths, of files, links or folders, such as ["/etc/samba"]`,
    );

/** Faults: `invalid_request` */
function settingsOf(config: unknown): Settings {
  const { settings, errors } = checkSettings(config);
  if (settings) return settings;
  throw invalidRequest(errors.map(({ field, ...rest }) => ({ field: `config.${field}`, ...rest })));
}
