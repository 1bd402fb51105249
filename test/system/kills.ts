import { randomBytes } from 'node:crypto';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { agentProcess, killAgentProcess } from './agent-process.ts';
import { asking, type Bench } from './asking.ts';
import { call, untilHealthy } from './client.ts';
import { isFull } from './share.ts';

/** A full run kills more often. */
const kills = isFull ? 50 : 15;

/** A file that a change replaces. */
interface Target {
  path: string;
  /** Mode and owner. */
  owned: string;
  /** A new content of the file, another one each time, and the change that writes it. */
  next: (index: number) => { content: Buffer; route: string; body: object };
}

/** The state of a file. */
interface Found {
  owned: string;
  content: Buffer;
}

/** A killed agent leaves each file complete, with the old or the new content. */
export function describeKills(bench: Bench): void {
  describe('a SIGKILL of the agent during a change', () => {
    const { node, ask } = asking(bench);
    const saved = new Map<string, Found>();

    async function find(path: string): Promise<Found> {
      const script = 'stat -c "%a %U:%G" "$1" && base64 -w0 "$1"';
      const printed = await node().run(['sh', '-c', script, 'sh', path]);
      const [owned = '', content = ''] = printed.split('\n');
      return { owned, content: Buffer.from(content, 'base64') };
    }

    async function restartAgent(): Promise<void> {
      await node().run(['systemctl', 'restart', 'ha-agent']);
      await untilHealthy(node());
    }

    /** Sends a change over an open connection, and kills the agent after a delay. @returns the status of the answer */
    async function killedAfter(
      delayMs: number,
      { route, body }: ReturnType<Target['next']>,
    ): Promise<number | undefined> {
      const pid = await agentProcess(bench().lab, node());
      const agent = new https.Agent({ keepAlive: true });
      await call(node(), '/healthz', { agent });
      const answer = ask('POST', route, body, { agent }).then(
        ({ status }) => status,
        () => undefined,
      );
      await sleep(delayMs);
      await killAgentProcess(pid);
      agent.destroy();
      return answer;
    }

    async function killAgainAndAgain(target: Target): Promise<void> {
      saved.set(target.path, await find(target.path));
      // The moment at which the new file replaces the old one. The kills search for it and stay around it.
      let edgeMs = await durationOf(target.next(0));
      let former = (await find(target.path)).content;
      const seen = { old: 0, new: 0 };
      for (let index = 1; index <= kills; index += 1) {
        const next = target.next(index);
        const delayMs = Math.max(0, edgeMs + (Math.random() - 0.5) * 80);
        const status = await killedAfter(delayMs, next);
        const { owned, content } = await find(target.path);
        const what = `kill ${index}, ${delayMs} ms after the request`;
        expect(owned, what).to.equal(target.owned);
        const isNew = content.equals(next.content);
        expect(isNew || content.equals(former), `${what}: ${content.length} bytes`).to.equal(true);
        if (status !== undefined) expect([status, isNew], what).to.deep.equal([200, true]);
        seen[isNew ? 'new' : 'old'] += 1;
        // Steps that also find a distant moment, because the first change takes longer.
        edgeMs = isNew ? Math.max(0, 0.85 * edgeMs - 2) : 1.1 * edgeMs + 6;
        former = content;
        await restartAgent();
        expect((await find(target.path)).content.equals(content), what).to.equal(true);
      }
      expect(seen.old).to.be.greaterThan(0);
      expect(seen.new).to.be.greaterThan(0);
    }

    /** The duration of the change in a freshly started agent that nobody kills. */
    async function durationOf({ route, body }: ReturnType<Target['next']>): Promise<number> {
      await restartAgent();
      const startedAt = performance.now();
      const { status, text } = await ask('POST', route, body);
      expect(status, text).to.equal(200);
      return performance.now() - startedAt;
    }

    after(async () => {
      for (const [path, { owned, content }] of saved) {
        const [mode = ''] = owned.split(' ');
        await node().writeFile(path, content, Number.parseInt(mode, 8));
        await node().run(['sh', '-c', 'rm -f "$1".*', 'sh', path]);
        expect(await find(path)).to.deep.equal({ owned, content });
      }
      await restartAgent();
    });

    it(`leaves the old or the new corosync.conf, complete, ${kills} times`, async function () {
      this.timeout(600_000);
      const path = '/etc/corosync/corosync.conf';
      const conf = (await node().run(['cat', path])).trimEnd();
      await killAgainAndAgain({
        path,
        owned: '644 root:root',
        next(index) {
          const text = `${conf}\n${`# ${index}, and as long as two pages\n`.repeat(250)}`;
          return { content: Buffer.from(text), route: 'corosync/raw', body: { conf: text } };
        },
      });
    });

    it(`leaves the old or the new key, complete, ${kills} times`, async function () {
      this.timeout(600_000);
      await killAgainAndAgain({
        path: '/etc/corosync/authkey',
        owned: '400 root:root',
        next() {
          const content = randomBytes(256);
          return { content, route: 'corosync/key', body: { key: content.toString('hex') } };
        },
      });
    });
  });
}
