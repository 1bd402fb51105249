#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';

import { roles, type Role } from './auth/roles.ts';
import { loadConfig } from './config.ts';
import { makeAuditLog, makeTokenStore } from './deps.ts';
import { Fault, systemErrorCode } from './errors.ts';
import { alphornCommand } from './hactl/alphorn.ts';

const units: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };

const program = new Command('hactl')
  .description('Looks after the ha-agent of this node.')
  .showHelpAfterError("Run 'hactl help' for what there is.");

const token = program.command('token').description('the tokens that the API lets in');

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
    const store = makeTokenStore(await loadConfig(process.env));
    console.log(await store.create(name, options.role, options.expires));
  });

token
  .command('list')
  .description('shows all tokens, but not their secret')
  .option('--json', 'as a JSON array')
  .action(async (options: { json?: true }) => {
    const holders = await makeTokenStore(await loadConfig(process.env)).list();
    const rows = holders.map(({ name, role, createdAt, expiresAt }) => ({
      name,
      role,
      created: createdAt.toISOString(),
      expires: expiresAt?.toISOString() ?? null,
    }));
    if (options.json) {
      console.log(JSON.stringify(rows, null, 2));
      return;
    }
    for (const row of [
      { name: 'NAME', role: 'ROLE', created: 'CREATED', expires: 'EXPIRES' },
      ...rows,
    ]) {
      console.log(
        `${row.name.padEnd(24)} ${row.role.padEnd(8)} ${row.created.padEnd(24)} ${row.expires ?? 'never'}`,
      );
    }
  });

token
  .command('revoke')
  .description('makes a token worthless from now on')
  .argument('<name>', "its name, from 'hactl token list'")
  .action(async (name: string) => {
    await makeTokenStore(await loadConfig(process.env)).revoke(name);
  });

program
  .command('audit')
  .description('shows who changed what through the agent, and who read a secret; the newest last')
  .option('--limit <number>', 'how many entries, 10000 at most', count, 50)
  .option('--json', 'as a JSON array, with the commands and changes')
  .option(
    '--verify',
    'shows instead whether the closed files of the log are as they were written; exit code 1 if they are not',
  )
  .action(async (options: { limit: number; json?: true; verify?: true }) => {
    const log = makeAuditLog(await loadConfig(process.env));
    if (options.verify) {
      const { files, problems } = await log.verify();
      for (const problem of problems) console.error(`hactl: ${problem}`);
      if (problems.length > 0) process.exitCode = 1;
      else
        console.log(
          `The audit log is as it was written: ${files} ${files === 1 ? 'file' : 'files'}.`,
        );
      return;
    }
    const entries = (await log.list(options.limit)).toReversed();
    if (options.json) {
      console.log(JSON.stringify(entries, null, 2));
      return;
    }
    for (const { at, caller, role, method, route, outcome, before, after } of entries) {
      const versions =
        after !== undefined && after !== before ? ` ${before ?? '?'} -> ${after}` : '';
      console.log(`${at} ${outcome} ${caller} (${role}) ${method} ${route}${versions}`);
    }
  });

program.addCommand(alphornCommand());

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 10_000)
    throw new InvalidArgumentError('Expected a number, 1 to 10000.');
  return Number(text);
}

function lifetime(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([hdw])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    throw new InvalidArgumentError('Expected a number and h, d or w, such as 90d.');
  }
  return Number(count) * (units[unit] ?? 0);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Fault) console.error(`hactl: ${error.message}`);
  else if (systemErrorCode(error) === 'EACCES') {
    console.error(`hactl: ${(error as Error).message}. Run it as root.`);
  } else throw error;
  process.exitCode = 1;
}
