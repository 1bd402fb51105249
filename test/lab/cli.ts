import { Command, InvalidArgumentError, Option } from 'commander';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { down, existingRecord, labOf, open, up } from './lab.ts';
import { attachToNode } from './node.ts';
import { bePowerSwitch } from './power.ts';
import { progressOnStderr, seconds } from './progress.ts';
import type { TopologyName } from './record.ts';
import { labNames, topologies } from './record.ts';
import { printLogs } from './logs.ts';
import { describe, status, statusText } from './status.ts';
import type { Suite } from './root.ts';
import { suites } from './root.ts';

const program = new Command('npm run lab --')
  .description('Real Pacemaker clusters on this machine, each node a Debian with systemd.')
  .configureHelp({ showGlobalOptions: true })
  .enablePositionalOptions();

const named = (command: Command): Command =>
  command.option('--name <lab>', 'which lab; several can be up at once', 'lab');

named(program.command('up'))
  .description(
    'bring a lab up; the first time builds a Debian root, later runs take less than a minute',
  )
  .addOption(
    new Option('--suite <suite>', 'the Debian of the nodes').choices(suites).default('bookworm'),
  )
  .option('--nodes <count>', 'how many nodes', count, 2)
  .addOption(
    new Option(
      '--topology <topology>',
      'storage: the resources, constraints and fence devices of the API document; everything: all that a CIB can hold besides',
    )
      .choices(topologies)
      .default('storage'),
  )
  .option('--package <file.deb>', 'install this in each node before the cluster is set up', debFile)
  .option('--keep-failed', 'do not clean up when it does not come up, so that one can look')
  .option('--json', 'print the lab as JSON on standard output')
  .action(
    async (options: {
      name: string;
      suite: Suite;
      nodes: number;
      topology: TopologyName;
      package?: string;
      keepFailed?: boolean;
      json?: boolean;
    }) => {
      const startedAt = performance.now();
      const lab = await up({ ...options, progress: progressOnStderr });
      progressOnStderr(`The lab ${lab.name} is up: ${seconds(startedAt)}`);
      console.log(
        options.json ? JSON.stringify(describe(lab), null, 2) : statusText([await status(lab)]),
      );
    },
  );

program
  .command('status')
  .description('what is up: all labs, or one')
  .option('--name <lab>', 'only this lab')
  .option('--json', 'as JSON')
  .action(async (options: { name?: string; json?: boolean }) => {
    const names = options.name === undefined ? await labNames() : [options.name];
    const records = await Promise.all(names.map(existingRecord));
    const all = await Promise.all(records.map((record) => status(labOf(record))));
    console.log(options.json ? JSON.stringify(all, null, 2) : statusText(all));
  });

named(program.command('exec'))
  .description("run a command in a node, with this terminal's input and output")
  .argument('<node>', 'name of the node, or its number from 1')
  .argument('<command...>', 'after --')
  .action(async (node: string, argv: [string, ...string[]], { name }: { name: string }) => {
    const lab = await existingRecord(name);
    process.exitCode = await attachToNode(lab, pick(lab.nodes, node), argv);
  });

named(program.command('logs'))
  .description('the journal of a node, also of one that is off')
  .argument('<node>')
  .argument('[arguments...]', 'of journalctl, after --')
  .action(async (node: string, args: string[], { name }: { name: string }) => {
    const lab = await existingRecord(name);
    process.exitCode = await printLogs(lab, pick(lab.nodes, node), args);
  });

named(program.command('power'))
  .description('what the power switch did: who asked, for which node')
  .action(async ({ name }: { name: string }) => {
    console.log((await (await open(name)).powerLog()).join('\n'));
  });

for (const [command, description] of [
  ['crash', "cut a node's power"],
  ['boot', 'switch a node on'],
  ['cut', "cut a node's network"],
  ['mend', "mend a node's network"],
] as const) {
  named(program.command(command))
    .description(description)
    .argument('<node>')
    .action(async (node: string, { name }: { name: string }) => {
      const lab = await open(name);
      await pick(lab.nodes, node)[command]();
    });
}

named(program.command('netem'))
  .description(
    'disturb the network of a node: netem NODE -- delay 100ms loss 10%; without arguments: no more',
  )
  .argument('<node>')
  .argument('[arguments...]', 'of tc netem')
  .action(async (node: string, args: string[], { name }: { name: string }) => {
    const lab = await open(name);
    await pick(lab.nodes, node).netem(args);
  });

named(program.command('down'))
  .description('end a lab, whatever state it is in, and leave nothing of it')
  .action(async ({ name }: { name: string }) => {
    await down(name, progressOnStderr);
  });

named(program.command('power-switch', { hidden: true })).action(({ name }: { name: string }) =>
  bePowerSwitch(name),
);

function pick<T extends { name: string }>(nodes: readonly T[], wanted: string): T {
  const found = nodes.find((node) => node.name === wanted) ?? nodes[Number(wanted) - 1];
  if (found === undefined) {
    throw new Error(`No node ${wanted}; there are ${nodes.map((node) => node.name).join(', ')}.`);
  }
  return found;
}

function count(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new InvalidArgumentError('Not a number.');
  }
  return Number(text);
}

function debFile(path: string): string {
  if (!path.endsWith('.deb') || !existsSync(path)) {
    throw new InvalidArgumentError('Not an existing .deb file.');
  }
  return resolve(path);
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof Error && error.cause instanceof Error) {
    console.error(error.cause.message);
  }
  process.exitCode = 1;
}
