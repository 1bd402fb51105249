import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';
import { execa } from 'execa';

import { builtPackage } from '../lab/built-package.ts';
import type { LabNode } from '../lab/lab.ts';
import { contractExample } from '../support/fixtures.ts';
import type { Bench } from './asking.ts';
import { untilHealthy } from './client.ts';

const document = new URL('../../docs/first-cluster.md', import.meta.url);

/** Where the blocks of the document are typed: the word after `sh`, or the reader's own machine. */
type Place = 'debian' | 'node' | 'settings' | 'desk' | 'afterwards';

interface Block {
  place: Place;
  text: string;
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```sh *(\w*)\n([^]*?)^```$/gm)].map(
    ([, place = '', text = '']) => ({
      place: (place === '' ? 'desk' : place) as Place,
      text,
    }),
  );
}

/**
 * Types docs/first-cluster.md, block by block, on two blank Debians and on this machine. Only what the document asks
 * its reader to fill in is filled in. The result is a cluster.
 */
export function describeFirstCluster(bench: Bench): void {
  describe('the way from two blank nodes to a cluster by docs/first-cluster.md', () => {
    const nodes = () => bench().lab.nodes as [LabNode, LabNode];
    let blocks: Block[] = [];
    let folder = '';
    const tokens: string[] = [];
    const typed = (place: Place) => blocks.filter((each) => each.place === place);

    before(async () => {
      blocks = blocksOf(await readFile(document, 'utf8'));
      folder = await mkdtemp(join(tmpdir(), 'first-cluster-'));
    });

    after(() => rm(folder, { recursive: true }));

    after(async () => {
      // Later tests use the token that they know.
      const stored = '/var/lib/ha-agent/tokens/bench.json';
      const { token } = bench();
      const content = {
        role: 'admin',
        sha256: createHash('sha256').update(token).digest('hex'),
        created: new Date().toISOString(),
        expires: null,
      };
      for (const node of nodes()) {
        await node.writeFile(stored, `${JSON.stringify(content)}\n`, 0o600);
      }
    });

    it('installs the package, and prints a token and the certificate on each node', async () => {
      for (const node of nodes()) await node.crash();
      for (const [index, node] of nodes().entries()) {
        await node.replaceDisk();
        await node.boot();
        for (const { text } of typed('debian')) {
          const packages = text
            .split(/\s+/)
            .filter((word) => !['apt-get', 'install', ''].includes(word));
          await node.run(['dpkg-query', '--show', ...packages]);
        }
        await node.writeFile('/root/ha-agent_0_amd64.deb', await readFile(await builtPackage()));
        const printed: string[] = [];
        for (const { text } of typed('node')) {
          printed.push(
            await node.run(['sh', '-euc', `cd /root; ${text}`], { deadlineMs: 120_000 }),
          );
          await untilHealthy(node);
        }
        tokens.push(printed.find((each) => /^[0-9a-f]{64}$/.test(each.trim()))?.trim() ?? '');
        const certificate = printed.find((each) => each.includes('BEGIN CERTIFICATE')) ?? '';
        await writeFile(join(folder, `node${index + 1}.pem`), certificate);
      }
      expect(tokens).to.have.lengthOf(2).and.not.to.include('');
    });

    it('makes the cluster, its fencing and a service with the API only', async function () {
      this.timeout(600_000);
      const [first, second] = nodes();
      const given: Record<string, string> = {
        NAME1: first.name,
        NODE1: first.address,
        TOKEN1: tokens[0] ?? '',
        NAME2: second.name,
        NODE2: second.address,
        TOKEN2: tokens[1] ?? '',
        IP: bench().lab.vip,
        FENCE_AGENT: 'fence_lab',
        FENCE1: JSON.stringify({ pcmk_host_list: first.name }),
        FENCE2: JSON.stringify({ pcmk_host_list: second.name }),
      };
      const asked = typed('settings').flatMap(({ text }) =>
        [...text.matchAll(/(?:^|\s)([A-Z]\w*)=/g)].map(([, name = '']) => name),
      );
      expect(asked).to.have.members(Object.keys(given));
      // An endless loop of the document is ended with its whole process group.
      const { stdout, stderr, exitCode } = await execa(
        'bash',
        [
          '-euc',
          typed('desk')
            .map(({ text }) => text)
            .join('\n'),
        ],
        { cwd: folder, env: given, reject: false, timeout: 500_000 },
      );
      expect(exitCode, `${stdout}\n${stderr}`).to.equal(0);
      expect(stdout).to.include('"status":"running"');
      const [, empty = '{}'] = /^(\{"version":.*\})$/m.exec(stdout) ?? [];
      const documented = Object.keys(contractExample('status') as object);
      const status = JSON.parse(empty) as Record<string, unknown>;
      expect(Object.keys(status).slice(0, 12)).to.deep.equal(documented);
      expect(status).to.deep.include({ resources: {}, fence_history: '', tickets: '', bans: '' });
      const view = await first.cluster();
      expect(view.hasQuorum).to.equal(true);
      expect([...view.online].sort()).to.deep.equal([first.name, second.name].sort());
      expect(await first.run(['crm_resource', '--locate', '--resource', 'Service'])).to.include(
        second.name,
      );
      expect(await bench().lab.powerLog()).to.satisfy((lines: readonly string[]) =>
        lines.some((line) => line.includes(`reboot ${second.name}`)),
      );
    });

    it('leaves the token of an operator, and revokes the one of the setup', async () => {
      for (const node of nodes()) {
        for (const { text } of typed('afterwards')) {
          const list = await node.run(['sh', '-euc', text]);
          expect(list)
            .to.match(/ui\b.*operator/)
            .and.not.to.match(/wizard\b.*admin/);
        }
      }
    });
  });
}
