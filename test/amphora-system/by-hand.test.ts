import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { type AmphoraLab, type AmphoraNode, upAmphorae } from '../lab/amphora/lab.ts';
import { members, tenant } from '../lab/amphora/networks.ts';
import { builtPackage } from '../lab/built-package.ts';
import { down } from '../lab/lab.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { type Suite, suites } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';

const document = new URL('../../docs/amphora.md', import.meta.url);

/** Where a block of the chapter is typed: the word after `sh`, or the reader's own machine. */
type Place =
  'debian' | 'both' | 'first' | 'second' | 'settings-of-machine' | 'settings' | 'desk' | 'status';

interface Block {
  place: Place;
  text: string;
}

/** The blocks of the chapter, in their order. */
function blocksOf(markdown: string): Block[] {
  const [, chapter = ''] = /^## Set up by hand\n([^]*?)^## /m.exec(markdown) ?? [];
  return [...chapter.matchAll(/^```sh *([\w-]*)\n([^]*?)^```$/gm)].map(
    ([, place = '', text = '']) => ({ place: (place === '' ? 'desk' : place) as Place, text }),
  );
}

/** What an installed Debian has: its own addresses on its cards, at each boot. */
function cardsUnit(node: AmphoraNode): string {
  const cards = [
    { name: 'ens4', address: node.vrrpAddress },
    { name: 'ens5', address: node.memberAddress },
  ];
  return [
    '[Unit]',
    'DefaultDependencies=no',
    'After=local-fs.target',
    'Before=network.target',
    '[Service]',
    'Type=oneshot',
    ...cards.flatMap(({ name, address }) => [
      `ExecStart=/sbin/ip address replace ${address}/24 dev ${name}`,
      `ExecStart=/sbin/ip link set ${name} up`,
    ]),
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

const suite = (process.env['HA_AMPHORA_SUITE'] ?? 'bookworm') as Suite;
if (!suites.includes(suite)) throw new Error(`HA_AMPHORA_SUITE is one of ${suites.join(', ')}.`);

/**
 * Types the chapter "Set up by hand" of docs/amphora.md, block by block, on two Debians without an agent. The client's
 * namespace is the reader's own machine. Only what the document asks its reader to fill in is filled in.
 */
describe(`the way from two machines with ${suite} to a VIP by docs/amphora.md`, () => {
  const name = `hand-${suite}`;
  let lab: AmphoraLab;
  let folder = '';
  let blocks: Block[] = [];
  const nodes = () => lab.nodes as [AmphoraNode, AmphoraNode];
  const typedAt = (...places: Place[]) => blocks.filter(({ place }) => places.includes(place));
  const typeOn = (node: AmphoraNode, text: string) =>
    node.run(['bash', '-euc', `cd /root; ${text}`], { deadlineMs: 120_000 });
  const askVip = () =>
    lab.inClient(['curl', '-sS', '--fail', '--max-time', '1', `http://${tenant.vip.address}/`]);
  const holders = async (): Promise<string[]> => {
    const found = await Promise.all(
      nodes().map(async (node) => {
        if (!(await node.isOn())) return [];
        const addresses = await node.run(['ip', '-o', 'address', 'show', 'dev', 'ens4']);
        return addresses.includes(` ${tenant.vip.address}/`) ? [node.name] : [];
      }),
    );
    return found.flat();
  };
  const untilServed = () =>
    waitUntil('the VIP to serve', async () => (await askVip()).exitCode === 0, {
      deadlineMs: 60_000,
    });
  const untilWell = (node: AmphoraNode) =>
    waitUntil(`the amphora of ${node.name} to be well`, async () => {
      const { exitCode } = await node.exec(['hactl', 'amphora', 'status']);
      return exitCode === 0;
    });

  before(async function () {
    this.timeout(1_200_000);
    blocks = blocksOf(await readFile(document, 'utf8'));
    folder = await mkdtemp(join(tmpdir(), 'by-hand-'));
    lab = await upAmphorae({
      name,
      suite,
      nodes: 2,
      agent: 'none',
      progress: progressOnStderr,
    });
    for (const node of nodes()) {
      await node.hotplug('vip');
      await node.hotplug('members');
      await node.writeFile('/etc/systemd/system/lab-cards.service', cardsUnit(node));
      await node.run(['systemctl', 'enable', '--quiet', '--now', 'lab-cards.service']);
    }
  });

  after(async function () {
    this.timeout(120_000);
    await rm(folder, { recursive: true, force: true });
    await down(name);
  });

  it('installs the packages, and each agent runs with its certificate', async function () {
    this.timeout(600_000);
    const [first, second] = nodes();
    for (const { text } of typedAt('debian')) {
      const packages = text
        .split(/\s+/)
        .filter((word) => !['apt-get', 'install', ''].includes(word));
      for (const node of nodes()) await node.run(['dpkg-query', '--show', ...packages]);
    }
    const debFile = await readFile(await builtPackage());
    for (const node of nodes()) await node.writeFile('/root/ha-agent_0_amd64.deb', debFile);

    for (const { place, text } of typedAt('both', 'first', 'second')) {
      if (place !== 'second') await typeOn(first, `ID=lb1; ${text}`);
      if (place === 'first' && text.includes('hactl amphora init')) {
        for (const file of ['ca.pem', 'server-lb2.pem']) {
          const content = await first.run(['cat', `/root/amphora/${file}`]);
          await second.writeFile(`/root/${file}`, content, 0o600);
        }
        for (const file of ['ca.pem', 'client.pem']) {
          const content = await first.run(['cat', `/root/amphora/${file}`]);
          await writeFile(join(folder, file), content, { mode: 0o600 });
        }
      }
      if (place !== 'first') await typeOn(second, `ID=lb2; ${text}`);
    }
    const asked = typedAt('settings-of-machine').map(({ text }) => text.trim());
    expect(asked).to.deep.equal(['ID=lb1']);
  });

  it('makes the load balancer and the VIP from the other machine', async function () {
    this.timeout(300_000);
    const [first, second] = nodes();
    const given: Record<string, string> = {
      NODE1: first.vrrpAddress,
      NIC1: 'ens4',
      NODE2: second.vrrpAddress,
      NIC2: 'ens4',
      VIP: tenant.vip.address,
      MEMBER1: `${members[0]?.address ?? ''}:80`,
      MEMBER2: `${members[1]?.address ?? ''}:80`,
    };
    const asked = typedAt('settings').flatMap(({ text }) =>
      [...text.matchAll(/(?:^|\s)([A-Z]\w*)=/g)].map(([, word = '']) => word),
    );
    expect(asked).to.have.members(Object.keys(given));
    const settings = Object.entries(given).map(([key, value]) => `${key}=${value}`);
    const text = typedAt('desk').map((block) => block.text);
    const script = [...settings, ...text].join('\n');
    const { exitCode, stdout, stderr } = await lab.inClient(['bash', '-euc', script], {
      cwd: folder,
      deadlineMs: 120_000,
    });
    expect(exitCode, `${stdout}\n${stderr}`).to.equal(0);
  });

  it('is well on both machines, and serves both members', async function () {
    this.timeout(120_000);
    for (const node of nodes()) {
      await untilWell(node);
      for (const { text } of typedAt('status')) {
        const shown = await typeOn(node, text);
        expect(shown)
          .to.include(tenant.vip.address)
          .and.to.match(/Listener www: ACTIVE/);
      }
    }
    const answers = await Promise.all([1, 2, 3, 4].map(askVip));
    expect(new Set(answers.map(({ stdout }) => stdout)).size).to.equal(2);
    expect(await holders()).to.have.lengthOf(1);
  });

  it('is in the metrics of ha-agent, and its configuration passes the check of hactl', async () => {
    for (const node of nodes()) {
      const socket = ['--unix-socket', '/run/ha-agent/api.sock', 'http://localhost/metrics'];
      const metrics = await node.run(['curl', '-sS', '--fail', ...socket]);
      expect(metrics).to.match(/^ha_amphora_vrrp_state\{state="(?:MASTER|BACKUP)"\} 1$/m);
      expect(metrics).to.include('ha_amphora_members{status="UP"} 2');
      const config = '/var/lib/octavia/web/haproxy.cfg';
      expect(await node.run(['hactl', 'amphora', 'check', config])).to.include('would be accepted');
      expect(await node.run(['hactl', 'amphora', 'show', 'web'])).to.match(/member1 +UP/);
    }
  });

  for (const times of ['once', 'a second time, which ends the other machine']) {
    it(`serves after the power of the machine with the VIP was cut ${times}`, async function () {
      this.timeout(300_000);
      const [holder] = await holders();
      const lost = nodes().find((node) => node.name === holder) as AmphoraNode;
      const other = nodes().find((node) => node !== lost) as AmphoraNode;
      await lost.crash();
      await untilServed();
      expect(await holders()).to.deep.equal([other.name]);

      await lost.boot();
      await untilWell(lost);
      expect(await lost.run(['hactl', 'amphora', 'status'])).to.include('BACKUP');
      expect(await holders(), 'after it came back').to.deep.equal([other.name]);
      expect((await askVip()).exitCode).to.equal(0);
    });
  }
});
