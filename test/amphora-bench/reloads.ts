// Counts what clients lose while a load balancer is reloaded again and again, each time with a changed configuration:
//   npm run amphora:reloads -- --suite bookworm --count 100
// The driver uploads and reloads. It fails if a request fails, a download is not whole, or a member that is down is asked.
import { setTimeout as sleep } from 'node:timers/promises';

import { Command, Option } from 'commander';

import type { Driver, Step } from '../lab/amphora/driver.ts';
import type { AmphoraLab } from '../lab/amphora/lab.ts';
import {
  bringServiceUp,
  ids,
  loadBalancer,
  makeTenantCertificates,
  type TenantCertificates,
} from '../lab/amphora/life-cycle.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { progressOnStderr, step } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { lateness, requestsOf, startClients } from './clients.ts';
import { withAmphorae } from './lab.ts';
import type { LoadEvent, LoadPlan } from './load-events.ts';
import { pairOf } from './pair.ts';
import { reloadsReport } from './reloads-report.ts';

const { suite, count } = new Command('npm run amphora:reloads --')
  .addOption(new Option('--suite <suite>').choices(suites).default('bookworm'))
  .option('--count <count>', 'reloads', '100')
  .parse()
  .opts<{ suite: Suite; count: string }>();

const downMember = 'member2';
/** The time for at least 10 000 requests at 50 new connections a second, with those of the other clients. */
const minSeconds = 200;

const planOf = (lab: AmphoraLab): LoadPlan => ({
  address: tenant.vip.address,
  port: 80,
  tlsPort: 443,
  serverName: 'www.example.com',
  authority: lab.trust.authority.certificate,
  perSecond: 50,
  timeoutMs: 10_000,
  kept: 20,
  downloads: 20,
  download: { bytes: 1_000_000, ms: 2000 },
});

interface Spec {
  listeners: readonly Record<string, unknown>[];
}

/** The load balancer with another time limit, so that each reload has another configuration. */
async function changed(tls: TenantCertificates, index: number): Promise<Step> {
  const wish = await loadBalancer(tls);
  const spec = wish['spec'] as Spec;
  const listeners = spec.listeners.map((listener) => ({
    ...listener,
    timeout_client_data: 50_001 + index,
  }));
  return { ...wish, spec: { ...spec, listeners } };
}

interface MemberLook {
  at: string;
  state: string;
}

/** The states that haproxy gives the member that is down, as its stats socket says. */
async function statesOfDownMember(lab: AmphoraLab): Promise<MemberLook[]> {
  const [node] = lab.nodes;
  const socket = `/var/lib/octavia/${ids.lb}.sock`;
  const ask = `use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un($ARGV[0])) or exit 1; syswrite $s, "show stat -1 4 -1\\n"; print while <$s>;`;
  const printed = (await node?.exec(['perl', '-e', ask, socket]))?.stdout ?? '';
  return printed.split('\n').flatMap((line) => {
    const cells = line.split(',');
    const [backend = '', server = ''] = cells;
    return backend.startsWith(ids.httpPool) && server.endsWith('1002')
      ? [{ at: backend, state: cells[17] ?? '' }]
      : [];
  });
}

const isDown = (looks: readonly MemberLook[]): boolean =>
  looks.length > 0 && looks.every(({ state }) => state === 'DOWN');

async function reloadAgainAndAgain(
  lab: AmphoraLab,
  driver: Driver,
  tls: TenantCertificates,
): Promise<{ notDown: MemberLook[] }> {
  const notDown: MemberLook[] = [];
  for (let index = 0; index < Number(count); index += 1) {
    await driver.play(await changed(tls, index));
    await driver.play({ do: 'update_amphora_listeners', amphora: 0 });
    // The new worker serves now. It must not have begun with members that are up.
    const looks = await statesOfDownMember(lab);
    if (!isDown(looks)) notDown.push(...looks);
    if (index % 10 === 9) progressOnStderr(`  ${index + 1} reloads`);
  }
  return { notDown };
}

function failuresIn(events: readonly LoadEvent[]): string[] {
  return events.flatMap((event) =>
    'failure' in event ? [`${event.kind} ${event.isTls ? 'TLS' : 'plain'}: ${event.failure}`] : [],
  );
}

await withAmphorae(`reloads-${suite}`, suite, async (lab) => {
  const driver = await lab.driver(suite);
  await step(progressOnStderr, 'The driver sets up the load balancer', () =>
    bringServiceUp(lab, driver),
  );
  const { master } = await pairOf(lab).settled();
  if (master.name !== lab.nodes[0]?.name) throw new Error(`${master.name} has the VIP.`);
  await lab.setMember(downMember, 'down');
  await waitUntil(`${downMember} to be down`, async () => isDown(await statesOfDownMember(lab)));
  const tls = await makeTenantCertificates(lab);
  await driver.play(await changed(tls, -1));
  await driver.play({ do: 'update_amphora_listeners', amphora: 0 });

  const clients = startClients(lab, planOf(lab));
  await sleep(5000);
  const begun = performance.now();
  const { notDown } = await step(progressOnStderr, `${count} reloads`, () =>
    reloadAgainAndAgain(lab, driver, tls),
  );
  const reloadSeconds = (performance.now() - begun) / 1000;
  if (reloadSeconds < minSeconds) await sleep((minSeconds - reloadSeconds) * 1000);
  const events = await step(progressOnStderr, 'The clients end', () => clients.stop());
  const last = Math.max(...requestsOf(events, 'new').map(({ end }) => end));
  const { text, areHeld } = reloadsReport({
    suite,
    count: Number(count),
    reloadSeconds,
    events,
    failures: failuresIn(events),
    notDown: notDown.length,
    downMember,
    lateMs: lateness(events, 0, last),
  });
  console.log(text);
  if (!areHeld) process.exitCode = 1;
  await driver.close();
});
