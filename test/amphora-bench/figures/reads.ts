import { readFile } from 'node:fs/promises';

import type { Driver } from '../../lab/amphora/driver.ts';
import { makeIdentity, serverOf } from '../../lab/amphora/certificates.ts';
import { textOf } from '../../lab/amphora/lab.ts';
import { median, ms } from '../../bench/timing.ts';
import { waitUntil } from '../../lab/wait.ts';
import { balancer, balancerId } from './balancers.ts';
import { bothOf, type FigureBench, alternately, plugBoth, type Request, timeOf } from './bench.ts';
import type { Bar, Figure } from './figure.ts';

const rounds = 30;
const floorPort = 9444;

interface Read {
  what: string;
  request: Request;
  /** The share of the real agent's time that ours may take; without one there is no bar. */
  share?: number;
}

/** Medians of small requests, in turn with those to a bare TLS server. */
export async function measureReads(bench: FigureBench): Promise<Figure[]> {
  const { driver, lab, witness, real, ours } = bench;
  await plugBoth(bench);
  await driver.play(balancer({ number: 1, listeners: 2, firstPort: 2000 }));
  for (const { amphora } of bothOf(bench)) {
    await driver.play({ do: 'update_amphora_listeners', amphora });
  }
  const identity = await makeIdentity(`${lab.folder}/figures`, serverOf('www.example.com'));
  const pem = await textOf(identity.pem);
  const certificate = `/1.0/loadbalancer/${balancerId(1)}/certificates/${'a'.repeat(40)}.pem`;
  const reads: readonly Read[] = [
    { what: 'GET /', request: { method: 'GET', path: '/' }, share: 1 },
    { what: 'GET info', request: { method: 'GET', path: '/1.0/info' }, share: 0.5 },
    { what: 'GET details', request: { method: 'GET', path: '/1.0/details' }, share: 0.5 },
    { what: 'GET listeners', request: { method: 'GET', path: '/1.0/listeners' }, share: 1 },
    { what: 'PUT certificate', request: { method: 'PUT', path: certificate, body: pem } },
    { what: 'GET certificate', request: { method: 'GET', path: certificate }, share: 1 },
    {
      what: 'GET haproxy.cfg',
      request: { method: 'GET', path: `/1.0/loadbalancer/${balancerId(1)}/haproxy` },
      share: 1,
    },
    {
      what: 'GET interface',
      request: { method: 'GET', path: `/1.0/interface/IP` },
      share: 1,
    },
  ];
  const floor = await startFloor(bench);
  const figures: Figure[] = [];
  for (const { what, request, share } of reads) {
    const of = (who: typeof real) => () =>
      timeOf(driver, who, { ...request, path: request.path.replace('IP', who.node.vrrpAddress) });
    const subjects = [of(real), of(ours), () => timeOf(floor, real, { method: 'GET', path: '/' })];
    const { times, lateMs, repeated } = await alternately(witness, rounds, subjects);
    const [realMs, oursMs, floorMs] = times.map(median) as [number, number, number];
    figures.push({
      what: `\`${what}\` (median of ${rounds}; a bare TLS server ${ms(floorMs)})`,
      real: ms(realMs),
      ours: ms(oursMs),
      ...barOf(share, realMs, oursMs),
      lateMs,
      repeated,
    });
  }
  await floor.close();
  return figures;
}

const barOf = (share: number | undefined, realMs: number, oursMs: number): Bar | { bar: string } =>
  share === undefined
    ? { bar: '' }
    : {
        bar: share === 1 ? "at most the real agent's" : `at most ${share} of the real agent's`,
        isHeld: oursMs <= share * realMs,
      };

/** Starts a bare TLS server in the node of the real agent, and a driver that asks it. */
async function startFloor({ lab, real: { node, amphora } }: FigureBench): Promise<Driver> {
  const program = await readFile(new URL('floor-server.py', import.meta.url));
  await node.writeFile('/root/floor-server.py', program);
  await node.exec(['systemctl', 'stop', 'floor']);
  const files = ['/etc/octavia/certs/server.pem', '/etc/octavia/certs/client_ca.pem'];
  const argv = ['python3', '/root/floor-server.py', `${floorPort}`, ...files];
  await node.run(['systemd-run', '--unit=floor', '--collect', ...argv]);
  await waitUntil('the bare TLS server to listen', async () => {
    const { stdout } = await node.exec(['ss', '-Hltn', 'sport', '=', `:${floorPort}`]);
    return stdout !== '';
  });
  const driver = await lab.driver('bookworm', { port: floorPort });
  await timeOf(driver, { amphora }, { method: 'GET', path: '/' });
  return driver;
}
