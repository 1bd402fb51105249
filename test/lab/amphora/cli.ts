import { Command, Option } from 'commander';
import { createInterface } from 'node:readline';
import { builtPackage } from '../built-package.ts';
import { down } from '../lab.ts';
import { progressOnStderr } from '../progress.ts';
import type { Suite } from '../root.ts';
import { suites } from '../root.ts';
import type { Step } from './driver.ts';
import { openAmphorae, upAmphorae } from './lab.ts';
import type { LabAgents } from './record.ts';
import { readyAmphoraRoot, readyDriverRoot, readyRealAgentRoot } from './roots.ts';

const program = new Command('npm run lab:amphora --').description(
  'Real amphorae on this machine, with clients, members, and the drivers of Debian 11, 12 and 13.',
);

const named = (command: Command): Command =>
  command.option('--name <lab>', 'which lab; several can be up at once', 'amphora');

const suite = (): Option => new Option('--suite <suite>').choices(suites).default('bookworm');

program
  .command('roots')
  .description('build all roots of amphorae and drivers that do not exist yet')
  .action(async () => {
    for (const each of suites) {
      console.log(await readyDriverRoot(each, progressOnStderr));
      console.log(await readyAmphoraRoot(each, progressOnStderr));
    }
    console.log(await readyRealAgentRoot(progressOnStderr));
  });

named(program.command('up'))
  .description(
    'bring amphorae up; `npm run lab -- exec`, `crash`, `cut` and `down` also work on them',
  )
  .addOption(suite())
  .option('--nodes <count>', 'how many nodes, 1 to 3', '2')
  .addOption(
    new Option('--agent <agent>', "this project's, Octavia's own (Debian 12), both, or none")
      .choices(['ours', 'octavia', 'both', 'none'])
      .default('ours'),
  )
  .option('--keep-failed', 'do not clean up when it does not come up')
  .action(
    async (options: {
      name: string;
      suite: Suite;
      nodes: string;
      agent: LabAgents;
      keepFailed?: boolean;
    }) => {
      const lab = await upAmphorae({
        ...options,
        nodes: Number(options.nodes),
        ...(['ours', 'both'].includes(options.agent) && { package: await builtPackage() }),
        progress: progressOnStderr,
      });
      for (const { name, address, id } of lab.nodes) {
        console.log(`${name}  ${address}  ${id}`);
      }
    },
  );

named(program.command('drive'))
  .description('play steps with the real driver, one JSON object on each line of standard input')
  .addOption(suite())
  .action(async (options: { name: string; suite: Suite }) => {
    const lab = await openAmphorae(options.name);
    const driver = await lab.driver(options.suite, { bodies: true });
    for await (const line of createInterface({ input: process.stdin })) {
      console.log(JSON.stringify(await driver.attempt(JSON.parse(line) as Step), null, 2));
    }
    await driver.close();
  });

named(program.command('plug'))
  .description('hot-plug a card into a node, and print its hardware address')
  .argument('<node>', 'number of the node, from 1')
  .argument('<network>', 'vip or members')
  .action(async (number: string, network: 'vip' | 'members', { name }: { name: string }) => {
    const lab = await openAmphorae(name);
    const port = await lab.nodes[Number(number) - 1]?.hotplug(network);
    console.log(port?.mac);
  });

named(program.command('down'))
  .description('end a lab, whatever state it is in')
  .action(({ name }: { name: string }) => down(name, progressOnStderr));

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
