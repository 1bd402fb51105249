import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import { execa } from 'execa';

import type { LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { agentProcess } from './agent-process.ts';
import type { Bench } from './asking.ts';
import { callHa, untilHealthy } from './client.ts';
import { isFull, shareOf } from './share.ts';

const services = ['ha-agent', 'ha-agent-peers', 'alphorn'] as const;
const standstillSeconds = 120;
const standstills = isFull ? 10 : 1;

/** A standstill of the machine restarts no service, and a service that hangs is restarted. */
export function describeFreeze(bench: Bench, suite: Suite): void {
  // Each takes minutes, so not every suite has one on each day.
  const shared = shareOf(['standstill', 'hang', undefined, undefined] as const, 1, suite);

  async function property(node: LabNode, service: string, name: string): Promise<string> {
    const argv = ['systemctl', 'show', `--property=${name}`, '--value', service] as const;
    return (await node.run(argv)).trim();
  }

  /** The process of each running service, and how often systemd has restarted it. */
  async function processes(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const node of bench().lab.nodes) {
      for (const service of services) {
        const pid = await property(node, service, 'MainPID');
        const restarts = await property(node, service, 'NRestarts');
        found[`${service} on ${node.name}`] = `process ${pid}, ${restarts} restarts`;
      }
    }
    return found;
  }

  if (shared.includes('standstill')) {
    describe(`a standstill of all nodes for ${standstillSeconds} s`, () => {
      const started: LabNode[] = [];
      before(async () => {
        for (const node of bench().lab.nodes) {
          if ((await property(node, 'alphorn', 'ActiveState')) === 'active') continue;
          await node.run(['systemctl', 'start', 'alphorn']);
          started.push(node);
        }
      });
      after(async () => {
        for (const node of started) await node.run(['systemctl', 'stop', 'alphorn']);
      });

      for (let count = 1; count <= standstills; count += 1) {
        it(`restarts no service (${count} of ${standstills})`, async function () {
          this.timeout(20 * 60_000);
          const { lab, token } = bench();
          const before = await processes();
          await lab.freeze(standstillSeconds);
          for (const node of lab.nodes) await untilHealthy(node);
          // Longer than systemd needs to restart a service.
          await sleep(10_000);
          expect(await processes()).to.deep.equal(before);
          for (const node of lab.nodes) {
            await node.waitUntilCluster(
              'all nodes online',
              ({ online }) => online.length === lab.nodes.length,
            );
            expect((await callHa(node, 'status', { token })).status).to.equal(200);
          }
        });
      }
    });
  }

  if (shared.includes('hang')) {
    describe('the watchdog', () => {
      for (const service of shareOf(['ha-agent', 'ha-agent-peers'], 1, suite)) {
        it(`restarts ${service} if it hangs, and says why in the journal`, async function () {
          this.timeout(20 * 60_000);
          const { lab } = bench();
          const node = lab.nodes[0] as LabNode;
          const restarts = Number(await property(node, service, 'NRestarts'));
          const thread = `${await agentProcess(lab, node, service)}`;
          const program = join(import.meta.dirname, 'hang-thread.py');
          const startedAt = performance.now();
          await execa('python3', [program, thread]);
          const seconds = Math.round((performance.now() - startedAt) / 1000);
          await waitUntil(
            'the restart',
            async () => Number(await property(node, service, 'NRestarts')) === restarts + 1,
          );
          await untilHealthy(node);
          const journal = [
            'journalctl',
            `_SYSTEMD_UNIT=${service}.service`,
            '--output=cat',
          ] as const;
          expect(await node.run(journal)).to.include('The event loop hung for 120 s.');
          console.log(`        killed after ${seconds} s`);
        });
      }
    });
  }
}
