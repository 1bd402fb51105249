import { readFile } from 'node:fs/promises';

import { median, ms } from '../../bench/timing.ts';
import { balancer, balancerId } from './balancers.ts';
import { bothOf, type FigureBench, alternately, type Measured, plugBoth, timeOf } from './bench.ts';
import { upTo, type Figure } from './figure.ts';

/** What by-hand.pl may take is exceeded by this at the most. */
const maxShare = 1.5;

export interface Size {
  number: number;
  listeners: number;
  firstPort: number;
  rounds: number;
}

/** The load balancers whose reloads are measured. */
export const sizes: readonly Size[] = [
  { number: 1, listeners: 1, firstPort: 2000, rounds: 15 },
  { number: 2, listeners: 50, firstPort: 2100, rounds: 15 },
  { number: 3, listeners: 500, firstPort: 3000, rounds: 7 },
];

/** Lets the driver configure a load balancer on both amphorae. @returns its haproxy.cfg */
export async function configure(bench: FigureBench, size: Size): Promise<string> {
  const { driver } = bench;
  await plugBoth(bench);
  await driver.play(balancer(size));
  let config = '';
  for (const { amphora } of bothOf(bench)) {
    const { exchanges } = await driver.play({ do: 'update_amphora_listeners', amphora });
    config = exchanges.find(({ path }) => path.endsWith('/haproxy'))?.sent ?? '';
  }
  return config;
}

/** Removes load balancers from both amphorae, whether they are there or not. */
export async function removeBalancers(
  bench: FigureBench,
  numbers: readonly number[],
): Promise<void> {
  for (const number of numbers) {
    for (const { amphora } of bothOf(bench)) {
      const path = `/1.0/listeners/${balancerId(number)}`;
      await bench.driver.attempt({ do: 'request', method: 'DELETE', path, amphora });
    }
  }
}

/** A configuration that differs from all others of other rounds. */
const changed = (config: string, round: number): string =>
  config.replace(/timeout client \d+/, `timeout client ${50_001 + round}`);

/** Upload and reload of one load balancer by both agents, and by hand. */
export async function measureChanges(bench: FigureBench, size: Size): Promise<Figure[]> {
  const { witness, real, ours } = bench;
  const config = await configure(bench, size);
  const uploads = new Map<string, number[]>([
    ['real', []],
    ['ours', []],
  ]);
  const byAgent = (who: Measured) => async (round: number) => {
    const { upload, reload } = await change(bench, who, size.number, changed(config, round));
    uploads.get(who.name)?.push(upload);
    return upload + reload;
  };
  const subjects = [
    byAgent(real),
    byAgent(ours),
    (round: number) => byHand(real, size.number, changed(config, 1000 + round)),
  ];
  const { times, lateMs, repeated } = await alternately(witness, size.rounds, subjects);
  const [realMs, oursMs, handMs] = times.map(median) as [number, number, number];
  const uploadMs = (name: string) => median(uploads.get(name) ?? []);
  const named = `${size.listeners} listener${size.listeners === 1 ? '' : 's'}, ${Math.round(config.length / 1000)} kB`;
  const reloadOf = (all: number, name: string) => ms(Math.max(0, all - uploadMs(name)));
  return [
    {
      what: `upload of haproxy.cfg and reload (${named}; median of ${size.rounds}; by hand ${ms(handMs)})`,
      real: ms(realMs),
      ours: ms(oursMs),
      ...upTo(oursMs, maxShare * handMs, `${maxShare} of by hand`),
      lateMs,
      repeated,
    },
    {
      what: `of these the upload and the reload (${named})`,
      real: `${ms(uploadMs('real'))}, ${reloadOf(realMs, 'real')}`,
      ours: `${ms(uploadMs('ours'))}, ${reloadOf(oursMs, 'ours')}`,
      bar: '',
      lateMs,
      repeated,
    },
  ];
}

/** Milliseconds of an upload and of its reload. */
export async function change(
  { driver }: FigureBench,
  who: Measured,
  number: number,
  config: string,
): Promise<{ upload: number; reload: number }> {
  const lb = balancerId(number);
  const path = `/1.0/loadbalancer/${who.node.id}/${lb}/haproxy`;
  const upload = await timeOf(driver, who, { method: 'PUT', path, body: config });
  const reload = await timeOf(driver, who, {
    method: 'PUT',
    path: `/1.0/loadbalancer/${lb}/reload`,
    body: '',
  });
  return { upload, reload };
}

async function byHand(who: Measured, number: number, config: string): Promise<number> {
  const lb = balancerId(number);
  const folder = `/var/lib/octavia/${lb}`;
  const program = await readFile(new URL('by-hand.pl', import.meta.url), 'utf8');
  await who.node.writeFile(`${folder}/by-hand.cfg`, config, 0o600);
  const socket = `/var/lib/octavia/${lb}.sock`;
  return Number(
    await who.node.run(['perl', '-e', program, who.haproxyUnit(lb), folder, socket], {
      deadlineMs: 90_000,
    }),
  );
}
