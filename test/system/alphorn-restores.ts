import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { liferaftOf } from '../support/liferafts.ts';
import type { Bench } from './asking.ts';
import { callHa } from './client.ts';

const folder = '/etc/restores';
const fileCount = 300;
const name = 'liferaft_0bad0bad.tar';
const paths = Array.from({ length: fileCount }, (_each, index) => `${folder}/many/${index}`);

/**
 * Restores on a real node, by hactl and by the agent in its sandbox, that are undone in adverse circumstances. Leaves
 * no trace.
 */
export function describeAlphornRestores(bench: Bench): void {
  describe('A restore on a node', () => {
    const node = () => bench().lab.nodes[0] as LabNode;
    const sh = (script: string) => node().run(['sh', '-c', script]);
    const hactl = (...argv: string[]) => node().exec(['hactl', 'alphorn', ...argv]);
    const post = (path: string, body: object = {}) =>
      callHa(node(), path, { token: bench().token, method: 'POST', body: JSON.stringify(body) });
    /** Type, mode, owner and content of all paths. */
    const tree = () =>
      sh(
        `cd ${folder} && find . -printf '%p %y %m %U:%G %l\\n' | sort; find . -type f | sort | xargs cat`,
      );
    let before = '';

    beforeEach(async () => {
      await sh(`rm -rf ${folder}; install -d -m 2750 -o daemon ${folder} ${folder}/many
        for i in $(seq 0 ${fileCount - 1}); do echo "old $i" > ${folder}/many/$i; done
        chown daemon:games ${folder}/many/7; chmod 600 ${folder}/many/7`);
      const { bytes } = liferaftOf({
        host: { id: '0bad0bad', name: 'lost' },
        folders: { '/etc': {}, [folder]: {}, [`${folder}/many`]: {} },
        files: Object.fromEntries(paths.map((path) => [path, `new ${path}\n`])),
      });
      await node().writeFile('/root/restores.tar', bytes, 0o600);
      await node().run(['hactl', 'alphorn', 'import', '/root/restores.tar']);
      before = await tree();
    });

    afterEach(async () => {
      await sh(`umount ${folder}/many/7 2> /dev/null; rm -rf ${folder} /root/restores.tar`);
      await hactl('restores', 'drop', '--all', '--force');
      await hactl('delete', name);
    });

    it('is undone by the agent after its folder was removed', async () => {
      expect((await post(`alphorn/liferaft/${name}/restore`)).status).to.equal(200);
      await sh(`rm -r ${folder}`);
      expect((await post('alphorn/restore/undo')).status).to.equal(409);
      const undone = await post('alphorn/restore/undo', { force: true });
      expect(undone.status, undone.text).to.equal(200);
      expect(await tree()).to.equal(before);
    });

    it('is undone except for a file that cannot be changed, which is named', async () => {
      await node().run(['hactl', 'alphorn', 'restore', name]);
      await sh(`mount --bind ${folder}/many/7 ${folder}/many/7`);
      const refused = await hactl('undo');
      expect(refused.exitCode).to.equal(2);
      expect(refused.stderr)
        .to.include(`1 of ${fileCount} paths`)
        .and.to.include(`${folder}/many/7: `);
      expect(await sh(`cat ${folder}/many/8`)).to.equal('old 8\n');
      const status = await hactl('status');
      // A path that was not put back is a warning. A node that does not run Alphorn is unknown, which outweighs it.
      expect(status.exitCode).to.be.oneOf([1, 3]);
      expect(status.stdout).to.include('could not be put back');
      await sh(`umount ${folder}/many/7`);
      expect((await hactl('undo')).exitCode).to.equal(0);
      expect(await tree()).to.equal(before);
    });

    it('can be killed at any moment, and is undone without a loss', async function () {
      this.timeout(300_000);
      let halfDone = 0;
      for (let count = 0; count < 12; count += 1) {
        // The kills begin with its first writes.
        await sh(`hactl alphorn restore ${name} > /dev/null 2>&1 & pid=$!
          while [ -d /proc/$pid ] && ! ls /var/lib/ha-agent/restore/*/journal.*.json > /dev/null 2>&1; do :; done
          sleep 0.${`${count * 4}`.padStart(2, '0')}; kill -9 $pid; wait $pid; true`);
        const { stdout } = await hactl('status');
        if (stdout.includes('was killed half way')) halfDone += 1;
        await sh(`echo 'mine ${count}' > ${folder}/many/9`);
        await hactl('undo', '--force');
        await hactl('undo', '--force');
        expect(
          await sh(`cat ${folder}/many/9 /var/lib/ha-agent/restore/*/* 2> /dev/null || true`),
        ).to.include(`mine ${count}`);
        await sh(`echo 'old 9' > ${folder}/many/9`);
        expect(await tree(), `kill ${count}`).to.equal(before);
      }
      expect(halfDone).to.be.above(0);
    });

    it('logs a line in the journal before the copies of an old restore are dropped', async () => {
      for (let count = 0; count < 11; count += 1) {
        await sh(`echo ${count} > ${folder}/many/0`);
        const restored = await post(`alphorn/liferaft/${name}/restore`, {
          paths: [`${folder}/many/0`],
        });
        expect(restored.status, restored.text).to.equal(200);
        expect(restored.headers['x-ha-warnings'] ?? '').not.to.include('stays longer');
      }
      const listed = JSON.parse((await hactl('restores', '--json')).stdout) as unknown[];
      expect(listed).to.have.length(10);
      const journal = await node().run([
        'journalctl',
        '--identifier',
        'alphorn',
        '--output',
        'cat',
      ]);
      expect(journal).to.match(/Dropping what restore \d+ \(of liferaft_0bad0bad\.tar, /);
    });
  });
}
