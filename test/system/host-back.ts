import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import { builtPackage } from '../lab/built-package.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Bench } from './asking.ts';
import { callHa, untilHealthy } from './client.ts';

const document = new URL('../../docs/alphorn.md', import.meta.url);

/** Where a command of the document is typed: the word after `sh`. */
const places = ['debian', 'new', 'new', 'peer', 'carry', 'new', 'new', 'new', 'new', 'reboot'];

/** A unit that fails without its user or the folder of that user. */
const unit = `[Service]
Type=exec
User=svc
ExecStart=/bin/sh -c "echo here >> /var/lib/svc/log && exec sleep infinity"
[Install]
WantedBy=multi-user.target
`;

/** Gives the installation other user numbers, and a service with the former number of hacluster. */
const otherNumbers = `
  uid=$(id -u hacluster) gid=$(getent group haclient | cut -d: -f3)
  usermod --uid 450 hacluster
  groupmod --gid 451 haclient
  find / -xdev -uid "$uid" -exec chown -h 450 {} +
  find / -xdev -gid "$gid" -exec chgrp -h 451 {} +
  groupadd --gid "$gid" svc
  useradd --uid "$uid" --gid svc --home-dir /var/lib/svc --create-home --shell /usr/sbin/nologin svc
  systemctl daemon-reload
  systemctl enable --now svc.service
  systemctl is-active svc.service`;

/** Types "How to bring a host back in ten commands" of docs/alphorn.md. Leaves both nodes online. */
export function describeHostBack(bench: Bench): void {
  describe('a host that lost its disk and is brought back by docs/alphorn.md', () => {
    let lost: LabNode;
    let peer: LabNode;
    let hostId = '';
    let numbers = '';
    let commands: { place: string; text: string }[] = [];

    const numbersOn = (node: LabNode) =>
      node.run(['sh', '-c', 'id -u hacluster; getent group haclient | cut -d: -f3']);
    const typed = async (index: number): Promise<string> => {
      const { place = '', text = '' } = commands[index] ?? {};
      const command = text.replaceAll('1234abcd', hostId);
      const node = place === 'peer' ? peer : lost;
      return node.run(['sh', '-euc', `cd /root; ${command}`], { deadlineMs: 180_000 });
    };
    const bothOnline = async (node: LabNode) => {
      await node.waitUntilCluster('both nodes online', ({ online }) => online.length === 2);
      await node.run(['crm_resource', '--wait', '--timeout=90'], { deadlineMs: 100_000 });
    };

    before(async function () {
      this.timeout(180_000);
      const markdown = await readFile(document, 'utf8');
      const section = markdown.slice(markdown.indexOf('## How to bring a host back'));
      commands = [...section.matchAll(/^```sh (\w+)\n([^]*?)^```$/gm)].map(
        ([, place = '', text = '']) => ({ place, text: text.trim() }),
      );
      const { token, lab } = bench();
      const destinations = lab.nodes.map(({ address }) => address);
      const config = { interval: 60_000, sync: { enabled: true, destinations } };
      for (const node of lab.nodes) {
        const body = JSON.stringify({ config });
        const { status, text } = await callHa(node, 'alphorn', { token, method: 'POST', body });
        expect(status, text).to.equal(200);
      }
      const { resources } = await (lab.nodes[0] as LabNode).cluster();
      lost = lab.node(resources.find(({ id }) => id === 'Alphorn')?.node ?? '');
      peer = lab.nodes.find((node) => node !== lost) as LabNode;
      await lost.run(['hactl', 'alphorn', 'sync'], { deadlineMs: 60_000 });
      const status = await lost.run(['hactl', 'alphorn', 'status', '--json']);
      hostId = (JSON.parse(status) as { host: { id: string } }).host.id;
      numbers = await numbersOn(lost);
    });

    it('takes ten commands', () => {
      expect(commands.map(({ place }) => place)).to.deep.equal(places);
      for (const { text } of commands) expect(text).not.to.include('\n');
    });

    it('has its place in the cluster, its users and their files, and keeps its new service', async function () {
      this.timeout(600_000);
      await lost.replaceDisk();
      await peer.waitUntilCluster(
        'Alphorn started on it',
        ({ resources }) =>
          resources.some(({ id, role, node }) => {
            return id === 'Alphorn' && role === 'Started' && node === peer.name;
          }),
        180_000,
      );
      const orphans = () => lost.run(['find', '/', '-xdev', '-nouser', '-o', '-xdev', '-nogroup']);
      await lost.boot();
      const [, ...packages] = (commands[0]?.text ?? '').split(' ').slice(1);
      await lost.run(['dpkg-query', '--show', ...packages]);
      await lost.writeFile('/root/ha-agent_0_amd64.deb', await readFile(await builtPackage()));
      await typed(1);
      await typed(2);
      await lost.writeFile('/etc/systemd/system/svc.service', unit);
      await lost.run(['sh', '-euc', otherNumbers], { deadlineMs: 60_000 });

      expect(await typed(3)).to.include(`liferaft_${hostId}.tar`);
      const liferaft = `/var/lib/alphorn/liferafts/liferaft_${hostId}.tar`;
      const base64 = await peer.run(['base64', '--wrap=0', liferaft]);
      const carried = Buffer.from(base64, 'base64');
      await lost.writeFile(`/root/liferaft_${hostId}.tar`, carried, 0o600);
      await typed(5);
      const diff = await typed(6);
      const [uid = ''] = numbers.split('\n');
      expect(diff).to.include(`user hacluster gets the number ${uid} instead of 450`);
      expect(diff).to.match(new RegExp(`user svc gets the number \\d+ instead of ${uid}`));
      expect(diff).to.match(/Searched for such files: .*at most \d+ paths .*, complete/);
      // A new installation of bullseye has one: /var/lib/apt/lists/partial, with the number of _apt in later Debians.
      const formerOrphans = await orphans();
      await typed(7);
      await typed(8);
      expect(commands[9]?.text).to.equal('systemctl reboot');
      await lost.crash();
      await lost.boot();
      await bothOnline(peer);
      await untilHealthy(lost);

      expect(await lost.run(['cat', '/etc/hostname'])).to.equal(`${lost.name}\n`);
      expect(await numbersOn(lost)).to.equal(numbers);
      const owners = [
        '/var/lib/pacemaker/cib',
        '/var/lib/pacemaker/cib/cib.xml',
        '/var/lib/svc/log',
      ];
      expect(await lost.run(['stat', '--format=%U:%G', ...owners])).to.equal(
        'hacluster:haclient\nhacluster:haclient\nsvc:svc\n',
      );
      expect(await orphans()).to.equal(formerOrphans);
      await waitUntil('the service to run', async () => {
        const { stdout } = await lost.exec(['systemctl', 'is-active', 'svc.service']);
        return stdout.trim() === 'active';
      });
    });

    it('is accepted as the former host, and sends its liferaft again', async function () {
      this.timeout(240_000);
      const { token } = bench();
      const post = (path: string) => callHa(peer, path, { token, method: 'POST' });
      expect((await post(`node/${peer.name}/standby`)).status).to.equal(200);
      await lost.waitUntilCluster('Alphorn started on the host that came back', ({ resources }) =>
        resources.some(({ id, role, node }) => {
          return id === 'Alphorn' && role === 'Started' && node === lost.name;
        }),
      );
      await waitUntil('each destination to have the liferaft', async () => {
        const { exitCode } = await lost.exec(['hactl', 'alphorn', 'sync'], { deadlineMs: 60_000 });
        return exitCode === 0;
      });
      expect(
        (await callHa(lost, `node/${peer.name}/online`, { token, method: 'POST' })).status,
      ).to.equal(200);
      await bothOnline(lost);
      expect(await peer.run(['hactl', 'alphorn', 'list'])).to.include(`liferaft_${hostId}.tar`);
    });
  });
}
