import { Command, InvalidArgumentError, Option } from 'commander';

import { type Role, roles } from '../../access/roles.ts';
import { makeTokenStore } from '../wiring/stores.ts';
import type { OnRecord } from './on-record.ts';
import { printData, withOutput } from './output.ts';
import { print, printTable, warn } from './print.ts';
import { loadConfig } from '../wiring/config.ts';

interface CreateOptions {
  role: Role;
  expires?: number;
  tenant?: string;
}

/** `hactl token …`: who may call the API. No agent has to run. */
export function tokenCommand(onRecord: OnRecord): Command {
  const openStore = async () => makeTokenStore(await loadConfig(process.env));
  const token = new Command('token')
    .summary('manage the tokens of the API')
    .description(
      'Manages tokens: callers of the API identify themselves with one. The agent accepts or rejects a token at once, without a restart. A token is valid only on the node that issued it.',
    );

  withOutput(token.command('create'))
    .summary('create a token and print it')
    .description(
      'Creates a token and prints it, and nothing else. It cannot be shown again, because only a hash is stored.',
    )
    .argument('<name>', 'name of the token, such as the program that will use it')
    .addOption(
      new Option(
        '--role <role>',
        'what the holder may do: read (viewer), also operate the cluster (operator), or also configure it (admin)',
      )
        .choices(roles)
        .makeOptionMandatory(),
    )
    .option(
      '--expires <lifetime>',
      'how long the token is valid, in hours, days or weeks: 12h, 90d, 52w (default: forever)',
      lifetime,
    )
    .option(
      '--tenant <tenant>',
      'bind the token to a tenant: its holder sees and changes only the load balancers of this tenant, and cannot use any other API',
    )
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const store = await openStore();
      const { role, expires, tenant } = options;
      const bound = tenant === undefined ? [] : ['--tenant', tenant];
      const secret = await onRecord(['token', 'create', name, '--role', role, ...bound], () =>
        store.create(name, role, { lifetimeMs: expires, tenant }),
      );
      printData(
        command,
        { name, role, ...(tenant !== undefined && { tenant }), token: secret },
        () => {
          print(secret);
        },
      );
    });

  withOutput(token.command('list'))
    .summary('list the tokens, without their secrets')
    .description('Lists the tokens with their roles and times of expiry, but not their secrets.')
    .action(async (_options: unknown, command: Command) => {
      const store = await openStore();
      const rows = (await store.list()).map(({ name, role, createdAt, expiresAt, tenant }) => ({
        name,
        role,
        created: createdAt.toISOString(),
        expires: expiresAt?.toISOString() ?? null,
        ...(tenant !== undefined && { tenant }),
      }));
      printData(command, rows, () => {
        printTable(
          ['NAME', 'ROLE', 'CREATED', 'EXPIRES', 'TENANT'],
          rows.map(({ name, role, created, expires, tenant }) => [
            name,
            role,
            created,
            expires ?? 'never',
            tenant ?? '-',
          ]),
        );
      });
      for (const file of await store.damaged()) {
        warn(
          `${file} is damaged, so its token is not accepted: remove the file, and create another token.`,
        );
      }
    });

  token
    .command('revoke')
    .summary('revoke a token')
    .description('Revokes a token: from now on, the agent rejects it.')
    .argument('<name>', "name of the token, from 'hactl token list'")
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
