import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { call, callHa, configure, forgotten, untilHealthy } from './client.ts';

/** What a UI is shown without the cluster or without a tool. */
export function describeFailures(bench: () => { lab: Lab; token: string }): void {
  describe('when something is broken', () => {
    const node = () => bench().lab.nodes[1] as LabNode;
    const ha = (path: string) => callHa(node(), path, { token: bench().token });

    async function expectProblem(path: string, status: number, code: string): Promise<void> {
      const answer = await ha(path);
      expect(answer.json, answer.text).to.include({ status, code });
      expect(answer.status).to.equal(status);
      expect(answer.headers['content-type']).to.equal('application/problem+json; charset=utf-8');
    }

    /**
     * Polls as a UI does, and gathers each different answer, until the work is done and `last` was seen. An answer
     * is handed out for a second after it was read, so `last` may be seen only then.
     */
    async function answersDuring(work: Promise<unknown>, last: string): Promise<string[]> {
      const seen = new Set<string>();
      const progress = { isDone: false };
      const finish = () => {
        progress.isDone = true;
      };
      work.then(finish, finish);
      const isOver = async () => {
        const { status, json } = await ha('status');
        seen.add(`${status} ${(json as { code?: string }).code ?? ''}`.trim());
        return progress.isDone && seen.has(last);
      };
      await waitUntil(`an answer ${last}`, isOver, { deadlineMs: 240_000, everyMs: 50 });
      await work;
      return [...seen].sort();
    }

    describe('the cluster is stopped', () => {
      const [state, none] = ['200', '503 cluster_not_running'] as const;

      it('shows a state or none at each moment on the way down', async () => {
        const stop = node().run(['pcs', 'cluster', 'stop', node().name], { deadlineMs: 100_000 });
        expect(await answersDuring(stop, none)).to.have.members([state, none]);
      });

      after(async () => {
        const start = async () => {
          await node().run(['pcs', 'cluster', 'start', node().name], { deadlineMs: 100_000 });
          await node().waitUntilCluster('all nodes online', ({ online }) => online.length === 2);
        };
        expect(await answersDuring(start(), state)).to.have.members([state, none]);
      });

      it('gives an error on routes of the state', async () => {
        await expectProblem('status', 503, 'cluster_not_running');
        await expectProblem('node', 503, 'cluster_not_running');
      });

      it('still shows services and versions', async () => {
        expect((await ha('services')).json).to.deep.equal({
          services: [
            { id: 'pacemaker.service', state: 'offline', locked: false },
            { id: 'pcsd.service', state: 'online', locked: false },
            { id: 'corosync.service', state: 'offline', locked: false },
          ],
        });
        expect((await ha('versions')).status).to.equal(200);
      });

      it('is alive, but not ready', async () => {
        expect((await call(node(), '/healthz')).status).to.equal(200);
        const { status, json } = await call(node(), '/readyz');
        expect([status, json]).to.deep.equal([
          503,
          { ...(json as object), code: 'cluster_not_running' },
        ]);
        expect(json).not.to.have.property('command');
      });
    });

    describe('a tool is missing', () => {
      before(async () => {
        await node().run(['mv', '/usr/sbin/crm_mon', '/root/crm_mon']);
        await node().run(['systemctl', 'restart', 'ha-agent']);
        await untilHealthy(node());
      });
      after(async () => {
        await node().run(['mv', '/root/crm_mon', '/usr/sbin/crm_mon']);
      });

      it('starts all the same, and names the tool on the routes that need it', async () => {
        await expectProblem('status', 503, 'tool_missing');
        await expectProblem('versions', 503, 'tool_missing');
        expect((await ha('status')).text).to.include('crm_mon');
        expect((await ha('services')).status).to.equal(200);
      });
    });

    describe('a tool or a daemon hangs', () => {
      before(() => configure(node(), { read_deadline_seconds: 2 }));
      after(() => configure(node(), {}));

      /** While something is stopped, the answer is 504 in time, nothing is left behind, and the next call works. */
      async function expectTimeout(stop: () => Promise<unknown>, resume: () => Promise<unknown>) {
        await forgotten();
        await stop();
        try {
          await expectProblem('status', 504, 'tool_timeout');
          expect((await ha('status')).text).to.include('gave no answer in 2 s');
          // The other commands of the answer reach their deadline a moment later. The crm_mon that the cluster itself
          // runs is not one of them.
          const tools = ['pgrep', '--list-full', 'crm_mon|cibadmin'] as const;
          const isGone = async () =>
            (await node().exec(tools)).stdout
              .split('\n')
              .every((line) => line === '' || line.includes('--daemonize'));
          await waitUntil('no process to be left', isGone);
        } finally {
          await resume();
        }
        await waitUntil('the next call to work', async () => (await ha('status')).status === 200);
      }

      it('gives up on a stopped crm_mon', async () => {
        await expectTimeout(
          async () => {
            await node().run(['mv', '/usr/sbin/crm_mon', '/root/crm_mon']);
            await node().writeFile('/usr/sbin/crm_mon', '#!/bin/sh\nkill -STOP $$\n', 0o755);
          },
          () => node().run(['mv', '/root/crm_mon', '/usr/sbin/crm_mon']),
        );
      });

      it('gives up on a stopped CIB daemon', async () => {
        await expectTimeout(
          () => node().run(['pkill', '-STOP', 'pacemaker-based']),
          () => node().run(['pkill', '-CONT', 'pacemaker-based']),
        );
      });
    });
  });
}
