import { expect } from 'chai';

import type { Suite } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { asking, type Bench } from './asking.ts';
import { type Answer, call, configure, forgotten } from './client.ts';
import { shareOf } from './share.ts';

interface Daemon {
  name: string;
  unit: 'pacemaker' | 'corosync' | 'pcsd';
  /** Requests that surely fail while the daemon is stopped. Others are answered as usual. */
  hangs: readonly string[];
}

const write = 'property/batch-limit/set';
// None of these needs pcs, which a busy machine may not start in time.
const reads = [
  'status',
  'node',
  'constraint/location',
  'resource',
  'fence_history',
  'quorum',
  'corosync/rings',
  'services',
  'versions',
  'property',
];

/** The daemons that crm_mon of each generation asks before it prints. */
function daemonsOf(suite: Suite): Daemon[] {
  const ofPacemaker = { unit: 'pacemaker' } as const;
  return [
    { ...ofPacemaker, name: 'pacemakerd', hangs: suite === 'bullseye' ? [] : ['status'] },
    { ...ofPacemaker, name: 'pacemaker-based', hangs: ['status', write] },
    { ...ofPacemaker, name: 'pacemaker-execd', hangs: [] },
    { ...ofPacemaker, name: 'pacemaker-controld', hangs: suite === 'trixie' ? ['status'] : [] },
    { ...ofPacemaker, name: 'pacemaker-fenced', hangs: ['status'] },
    { ...ofPacemaker, name: 'pacemaker-attrd', hangs: [] },
    { ...ofPacemaker, name: 'pacemaker-schedulerd', hangs: [] },
    { unit: 'corosync', name: 'corosync', hangs: ['quorum', 'corosync/rings'] },
    { unit: 'pcsd', name: 'pcsd', hangs: [] },
  ];
}

/** Each answer that waits for a daemon stopped by SIGSTOP names it, and everything works again after SIGCONT. */
export function describeFrozen(bench: Bench, suite: Suite): void {
  describe('while a daemon is stopped by SIGSTOP', () => {
    const { node, ask, change, configuration, restore, settle } = asking(bench);
    let former = '';

    before(async () => {
      await settle();
      former = await configuration();
      // Otherwise the other node would fence this one and start its resources.
      await change('POST', 'property/stonith-enabled/set', { value: 'false' });
      await change('POST', 'property/maintenance-mode/set', { value: 'true' });
      await configure(node(), { read_deadline_seconds: 2, change_deadline_seconds: 5 });
    });

    after(async () => {
      await restore(former);
      await configure(node(), {});
      await settle();
    });

    async function signal(name: 'STOP' | 'CONT', daemon: Daemon): Promise<void> {
      const script =
        'for pid in $(cat "/sys/fs/cgroup/system.slice/$1.service/cgroup.procs"); do if [ "$1" = pcsd ] || grep -qF "($2)" "/proc/$pid/stat"; then kill "-$3" "$pid"; echo "$pid"; fi; done';
      const short = daemon.name.slice(0, 15);
      const pids = await node().run(['sh', '-c', script, 'sh', daemon.unit, short, name]);
      expect(pids, `processes of ${daemon.name}`).to.match(/^\d+\n/);
    }

    /** The answer is the usual one or a fault that names the daemon. */
    function expectTrueAnswer(route: string, { status, json, text }: Answer, daemon: Daemon): void {
      if (status === 200 || status === 202) {
        expect(daemon.hangs, `${route}: ${text}`).not.to.include(route);
        return;
      }
      const { code, detail } = json as { code: string; detail: string };
      // A change may have been sent already, and may be made when the daemon continues.
      const expected = route === write ? ['tool_timeout', 'outcome_unknown'] : ['tool_timeout'];
      expect(code, `${route}: ${text}`).to.be.oneOf(expected);
      expect(status).to.equal(code === 'tool_timeout' ? 504 : 409);
      expect(detail, route).to.match(
        new RegExp(`(^| )${daemon.name} (is|are) stopped|${daemon.name},`),
      );
    }

    for (const daemon of shareOf(daemonsOf(suite), 3, suite)) {
      const { name } = daemon;
      const isNeeded = name !== 'pcsd';

      it(`answers in time and names ${name}, and recovers when ${name} continues`, async () => {
        await forgotten();
        await signal('STOP', daemon);
        try {
          const probes = ['/healthz', '/readyz'].map((path) => call(node(), path));
          const asked = reads.map((route) => ask('GET', route));
          const changed = ask('POST', write, { value: '0' });
          const [health, readiness] = await Promise.all(probes);
          expect(health?.status).to.equal(200);
          if (isNeeded) {
            expect(readiness?.json).to.include({ status: 503, code: 'daemon_stopped' });
            expect(readiness?.text).to.include(`${name} is stopped`);
          } else expect(readiness?.text).to.equal('{"status":"ok"}');
          for (const [index, answer] of (await Promise.all(asked)).entries()) {
            expectTrueAnswer(reads[index] ?? '', answer, daemon);
          }
          expectTrueAnswer(write, await changed, daemon);
        } finally {
          await signal('CONT', daemon);
        }
        await node().waitUntilCluster('all nodes online', ({ online }) => online.length === 2);
        await waitUntil(
          'the node to be ready',
          async () => (await call(node(), '/readyz')).status === 200,
        );
        for (const route of reads) await waitUntilAnswered(route);
        await waitUntil(
          'a change to be made',
          async () => (await ask('POST', write, { value: '1' })).status === 200,
        );
        expect(await configuration()).to.match(/name="batch-limit" value="1"/);
      });
    }

    /** A cached fault is still answered for a moment. */
    async function waitUntilAnswered(route: string): Promise<void> {
      await waitUntil(
        `${route} to be answered`,
        async () => (await ask('GET', route)).status === 200,
      );
    }
  });
}
