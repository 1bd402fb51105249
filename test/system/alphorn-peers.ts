import { expect } from 'chai';

import type { DaemonStatus } from '../../src/alphorn/sending/daemon-status.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';

interface Helpers {
  /** The node that Alphorn runs on, and the other. */
  roles: () => Promise<{ active: LabNode; other: LabNode }>;
  /** Has Alphorn run on the other node. */
  switchOver: () => Promise<void>;
}

const own = '/var/lib/alphorn/own';

/** Hosts that differ from what their peers know of them. Leaves all files as they were. */
export function describePeers({ roles, switchOver }: Helpers): void {
  describe('a host that is not as its peers know it', () => {
    async function sync(node: LabNode): Promise<{ exitCode: number; status: DaemonStatus }> {
      const argv = ['hactl', 'alphorn', 'sync', '--json'] as const;
      const { exitCode, stdout } = await node.exec(argv, { deadlineMs: 60_000 });
      return { exitCode, status: JSON.parse(stdout) as DaemonStatus };
    }
    const problems = ({ destinations }: DaemonStatus) =>
      destinations
        .filter(({ state }) => state !== 'self')
        .map(({ lastError }) => lastError && `${lastError.code}: ${lastError.detail}`);
    const untilSynced = (node: LabNode) =>
      waitUntil('all to have it', async () => (await sync(node)).exitCode === 0);

    it('sends nothing after a rollback, until root says that its state counts', async () => {
      const { active } = await roles();
      await untilSynced(active);
      await active.run(['cp', '--archive', own, '/root/own']);
      await active.run(['sh', '-c', "echo '# later' >> /etc/hosts"]);
      await untilSynced(active);
      await active.run([
        'sh',
        '-ec',
        `sed -i '/^# later$/d' /etc/hosts; rm -r ${own}; mv /root/own ${own}`,
      ]);
      const { exitCode, status } = await sync(active);
      expect(exitCode).to.equal(2);
      for (const problem of problems(status))
        expect(problem).to.match(/^host_rolled_back: .*hactl alphorn rebuilt/s);
      await active.run(['hactl', 'alphorn', 'rebuilt']);
      await untilSynced(active);
    });

    it('is refused by name if it is a clone, and the first one goes on', async function () {
      this.timeout(300_000);
      const { active, other } = await roles();
      await untilSynced(active);
      const { host } = (await sync(active)).status;
      const bytes = [...Buffer.from(host?.id ?? '', 'hex')].reverse();
      const escaped = bytes.map((byte) => `\\0${byte.toString(8)}`).join('');
      await other.run(['sh', '-c', `printf '%b' '${escaped}' > /etc/hostid`]);
      try {
        await switchOver();
        const { exitCode, status } = await sync(other);
        expect([exitCode, status.host?.id]).to.deep.equal([2, host?.id]);
        const refused = problems(status).join('\n');
        expect(refused).to.include('host_cloned').and.to.include(active.address);
        expect(refused).not.to.match(/delete/);
      } finally {
        await other.run(['rm', '/etc/hostid']);
      }
      await switchOver();
      await untilSynced(active);
    });
  });
}
