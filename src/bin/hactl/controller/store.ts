import { copyFile, rm } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { controllerConfigFile } from '../../../controller/config.ts';
import { hactlSigningFolder } from '../../../controller/paths.ts';
import { makeRun } from '../../../kit/exec.ts';
import { Fault } from '../../../kit/fault.ts';
import { createFile, orNoSpace, statIfThere } from '../../../kit/files/files.ts';
import { namesOfThisHost } from '../../../kit/host-names.ts';
import { makeLog } from '../../../kit/log.ts';
import { controllerFileVariable, loadControllerConfig } from '../../wiring/controller/config.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print } from '../print.ts';
import { type AskController } from './client.ts';

// SQLite is loaded only for these commands.
const load = async () => ({
  ...(await import('../../../balancer/secrets/local.ts')),
  ...(await import('../../../controller/init.ts')),
  ...(await import('../../../controller/certificates/signer.ts')),
  ...(await import('../../../controller/store/closed-backup.ts')),
  ...(await import('../../../controller/store/copies.ts')),
  ...(await import('../../../controller/store/restore.ts')),
  ...(await import('../../wiring/controller/families.ts')),
});

/** Adds `init`. */
export function addInitCommand(controller: Command, onRecord: OnRecord): void {
  withOutput(controller.command('init'))
    .summary('make the store and the authority of a controller')
    .description(
      `Makes an empty store with a new identity, and an authority that signs the certificates of the nodes. Both are in the state folder. If there is no ${controllerConfigFile}, it is made with the defaults, so that ha-controller can start.`,
    )
    .action(async (_options: unknown, command: Command) => {
      const { state_directory: folder, balancer } = await loadControllerConfig(process.env);
      const made = await onRecord(['controller', 'init'], async () => {
        const { initController, makeSigner, openSecretsKey, allMigrations } = await load();
        const migrations = allMigrations;
        const run = makeRun(makeLog('silent'));
        const signer = makeSigner(run, hactlSigningFolder);
        const host = () => namesOfThisHost(run);
        try {
          const initialised = await initController({ folder, migrations, signer, host });
          await openSecretsKey(balancer.secrets_key);
          await makeConfig();
          return initialised;
        } finally {
          await rm(hactlSigningFolder, { recursive: true, force: true });
        }
      });
      const { identity, authority } = made;
      printData(command, { store: identity, authority, folder }, () => {
        print(`The store ${identity.id} was made in ${folder}.`);
        print(`SHA-256 of its authority: ${authority}`);
        print("Next: 'systemctl enable --now ha-controller', then 'hactl node token'.");
      });
    });
}

async function makeConfig(): Promise<void> {
  const file = process.env[controllerFileVariable] ?? controllerConfigFile;
  if ((await statIfThere(file)) === undefined) await createFile(file, '{}\n', 0o600);
}

/** Adds `backup`. */
export function addBackupCommand(
  controller: Command,
  ask: AskController,
  onRecord: OnRecord,
): void {
  controller
    .command('backup')
    .summary('write all of the store to one file')
    .description(
      'Writes all of the store to one file, which only root can read: it has the key of the authority. The controller may run meanwhile.',
    )
    .argument('<file>', 'where to write it; it must not exist')
    .action(async (file: string) => {
      const to = resolve(file);
      if (await statIfThere(to)) {
        throw new Fault(
          'backup_refused',
          `There is something at ${to} already. Name another file, or move that one away.`,
        );
      }
      await onRecord(['controller', 'backup', file], () => backupTo(to, ask));
      print(`The store was written to ${to}.`);
    });
}

async function backupTo(to: string, ask: AskController): Promise<void> {
  const made = await ask({ method: 'POST', path: '/backups', body: {} }).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'controller_not_running') return undefined;
    throw error;
  });
  if (made === undefined) {
    const { state_directory: folder } = await loadControllerConfig(process.env);
    await (await load()).backupClosedStore(folder, to);
    return;
  }
  // The unit of the controller can write to its own folder only.
  const { writeCopy } = await load();
  const { path } = made as { path: string };
  await writeCopy(to, (temporary) => orNoSpace(to, () => copyFile(path, temporary)));
}

/** Adds `restore`. */
export function addRestoreCommand(controller: Command, onRecord: OnRecord): void {
  withOutput(controller.command('restore'))
    .summary('put a backup in the place of the store')
    .description(
      'Puts a backup in the place of the store, whose former content stays as a copy. The controller must be stopped. The epoch of the store grows, so nodes take no orders from a former copy of it. No number that was given out since the backup is given out again.',
    )
    .argument('<file>', "the backup, from 'hactl controller backup'")
    .action(async (file: string, _options: unknown, command: Command) => {
      const { state_directory: folder } = await loadControllerConfig(process.env);
      const restored = await onRecord(['controller', 'restore', file], async () => {
        const { restoreStore, allMigrations: migrations } = await load();
        return restoreStore({ folder, from: resolve(file), migrations });
      });
      const { identity, former } = restored;
      printData(command, { store: identity, former: former ?? null, folder }, () => {
        print(`The store ${identity.id} was restored, with epoch ${identity.epoch}.`);
        if (former !== undefined) print(`The former store is in ${former}.`);
        print("Next: 'systemctl start ha-controller'.");
      });
    });
}
