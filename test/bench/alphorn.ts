import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { DaemonStatus } from '../../src/alphorn/sending/daemon-status.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Bench, Figure, Findings } from './subject.ts';
import { median, ms, timedInside } from './timing.ts';
import { cpuNs } from './unit.ts';

const files = 500;
const rounds = 60;
const limitCpuMs = 10;

const pushedMb = 50;
const pushes = 5;
const wantedShare = 0.6;

const largeMb = 240;
const limitMb = 120;

const mb = 1024 * 1024;
const folder = '/srv/bench';
const rulesFile = '/etc/alphorn/manifest.d/bench.json';
const settingsFile = '/etc/alphorn/config.json';

/** Alphorn's sender on one node and its receiver on the other one, next to openssl between the same nodes. */
export async function measureAlphorn({ nodes }: Bench): Promise<Findings> {
  const sender = await activeOf(nodes);
  const receiver = nodes.find(({ name }) => name !== sender.name) as LabNode;
  await sender.run(['mkdir', '--parents', folder]);
  const rules = { include: [folder], max_file_bytes: 2 ** 30, max_bytes: 2 ** 30 };
  await sender.writeFile(rulesFile, JSON.stringify(rules), 0o644);
  try {
    return {
      figures: [
        await measureRounds(sender, receiver),
        await measureThroughput(sender, receiver),
        ...(await measurePeaks(sender, receiver)),
      ],
    };
  } finally {
    await configure(sender, { interval: 30_000, sync: { enabled: false, destinations: [] } });
    await sender.run(['rm', '--recursive', '--force', folder, rulesFile]);
  }
}

/** The cost of a round in which nothing has changed, with the heartbeat to one peer. */
async function measureRounds(sender: LabNode, receiver: LabNode): Promise<Figure> {
  const make = `for n in $(seq ${files}); do head -c 2000 /dev/urandom > "${folder}/$n"; done`;
  await sender.run(['sh', '-c', make]);
  const intervalMs = 1000;
  await configure(sender, settingsFor(receiver, intervalMs));
  await untilSent(sender);
  // Warms up V8's compilers.
  await sleep(20_000);

  const startedAt = performance.now();
  const before = await cpuNs(sender, 'alphorn');
  await sleep(rounds * intervalMs);
  const usedMs = ((await cpuNs(sender, 'alphorn')) - before) / 1e6;
  // A round begins an interval after the end of the one before.
  const each = usedMs / Math.floor((performance.now() - startedAt) / (intervalMs + limitCpuMs));
  const found = await timedInside(sender, ['find', folder, '-printf', '%i %s %T@ %C@ %m %U %G\\n']);
  return {
    what: `CPU of a round without a change, with the heartbeat to one peer (${files} files and the host's own configuration; mean of ${rounds} rounds)`,
    measured: `${ms(each)}; \`find\` takes ${ms(found ?? NaN)} to print the stamps of the same files`,
    bar: `at most ${limitCpuMs} ms`,
    held: each <= limitCpuMs,
  };
}

/** The time for a liferaft of one large file to reach the other node's disk, and for the same file by openssl. */
async function measureThroughput(sender: LabNode, receiver: LabNode): Promise<Figure> {
  await configure(sender, settingsFor(receiver, 3_600_000));
  await sender.run(['sh', '-c', `rm ${folder}/*`]);
  const bytes = pushedMb * mb;
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let count = 0; count <= pushes; count += 1) {
    await writeRandom(sender, 'large', pushedMb);
    await untilSent(sender);
    const taken = await lastReceivedMs(receiver);
    const opensslTaken = await opensslMs(sender, receiver, count);
    // The first run of a newly started service also compiles its code.
    if (count === 0) continue;
    ours.push(taken);
    theirs.push(opensslTaken);
  }
  const speed = (each: readonly number[]) => bytes / 1e3 / median(each);
  const share = speed(ours) / speed(theirs);
  return {
    what: `throughput of a liferaft of ${pushedMb} MB to one peer, checked and on its disk, compared with \`tar c | openssl s_client\` into \`openssl s_server\` (medians of ${pushes} in turn)`,
    measured: `${share.toFixed(2)} of it: ${speed(ours).toFixed(0)} of ${speed(theirs).toFixed(0)} MB/s`,
    bar: `at least ${wantedShare}`,
    held: share >= wantedShare,
  };
}

/** The max memory of both while a large liferaft is made, sent and received. */
async function measurePeaks(sender: LabNode, receiver: LabNode): Promise<Figure[]> {
  await receiver.run(['systemctl', 'restart', 'ha-agent-peers']);
  await sender.run(['systemctl', 'restart', 'alphorn']);
  await sender.run(['rm', `${folder}/large`]);
  const pieceMb = 16;
  for (let count = 0; count * pieceMb < largeMb; count += 1) {
    await writeRandom(sender, `large-${count}`, pieceMb);
  }
  await untilSent(sender);
  const peaks = [
    { what: 'sender', peak: await peakMb(sender, 'alphorn') },
    { what: 'receiver', peak: await peakMb(receiver, 'ha-agent-peers') },
  ];
  return peaks.map(({ what, peak }) => ({
    what: `maximum resident memory of the ${what} for a liferaft of ${largeMb} MB`,
    measured: `${peak.toFixed(1)} MB`,
    bar: `under ${limitMb} MB`,
    held: peak < limitMb,
  }));
}

async function activeOf(nodes: readonly LabNode[]): Promise<LabNode> {
  const { resources } = await (nodes[0] as LabNode).cluster();
  const name = resources.find(({ id }) => id === 'Alphorn')?.node;
  const node = nodes.find((each) => each.name === name);
  if (node === undefined) throw new Error('The resource Alphorn runs nowhere.');
  return node;
}

function settingsFor(receiver: LabNode, interval: number): object {
  return { interval, sync: { enabled: true, destinations: [receiver.address] } };
}

async function configure(node: LabNode, settings: object): Promise<void> {
  await node.writeFile(settingsFile, JSON.stringify(settings), 0o644);
}

async function writeRandom(node: LabNode, name: string, megabytes: number): Promise<void> {
  const [path, temporary] = [`${folder}/${name}`, `/srv/${name}.new`];
  // The file is put in place as a whole, because otherwise a part of it would be sent as well.
  const write = `head -c ${megabytes * mb} /dev/urandom > ${temporary} && mv ${temporary} ${path}`;
  await node.run(['sh', '-c', write], { deadlineMs: 60_000 });
}

/** Makes the sender look for changes, and waits until its one destination has them. */
async function untilSent(node: LabNode): Promise<void> {
  const socket = '/run/alphorn/alphornd.sock';
  const sync = ['curl', '--silent', '--unix-socket', socket, '--request', 'POST'] as const;
  await waitUntil('the liferaft to be sent', async () => {
    const text = await node.run([...sync, 'http://localhost/sync'], { deadlineMs: 60_000 });
    const { liferaft, destinations } = JSON.parse(text) as DaemonStatus;
    const [destination] = destinations;
    return destination?.state === 'synced' && destination.digest === liferaft?.digest;
  });
}

/** The receiver's time for the last liferaft, from the request to the answer. */
async function lastReceivedMs(receiver: LabNode): Promise<number> {
  const argv = ['journalctl', '--unit=ha-agent-peers', '--output=cat', '--lines=50'] as const;
  const lines = (await receiver.run(argv)).split('\n').filter((line) => line.includes('received'));
  return (JSON.parse(lines.at(-1) ?? '{}') as { ms: number }).ms;
}

// Both run in the nodes and measure the time there, because the nodes of a lab have the same clock.
const receiveByOpenssl = `
  use Time::HiRes "time", "sleep";
  my ($size, $out, @argv) = @ARGV;
  # It ends with its standard input.
  pipe(my $silent, my $held) or die $!;
  my $server = fork();
  if (!$server) {
    close $held;
    open(STDIN, "<&", $silent) or die $!;
    open(STDOUT, ">", $out) or die $!;
    exec(@argv) or die $!;
  }
  my $until = time + 60;
  sleep 0.001 while (-s $out || 0) < $size && time < $until;
  printf "%.6f", time;
  kill "TERM", $server;
  unlink $out;`;
const sendByOpenssl = `
  use Time::HiRes "time";
  my ($folder, $file, @argv) = @ARGV;
  $| = 1;
  printf "%.6f", time;
  open(STDIN, "-|", "tar", "c", "-C", $folder, $file) or die $!;
  open(STDOUT, ">", "/dev/null");
  exec(@argv) or die $!;`;

async function opensslMs(sender: LabNode, receiver: LabNode, count: number): Promise<number> {
  const port = 4430 + count;
  const psk = randomBytes(32).toString('hex');
  const tls = ['-psk', psk, '-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256', '-quiet'];
  // A header of one block, the file, two blocks of zeros, in records of twenty blocks (tar(1)).
  const size = Math.ceil((512 + pushedMb * mb + 1024) / 10_240) * 10_240;
  const server = ['openssl', 's_server', '-accept', `${port}`, '-nocert', ...tls];
  const client = ['openssl', 's_client', '-connect', `${receiver.address}:${port}`, ...tls];
  const out = '/var/lib/alphorn/bench.tar';
  const receiving = receiver.run(['perl', '-e', receiveByOpenssl, `${size}`, out, ...server], {
    deadlineMs: 90_000,
  });
  await sleep(500);
  // It ends when the server does.
  const sent = await sender.exec(['perl', '-e', sendByOpenssl, folder, 'large', ...client], {
    deadlineMs: 90_000,
  });
  return (Number(await receiving) - Number(sent.stdout)) * 1000;
}

async function peakMb(node: LabNode, unit: string): Promise<number> {
  const show = ['systemctl', 'show', '--value', '--property=MainPID', unit] as const;
  const pid = (await node.run(show)).trim();
  const status = await node.run(['cat', `/proc/${pid}/status`]);
  return (Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6;
}
