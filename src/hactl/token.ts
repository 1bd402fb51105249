import { Command, InvalidArgumentError, Option } from 'commander';

import { roles, type Role } from '../auth/roles.ts';
import { loadConfig } from '../config.ts';
import { makeTokenStore } from '../deps.ts';
import type { OnRecord } from './on-record.ts';
import { print, printJson, printTable, warn } from './print.ts';

/** `hactl token …`: who is let in by the API. No agent has to run. */
export function tokenCommand(onRecord: OnRecord): Command {
  const openStore = async () => makeTokenStore(await loadConfig(process.env));
  const token = new Command('token').description('the tokens that the API lets in');

  token
    .command('create')
    .description('makes a token and prints it; it cannot be shown again')
    .argument('<name>', 'what to call it, such as the program that will use it')
    .addOption(
      new Option('--role <role>', 'what it allows: to look, to run the cluster, or all')
        .choices(roles)
        .makeOptionMandatory(),
    )
    .option(
      '--expires <lifetime>',
      'how long it is good for, such as 12h, 90d or 52w (default: for ever)',
      lifetime,
    )
    .action(async (name: string, options: { role: Role; expires?: number }) => {
      const store = await openStore();
      const { role, expires } = options;
      print(
        await onRecord(['token', 'create', name, '--role', role], () =>
          store.create(name, role, expires),
        ),
      );
    });

  token
    .command('list')
    .description('shows all tokens, but not their secret')
    .option('--json', 'as a JSON array')
    .action(async (options: { json?: true }) => {
      const store = await openStore();
      const rows = (await store.list()).map(({ name, role, createdAt, expiresAt }) => ({
        name,
        role,
        created: createdAt.toISOString(),
        expires: expiresAt?.toISOString() ?? null,
      }));
      if (options.json) {
        printJson(rows);
      } else {
        printTable(
          ['NAME', 'ROLE', 'CREATED', 'EXPIRES'],
          rows.map(({ name, role, created, expires }) => [name, role, created, expires ?? 'never']),
        );
      }
      for (const file of await store.damaged()) {
        warn(`${file} is damaged, so its token lets nobody in. Remove the file, and make another.`);
      }
    });

  token
    .command('revoke')
    .description('makes a token worthless from now on')
    .argument('<name>', "its name, from 'hactl token list'")
    .action(async (name: string) => {
      const store = await openStore();
      await onRecord(['token', 'revoke', name], () => store.revoke(name));
    });
  return token;
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };

function lifetime(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([hdw])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw new InvalidArgumentError('Expected a number and h, d or w, such as 90d.');
  }
  return Number(count) * (units[unit] ?? 0);
}
