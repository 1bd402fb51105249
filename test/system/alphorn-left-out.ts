import { expect } from 'chai';

import type { DaemonStatus } from '../../src/alphorn/sending/daemon-status.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Bench } from './asking.ts';

interface Compared {
  paths: string[];
  differences: string[];
}

interface Helpers {
  /** The node that Alphorn runs on, and the other. */
  roles: () => Promise<{ active: LabNode; other: LabNode }>;
  /** The archive of a liferaft on a node. */
  read: (node: LabNode, name: string) => Promise<Buffer>;
  /** Compares it with the files of a node. */
  compare: (node: LabNode, liferaft: Buffer) => Promise<Compared>;
}

/** More than the caps of the package's rules. */
const tooMany = 20_000;

/** Paths that cannot go into a liferaft as they are now, in a cluster where Alphorn runs. Leaves all files as they were. */
export function describeLeftOut(bench: Bench, { roles, read, compare }: Helpers): void {
  describe('a path that cannot go in as it is', () => {
    let active: LabNode;
    let other: LabNode;
    let name: string;
    const sh = (text: string) => active.run(['sh', '-ec', text]);

    /** Runs a sync and returns the status. The sync fails if something is lacking, and says so. */
    async function sync(): Promise<DaemonStatus> {
      const { stdout } = await active.exec(['hactl', 'alphorn', 'sync', '--json'], {
        deadlineMs: 60_000,
      });
      return JSON.parse(stdout) as DaemonStatus;
    }
    const toOther = (status: DaemonStatus) =>
      status.destinations.find(({ destination }) => destination === other.address);
    const leftOut = ({ liferaft }: DaemonStatus, path: string) =>
      liferaft?.leftOut.find((each) => each.path === path);

    /** The liferaft of the active node on the other, which must match the node. */
    async function sent(): Promise<Compared> {
      await waitUntil('the other to have it', async () => {
        const { state } = toOther(await sync()) ?? {};
        return state === 'synced' || state === 'lacking';
      });
      return compare(active, await read(other, name));
    }

    /** How often the journal has reported a path that is left out. */
    async function timesLogged(path: string): Promise<number> {
      const printed = await active.run(['journalctl', '--unit', 'alphorn', '--output', 'cat']);
      return printed
        .split('\n')
        .filter((line) => line.includes('"leftOut"') && line.includes(`"${path}"`)).length;
    }

    before(async () => {
      ({ active, other } = await roles());
      name = `liferaft_${(await sync()).host?.id ?? ''}.tar`;
      expect(bench().lab.nodes).to.include(active);
    });

    it('is not a folder that was moved to another disk, with a link in its place', async () => {
      await sh(
        `mkdir -p /etc/samba /etc/ssh /srv/disk
         echo secret > /etc/samba/moved; chmod 600 /etc/samba/moved
         echo key > /etc/ssh/ssh_host_moved_key
         mv /etc/samba /srv/disk/samba; ln -s /srv/disk/samba /etc/samba
         mv /etc/ssh /srv/disk/ssh; ln -s ../srv/disk/ssh /etc/ssh`,
      );
      try {
        const { paths, differences } = await sent();
        expect(differences).to.deep.equal([]);
        const followed = ['/srv/disk/samba/moved', '/srv/disk/ssh/ssh_host_moved_key'];
        expect(paths).to.include.members(['/etc/samba', '/etc/ssh', ...followed]);
        const { liferaft } = await sync();
        expect(liferaft?.leftOut.filter(({ path }) => /samba|ssh/.test(path))).to.deep.equal([]);
        const archive = await read(other, name);

        await sh('mv /srv/disk /srv/lost; rm /etc/samba /etc/ssh');
        await active.writeFile('/root/moved.tar', archive, 0o600);
        // The liferaft of itself that it took in while it was brought back is of another count.
        await active.exec(['hactl', 'alphorn', 'delete', name]);
        await active.run(['hactl', 'alphorn', 'import', '/root/moved.tar']);
        await active.run(['hactl', 'alphorn', 'restore', name, '/etc/samba', '/etc/ssh', '/srv']);
        expect(await sh('cat /etc/samba/moved /etc/ssh/ssh_host_moved_key')).to.equal(
          'secret\nkey\n',
        );
        expect((await compare(active, archive)).differences).to.deep.equal([]);
        await active.run(['hactl', 'alphorn', 'delete', name]);
      } finally {
        await sh(
          `rm -rf /etc/samba /etc/ssh /root/moved.tar
           [ ! -e /srv/lost ] || { rm -rf /srv/disk; mv /srv/lost /srv/disk; }
           mv /srv/disk/samba /srv/disk/ssh /etc/
           rm -r /srv/disk /etc/samba/moved /etc/ssh/ssh_host_moved_key`,
        );
      }
    });

    it('is only what exceeds the caps in one folder, at any place in the order of paths', async function () {
      this.timeout(200_000);
      const folder = '/etc/NetworkManager';
      await sh(`mkdir -p ${folder}/many; cd ${folder}/many; seq ${tooMany} | xargs touch`);
      try {
        const { paths, differences } = await sent();
        expect(differences).to.deep.equal([]);
        const wanted = [
          '/etc/passwd',
          '/etc/shadow',
          '/etc/group',
          '/etc/hosts',
          '/etc/hostname',
          '/etc/corosync/authkey',
          '/var/lib/pacemaker/cib/cib.xml',
          '/etc/nsswitch.conf',
        ];
        expect(wanted.filter((path) => !paths.includes(path))).to.deep.equal([]);
        const status = await sync();
        expect(leftOut(status, folder)?.why).to.match(/Only a part.*max_files.*10000/);
        expect(status.liferaft?.whole).to.equal(true);
        const { exitCode, stdout } = await active.exec(['hactl', 'alphorn', 'status']);
        expect(exitCode, stdout).to.equal(1);
        expect(stdout)
          .to.match(/^WARNING: /)
          .and.to.match(/Left out: \/etc\/NetworkManager: Only a part of it goes in/);
        expect(await timesLogged(folder)).to.equal(1);
      } finally {
        await sh(`rm -r ${folder}/many`);
      }
    });

    it('does not displace the last whole liferaft', async function () {
      this.timeout(200_000);
      const listed = async () =>
        JSON.parse(await other.run(['hactl', 'alphorn', 'list', '--json'])) as {
          name: string;
          current: boolean;
          whole: boolean;
        }[];
      const ofActive = async () =>
        (await listed()).filter((each) => each.name.startsWith(name.replace('.tar', '')));
      await sh('mv /etc/gshadow /root/gshadow.kept; mkfifo /etc/gshadow');
      try {
        for (let change = 1; change <= 7; change += 1) {
          await sh(`echo '# ${change}' >> /etc/hosts`);
          const status = await sync();
          expect(status.error?.code).to.equal('liferaft_lacking');
          expect(status.error?.detail).to.match(/^The liferaft lacks \/etc\/gshadow, .* a fifo/);
          expect(toOther(status)?.state).to.equal('lacking');
          expect(leftOut(status, '/etc/gshadow')).to.include({ essential: true, kept: false });
        }
        const former = await ofActive();
        expect(former.find(({ current }) => current)?.whole).to.equal(false);
        const whole = former.find((each) => each.whole)?.name ?? '';
        const { stdout } = await other.exec(['hactl', 'alphorn', 'show', whole]);
        expect(stdout).to.match(/ \/etc\/gshadow\n/);
        expect(await timesLogged('/etc/gshadow')).to.equal(1);
      } finally {
        await sh(
          'rm /etc/gshadow; mv /root/gshadow.kept /etc/gshadow; sed -i "/^# [1-7]$/d" /etc/hosts',
        );
      }
      const status = await sync();
      expect([status.error, toOther(status)?.state]).to.deep.equal([null, 'synced']);
    });

    it('may be a file that changes all the time, while each change of other files is sent', async function () {
      this.timeout(200_000);
      const log = '/etc/samba/never-still';
      await sh(`mkdir -p /etc/samba; echo first > ${log}`);
      await sent();
      const script = `while time.sleep(0.002) is None: log.write(b'line\\n')`;
      const program = `import time; log = open('${log}', 'ab', buffering=0)\n${script}`;
      await active.run(['systemd-run', '--unit', 'never-still', 'python3', '-c', program]);
      let named = 0;
      try {
        for (const change of ['one', 'two', 'three']) {
          await sh(`echo ${change} > /etc/samba/other`);
          const status = await sync();
          expect(status.error).to.equal(null);
          expect(toOther(status)?.state).to.equal('synced');
          // On a busy node it may stay unchanged for a moment.
          if (leftOut(status, log)?.kept) named += 1;
          const archive = ['tar', '-xOf', `/var/lib/alphorn/liferafts/${name}`] as const;
          expect(await other.run([...archive, 'root/etc/samba/other'])).to.equal(`${change}\n`);
          expect(await other.run([...archive, `root${log}`])).to.match(/^first\n(line\n)*$/);
        }
        expect(named).to.be.greaterThan(0);
        expect(await timesLogged(log)).to.equal(1);
      } finally {
        await active.run(['systemctl', 'stop', 'never-still']);
      }
      expect((await sent()).differences).to.deep.equal([]);
      expect(leftOut(await sync(), log)).to.equal(undefined);
      await sh(`rm ${log} /etc/samba/other`);
    });
  });
}
