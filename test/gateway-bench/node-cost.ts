// Measures what the node part costs ha-amphora while nothing happens: npm run node:cost -- --suite bookworm [--seconds 60]
// The same process as an idle amphora is what it is compared with.
import { setTimeout as sleep } from 'node:timers/promises';

import { Command, Option } from 'commander';

import type { LabNode } from '../lab/lab.ts';
import { type Suite, suites } from '../lab/root.ts';
import { cpuNs, residentMb } from '../bench/unit.ts';
import { aloneInstance, allMaster, type DirectNode } from './direct-node.ts';
import { withNode } from './with-node.ts';

const options = new Command('npm run node:cost --')
  .addOption(new Option('--suite <suite>').choices(suites).default('bookworm'))
  .option('--seconds <count>', 'of each measurement', '60')
  .option('--instances <count>', '', '3')
  .parse()
  .opts<{ suite: Suite; seconds: string; instances: string }>();

const unit = 'ha-amphora';
/** In percent of a core. */
const maxShare = 0.5;
const maxMoreMb = 20;

/** The agent answers a controller that waits for reports all the time. */
async function poll(direct: DirectNode, isOver: () => boolean): Promise<void> {
  let last = await direct.report();
  while (!isOver()) {
    last = await direct.report({ sequence: last.sequence, boot: last.boot });
    await sleep(50);
  }
}

interface Cost {
  /** CPU in percent of a core. */
  share: number;
  megabytes: number;
}

/** What the agent and the processes that it has started use. */
async function measure(node: LabNode, what: string): Promise<Cost> {
  const seconds = Number(options.seconds);
  const before = await cpuNs(node, unit);
  await sleep(seconds * 1000);
  const share = ((await cpuNs(node, unit)) - before) / 1e7 / seconds;
  const { agent, others } = await residentMb(node, unit);
  const megabytes = agent + others;
  console.log(`${what}: ${share.toFixed(2)} % of a core, ${megabytes.toFixed(1)} MB`);
  return { share, megabytes };
}

const authority = '/root/amphora';
const agentConfig = '/etc/octavia/amphora-agent.conf';

/** The agent as an amphora without a load balancer, by the commands of docs/amphora.md. */
async function measureAmphora(node: LabNode): Promise<Cost> {
  await node.run(['hactl', 'amphora', 'init', authority, node.name]);
  const certificates = '/etc/octavia/certs';
  const install = ['install', '-D', '--mode=600'] as const;
  await node.run([
    ...install,
    `${authority}/server-${node.name}.pem`,
    `${certificates}/server.pem`,
  ]);
  await node.run([...install, `${authority}/ca.pem`, `${certificates}/client_ca.pem`]);
  await node.writeFile(
    agentConfig,
    `[amphora_agent]
amphora_id = ${node.name}
agent_server_cert = ${certificates}/server.pem
agent_server_ca = ${certificates}/client_ca.pem
`,
  );
  await node.run(['systemctl', 'start', unit]);
  await sleep(10_000);
  const cost = await measure(node, 'as an amphora');
  await node.run(['systemctl', 'stop', unit]);
  await node.run(['rm', '-r', '/etc/octavia', authority]);
  return cost;
}

const costs: { before?: Cost } = {};

await withNode(
  `cost-${options.suite}`,
  options.suite,
  async (direct, lab) => {
    const count = Number(options.instances);
    const instances = Array.from({ length: count }, (_, at) => aloneInstance(lab, at + 1));
    await direct.order({ instances });
    await allMaster(direct, count);
    let isOver = false;
    const polling = poll(direct, () => isOver);
    await sleep(10_000);
    const polled = await measure(direct.node, `as a node with ${count} instances, polled`);
    isOver = true;
    await polling;
    await measure(direct.node, `as a node with ${count} instances, not polled`);
    const more = polled.megabytes - (costs.before?.megabytes ?? 0);
    console.log(`the node part has ${more.toFixed(1)} MB more`);
    if (polled.share > maxShare || more > maxMoreMb) process.exitCode = 1;
  },
  async (node) => {
    costs.before = await measureAmphora(node);
  },
);
