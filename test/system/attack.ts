import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { attempt, run } from '../lab/run.ts';
import { asking, type Bench } from './asking.ts';
import { untilHealthy } from './client.ts';
import { isFull } from './share.ts';

const requests = 200;
// A measurement during a standstill of this machine says nothing about the agent, and is repeated.
const witnessMs = 10;
const maxLateMs = 50;
const maxTries = 5;

/** How long a request took, and how it ended. */
interface Measured {
  ms: number;
  /** How often it was measured during standstills of this machine. */
  repeated: number;
  ended: number | string;
}

/** Connections that try to keep callers out or to end the agent. */
export function describeAttack(bench: Bench): void {
  describe('under attack by connections', () => {
    const { node } = asking(bench);
    /** The addresses of the attackers, and another one. */
    let addresses: string[] = [];
    let other = '';
    let load: ChildProcess | undefined;

    before(async () => {
      const { gateway } = bench().lab;
      const bridge = await bridgeOf(gateway);
      const [another = '', ...more] = [240, 241, 242, 243].map((last) =>
        gateway.replace(/\d+$/, `${last}`),
      );
      [other, addresses] = [another, [gateway, ...more]];
      // They disappear with the bridge if nobody removes them.
      for (const address of [other, ...more]) {
        await attempt(['ip', 'address', 'add', `${address}/24`, 'dev', bridge]);
      }
    });
    after(async () => {
      const bridge = await bridgeOf(bench().lab.gateway);
      for (const address of [other, ...addresses.slice(1)]) {
        await attempt(['ip', 'address', 'delete', `${address}/24`, 'dev', bridge]);
      }
    });
    beforeEach(async () => {
      await node().run(['systemctl', 'restart', 'ha-agent']);
      await untilHealthy(node());
    });
    afterEach(async () => {
      load?.kill('SIGKILL');
      await untilHealthy(node());
    });

    async function attack(kind: 'unauthenticated' | 'unread', count: number, token: string) {
      const script = join(import.meta.dirname, 'attack-load.ts');
      const args = ['--import', 'tsx', script, node().address, kind, `${count}`, token];
      load = spawn(process.execPath, [...args, ...addresses], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(load.stdout as NodeJS.ReadableStream, 'data');
    }

    /** Sends a request over a new connection. */
    function ask(path: string, localAddress: string): Promise<Omit<Measured, 'repeated'>> {
      const startedAt = performance.now();
      return new Promise((resolve) => {
        const end = (ended: number | string) => {
          resolve({ ms: performance.now() - startedAt, ended });
        };
        https
          .get(
            {
              host: node().address,
              port: 8443,
              path: `/api/v2/system/ha/${path}`,
              localAddress,
              agent: false,
              rejectUnauthorized: false,
              headers: { token: bench().token },
            },
            (response) => {
              response.resume().once('end', () => {
                end(response.statusCode ?? 0);
              });
            },
          )
          .once('error', (error: NodeJS.ErrnoException) => {
            end(error.code ?? error.message);
          });
      });
    }

    /** Measures requests one after another, without those during which this machine stood still. */
    async function measure(path: string, from: readonly string[]): Promise<Measured[]> {
      const measured: Measured[] = [];
      for (let index = 0; index < requests; index += 1) {
        for (let repeated = 0; repeated < maxTries; repeated += 1) {
          const witness = watchMachine();
          const one = await ask(path, from[index % from.length] as string);
          if (witness.maxLateMs() <= maxLateMs || repeated === maxTries - 1) {
            measured.push({ ...one, repeated });
            break;
          }
        }
      }
      return measured;
    }

    /** The peak memory of the agent (proc(5), `VmHWM`) in MB, and its process. */
    async function memoryOfAgent(): Promise<{ pid: string; maxMb: number }> {
      const show = ['systemctl', 'show', '--property=MainPID', '--value', 'ha-agent'] as const;
      const pid = (await node().run(show)).trim();
      const status = await node().run(['cat', `/proc/${pid}/status`]);
      return { pid, maxMb: Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024 };
    }

    for (const [where, from] of [
      ['the same addresses', () => addresses],
      ['other addresses', () => [other]],
    ] as const) {
      it(`answers each caller with a token within 1 s during 3000 connections without one, from ${where}`, async () => {
        const { pid } = await memoryOfAgent();
        await attack('unauthenticated', 3000, '-');
        await sleep(2000);
        const measured = await measure('services', from());
        const { slowest } = print(measured, (await memoryOfAgent()).maxMb);
        expect([...new Set(measured.map(({ ended }) => ended))]).to.deep.equal([200]);
        if (isFull) expect(slowest, 'milliseconds of the slowest answer').to.be.lessThan(1000);
        expect((await memoryOfAgent()).pid).to.equal(pid);
      });
    }

    it('stays below 200 MB and serves others during 500 connections that pipeline and read nothing', async () => {
      const { pid } = await memoryOfAgent();
      const made = await node().run(['hactl', 'token', 'create', 'unread', '--role', 'viewer']);
      try {
        await attack('unread', 500, made.trim());
        await sleep(2000);
        const measured = await measure('configuration', addresses);
        const after = await memoryOfAgent();
        const { p99 } = print(measured, after.maxMb);
        expect([...new Set(measured.map(({ ended }) => ended))]).to.deep.equal([200]);
        expect(after.pid).to.equal(pid);
        expect(after.maxMb, 'MB of memory').to.be.lessThan(200);
        if (isFull) expect(p99, 'milliseconds, p99').to.be.lessThan(250);
      } finally {
        await node().run(['hactl', 'token', 'revoke', 'unread']);
      }
    });
  });
}

/**
 * Prints milliseconds of answers, and the agent's memory. Limits are checked only in a full run on a quiet machine: in
 * `npm test`, other processes may cause delays.
 */
function print(measured: readonly Measured[], maxMb: number): { p99: number; slowest: number } {
  const sorted = measured.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
  const [p50, p99, slowest] = [at(0.5), at(0.99), at(1)];
  const text = [p50, p99, slowest].map((ms) => ms.toFixed()).join(', ');
  const repeated = measured.reduce((sum, each) => sum + each.repeated, 0);
  console.log(
    `      p50, p99, slowest: ${text} ms; ${maxMb.toFixed()} MB; ${repeated} measurements repeated`,
  );
  return { p99, slowest };
}

/** Measures how late the timers of this process are. */
function watchMachine(): { maxLateMs: () => number } {
  let late = 0;
  let due = performance.now() + witnessMs;
  const look = () => {
    late = Math.max(late, performance.now() - due);
    due = performance.now() + witnessMs;
  };
  const timer = setInterval(look, witnessMs);
  return {
    maxLateMs() {
      clearInterval(timer);
      return Math.max(late, performance.now() - due);
    },
  };
}

async function bridgeOf(gateway: string): Promise<string> {
  const stdout = await run(['ip', '-oneline', 'address', 'show', 'to', `${gateway}/32`]);
  return /^\d+: (\S+)/.exec(stdout)?.[1] ?? '';
}
