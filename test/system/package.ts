import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import { manPage, pageNames } from '../../packaging/man/pages.ts';
import type { Lab, LabNode } from '../lab/lab.ts';
import { builtPackage } from '../lab/built-package.ts';
import { callHa, configure, untilHealthy } from './client.ts';

/** The life of the package: start, errors, upgrade, removal. It leaves the nodes without the package. */
export function describePackage(bench: () => { lab: Lab; token: string }): void {
  describe('the package', () => {
    const node = () => bench().lab.nodes[1] as LabNode;
    const show = async (property: string) =>
      (
        await node().run(['systemctl', 'show', '--value', `--property=${property}`, 'ha-agent'])
      ).trim();
    const exists = async (path: string) => (await node().exec(['test', '-e', path])).exitCode === 0;

    it('runs the service, supervised and enabled', async () => {
      expect(await show('ActiveState')).to.equal('active');
      expect(await show('UnitFileState')).to.equal('enabled');
      expect(await show('Type')).to.equal('notify');
      // The agent has its own watchdog, because systemd's depends on the clock. test/system/freeze.ts tests it.
      const watchdog = `^/usr/bin/perl /usr/lib/ha-agent/watchdog ${await show('MainPID')} `;
      await node().run(['pgrep', '--full', watchdog]);
    });

    it('brings its own Node.js and needs none of the system', async () => {
      const pid = await show('MainPID');
      expect(await node().run(['readlink', `/proc/${pid}/exe`])).to.equal(
        '/usr/lib/ha-agent/node\n',
      );
      expect(await node().run(['/usr/lib/ha-agent/node', '--version'])).to.match(/^v24\./);
    });

    it('ships the manual pages', async () => {
      for (const page of pageNames) {
        const file = `/usr/share/man/man${page.split('.').at(-1) ?? ''}/${page}.gz`;
        expect(await node().run(['zcat', file])).to.equal(await manPage(page));
      }
    });

    it('leaves no file on a node that ha-agent(8) does not name', async () => {
      const page = (await manPage('ha-agent.8')).replaceAll('\\-', '-');
      const folders = ['/var/lib/ha-agent', '/var/lib/alphorn', '/run/ha-agent', '/etc/ha-agent'];
      const find = ['find', ...folders, '-mindepth', '1', '-maxdepth', '1'] as const;
      const paths = (await node().run(find)).trim().split('\n');
      const unnamed = paths
        .map((path) => path.replace(/audit-\d{6}/, 'audit-000001'))
        .filter((path) => !page.includes(path.replace(/.*\/audit-/, 'audit-')));
      expect(unnamed).to.deep.equal([]);
    });

    it('has the version that hactl prints', async () => {
      const show = ['dpkg-query', '--show', '--showformat=${Version}\\n', 'ha-agent'] as const;
      expect(await node().run(['hactl', '--version'])).to.equal(await node().run(show));
    });

    it('does not start with a wrong configuration, and the journal says what is wrong', async () => {
      const { exitCode } = await node().exec([
        'sh',
        '-c',
        'echo \'{"https_prt": 1}\' > /etc/ha-agent/config.json',
      ]);
      expect(exitCode).to.equal(0);
      expect((await node().exec(['systemctl', 'restart', 'ha-agent'])).exitCode).not.to.equal(0);
      const journal = await node().run([
        'journalctl',
        '--unit=ha-agent',
        '--output=cat',
        '--lines=20',
      ]);
      expect(journal).to.include('/etc/ha-agent/config.json: https_prt: unknown key');
      await node().run(['systemctl', 'reset-failed', 'ha-agent']);
      await configure(node(), {});
    });

    it('keeps tokens and configuration during an upgrade', async () => {
      await configure(node(), { powered_by: 'Kept' });
      await install(node());
      await untilHealthy(node());
      const { status, headers } = await callHa(node(), 'services', { token: bench().token });
      expect([status, headers['x-powered-by']]).to.deep.equal([200, 'Kept']);
    });

    it('leaves its configuration when it is removed', async () => {
      await node().run(['dpkg', '--remove', 'ha-agent'], { deadlineMs: 60_000 });
      expect((await node().exec(['systemctl', 'is-active', 'ha-agent'])).exitCode).not.to.equal(0);
      expect(await exists('/usr/lib/ha-agent')).to.equal(false);
      expect(await exists('/etc/ha-agent/config.json')).to.equal(true);
      expect(await exists('/var/lib/ha-agent/tokens/bench.json')).to.equal(true);
      await install(node());
      await untilHealthy(node());
      expect((await callHa(node(), 'services', { token: bench().token })).status).to.equal(200);
    });

    it('leaves nothing when it is purged', async () => {
      await node().run(['dpkg', '--purge', 'ha-agent'], { deadlineMs: 60_000 });
      const left = await node().run([
        'find',
        '/etc',
        '/usr',
        '/var',
        '/run',
        '-xdev',
        '(',
        '-name',
        '*ha-agent*',
        '-o',
        '-name',
        '*alphorn*',
        ')',
        // This folder is Pacemaker's own, for what systemd has to know about a resource.
        '!',
        '-path',
        '/run/systemd/system/alphorn.service.d',
      ]);
      expect(left).to.equal('');
      // Newer versions of systemd exit with 1 if there are none.
      const list = [
        'systemctl',
        'list-unit-files',
        '--no-legend',
        'ha-agent*',
        'alphorn*',
      ] as const;
      expect((await node().exec(list)).stdout).to.equal('');
    });
  });
}

async function install(node: LabNode): Promise<void> {
  await node.writeFile('/root/ha-agent.deb', await readFile(await builtPackage()));
  await node.run(['dpkg', '--install', '/root/ha-agent.deb'], { deadlineMs: 120_000 });
  await node.run(['rm', '/root/ha-agent.deb']);
}
