// Measures when a host serves again after its power was cut, without any request:
//   npm run amphora:reboot -- --suite bookworm --tries 3
// Then it looks at a host that has lost its certificates, because they were in memory. It fails if a bar is missed.
import { setTimeout as sleep } from 'node:timers/promises';

import { Command, Option } from 'commander';

import { median } from '../bench/timing.ts';
import type { Driver } from '../lab/amphora/driver.ts';
import {
  bringServiceUp,
  ids,
  loadBalancer,
  makeTenantCertificates,
} from '../lab/amphora/life-cycle.ts';
import type { AmphoraLab, AmphoraNode } from '../lab/amphora/lab.ts';
import { members, tenant } from '../lab/amphora/networks.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { requestsOf, startClients } from './clients.ts';
import { withAmphorae } from './lab.ts';
import { type LoadPlan, now } from './load-events.ts';
import { type Pair, pairOf } from './pair.ts';

const options = new Command('npm run amphora:reboot --')
  .addOption(new Option('--suite <suite>').choices(suites).default('bookworm'))
  .option('--tries <count>', 'boots of each kind', '3')
  .parse()
  .opts<{ suite: Suite; tries: string }>();

const plan: LoadPlan = {
  address: tenant.vip.address,
  port: 80,
  perSecond: 20,
  timeoutMs: 500,
  kept: 0,
  downloads: 0,
  download: { bytes: 0, ms: 0 },
};

const barMs = 10_000;
const agent = 'ha-amphora.service';

/** Milliseconds of the monotonic clock, which a node shares with this machine. */
async function networkOnline(node: AmphoraNode): Promise<number> {
  const property = '--property=ActiveEnterTimestampMonotonic';
  const shown = await node.run(['systemctl', 'show', '--value', property, 'network-online.target']);
  return Number(shown) / 1000;
}

/**
 * Cuts the power of both hosts, and boots the first one.
 * @returns milliseconds from its network-online.target to the first request that is served
 */
async function bootAlone(lab: AmphoraLab, node: AmphoraNode): Promise<number> {
  await Promise.all(lab.nodes.map((each) => each.crash()));
  const clients = startClients(lab, plan);
  const begun = now();
  await node.boot();
  const served = () =>
    requestsOf(clients.events, 'new').find(
      ({ start, failure }) => start > begun && failure === undefined,
    );
  try {
    await waitUntil('the host to serve', () => served() !== undefined, { everyMs: 50 });
  } finally {
    await clients.stop();
  }
  return (served()?.start ?? NaN) - (await networkOnline(node));
}

/** Boots the first host alone a few times. */
async function bootTimes(lab: AmphoraLab, pair: Pair, isAgentEnabled: boolean): Promise<number[]> {
  const [node, other] = lab.nodes as [AmphoraNode, AmphoraNode];
  const times: number[] = [];
  for (let index = 0; index < Number(options.tries); index += 1) {
    await node.run(['systemctl', isAgentEnabled ? 'enable' : 'disable', '--quiet', agent]);
    // A power cut loses what is not on the disk yet.
    await node.run(['sync']);
    const took = await bootAlone(lab, node);
    progressOnStderr(`  ${(took / 1000).toFixed(2)} s`);
    times.push(took);
    await node.run(['systemctl', 'enable', '--quiet', '--now', agent]);
    await other.boot();
    await pair.settled();
  }
  return times;
}

const plainId = '4a000000-aaaa-4000-8000-000000000009';
const plainPort = 8080;

/** A load balancer without certificates, on the first host's own address. */
async function addPlainLoadBalancer(driver: Driver, node: AmphoraNode): Promise<void> {
  const pool = '4c000000-aaaa-4000-8000-000000000009';
  const [member] = members;
  const spec = {
    id: plainId,
    topology: 'SINGLE',
    vip: node.vrrpAddress,
    pools: [
      {
        id: pool,
        protocol: 'HTTP',
        members: [
          {
            id: '4e000000-aaaa-4000-8000-000000009001',
            ip_address: member?.address,
            protocol_port: 80,
            subnet_id: 'members',
          },
        ],
      },
    ],
    listeners: [
      {
        id: '4b000000-aaaa-4000-8000-000000000009',
        protocol: 'HTTP',
        protocol_port: plainPort,
        default_pool: pool,
      },
    ],
  };
  await driver.play({ do: 'load_balancer', spec });
  await driver.play({ do: 'update_amphora_listeners', amphora: 0 });
}

async function isServed(lab: AmphoraLab, url: string): Promise<boolean> {
  const argv = ['curl', '-s', '-k', '-m', '3', '-o', '/dev/null', url] as const;
  return (await lab.inClient(argv)).exitCode === 0;
}

interface Check {
  what: string;
  found: string;
  isRight: boolean;
}

/** Cuts the power of a host with certificates, and boots it. */
async function withoutCertificates(lab: AmphoraLab, pair: Pair, driver: Driver): Promise<Check[]> {
  const [node, other] = lab.nodes as [AmphoraNode, AmphoraNode];
  const withTls = await loadBalancer(await makeTenantCertificates(lab));
  await driver.play(withTls);
  for (const amphora of lab.nodes.keys()) {
    await driver.play({ do: 'update_amphora_listeners', amphora });
  }
  await addPlainLoadBalancer(driver, node);
  await pair.settled();
  await node.run(['sync']);
  await node.crash();
  await node.boot();
  const unit = `amphora-haproxy@${ids.lb}.service`;
  await waitUntil('the agent to answer', async () => (await status(node)) !== undefined);
  await sleep(20_000);
  const found = await status(node);
  const lines = async (unitName: string): Promise<string[]> => {
    const how = ['--boot', '--output=cat', '--no-pager'];
    return (await node.run(['journalctl', ...how, `--unit=${unitName}`]))
      .split('\n')
      .filter(Boolean);
  };
  const silent = (await lines(agent)).filter((line) => line.includes('No heartbeat is sent'));
  const ofHaproxy = await lines(unit);
  const holders = (await pair.holders()).map(({ name }) => name);
  const checks = [
    {
      what: '`hactl amphora status` says which certificates are gone',
      found: found?.problems.join(' ') ?? 'nothing',
      isRight: found?.problems.some((text) => text.includes(`certificates of ${ids.lb}`)) === true,
    },
    {
      what: 'heartbeats are silent, with the reason in the journal',
      found: silent.join(' '),
      isRight: found?.heartbeat?.at === null && silent.length === 1,
    },
    {
      what: 'the unit of haproxy says why it does not start, and is quiet',
      found: ofHaproxy.join('; '),
      isRight: ofHaproxy.length <= 6 && ofHaproxy.some((line) => line.includes('is gone')),
    },
    {
      what: 'the other host has the VIP and serves',
      found: holders.join(),
      isRight:
        holders.join() === other.name && (await isServed(lab, `https://${tenant.vip.address}/`)),
    },
    {
      what: 'a load balancer without certificates serves on the same host',
      found: '',
      isRight: await isServed(lab, `http://${node.vrrpAddress}:${plainPort}/`),
    },
  ];
  await driver.play(withTls);
  await driver.play({ do: 'update_amphora_listeners', amphora: 0 });
  await pair.settled();
  const isBack = (await status(node))?.problems.length === 0;
  return [
    ...checks,
    { what: 'after another upload it is the backup again', found: '', isRight: isBack },
  ];
}

interface Status {
  problems: string[];
  heartbeat: { at: string | null } | null;
}

async function status(node: AmphoraNode): Promise<Status | undefined> {
  const { stdout } = await node.exec(['hactl', 'amphora', 'status', '--output', 'json']);
  return stdout === '' ? undefined : (JSON.parse(stdout) as Status);
}

const rowOf = (what: string, times: readonly number[]): Check => {
  const [middle, worst] = [median(times), Math.max(...times)];
  return {
    what: `${what}: from network-online.target to the first request served (median, worst of ${times.length})`,
    found: `${(middle / 1000).toFixed(2)} s, ${(worst / 1000).toFixed(2)} s`,
    isRight: worst <= barMs,
  };
};

await withAmphorae(`reboot-${options.suite}`, options.suite, async (lab) => {
  const driver = await lab.driver(options.suite);
  await step(progressOnStderr, 'The driver sets up the load balancer', () =>
    bringServiceUp(lab, driver, { tls: false }),
  );
  const pair = pairOf(lab);
  await pair.settled();
  const checks: Check[] = [];
  const boots = [
    { what: 'power back, the other host off', isAgentEnabled: true },
    { what: 'the same without ha-amphora', isAgentEnabled: false },
  ];
  for (const { what, isAgentEnabled } of boots) {
    const times = await step(progressOnStderr, what, () => bootTimes(lab, pair, isAgentEnabled));
    if (times.length > 0) checks.push(rowOf(what, times));
  }
  checks.push(
    ...(await step(progressOnStderr, 'A host without its certificates', () =>
      withoutCertificates(lab, pair, driver),
    )),
  );
  await driver.close();
  console.log(`### ${options.suite}\n\n| What | Found | |\n|---|---|---|`);
  for (const { what, found, isRight } of checks) {
    console.log(`| ${what} | ${found} | ${isRight ? 'held' : 'MISSED'} |`);
  }
  if (checks.some(({ isRight }) => !isRight)) process.exitCode = 1;
});
