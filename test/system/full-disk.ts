import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { asking, type Bench } from './asking.ts';
import { type Answer, untilHealthy } from './client.ts';
import { shareOf } from './share.ts';

/** Where the full disk is; what lies there is copied onto it. */
const places = ['/var/lib/ha-agent', '/run/ha-agent', '/etc', '/var'] as const;
type Place = (typeof places)[number];

/** A change, and how anybody can see whether it was made. */
interface Write {
  name: string;
  method: string;
  path: string;
  body?: object;
  /** Prints something else after it was made; run on the node without the agent. */
  look: readonly [string, ...string[]];
  /** Whether each time makes something new, as of a key. */
  differs?: boolean;
  /** Puts it back. */
  back?: readonly (readonly [method: string, path: string, body?: object])[];
  /** What has to be there before. */
  first?: readonly [method: string, path: string, body?: object];
}

const cib = (xpath: string) =>
  ['sh', '-c', `cibadmin --query --xpath "${xpath}" 2>/dev/null; true`] as const;
const digest = (path: string) => ['sha256sum', path] as const;
const dummy = { name: 'Full', agent: 'ocf:pacemaker:Dummy' };
const removeDummy = [['GET', 'resource/Full/delete']] as const;

const writes: readonly Write[] = [
  {
    name: 'a constraint',
    ...{ method: 'POST', path: 'constraint/ticket' },
    body: { name: 'full', ticket: 'T', resource: 'ZFS' },
    look: cib("//rsc_ticket[@id='full']"),
    back: [['DELETE', 'constraint/full']],
  },
  {
    name: 'a new resource',
    ...{ method: 'POST', path: 'resource' },
    body: { ...dummy, disabled: true },
    look: cib("//primitive[@id='Full']"),
    back: removeDummy,
  },
  {
    name: 'an update of a resource',
    first: ['POST', 'resource', dummy],
    ...{ method: 'POST', path: 'resource/Full/update' },
    body: { meta: { 'resource-stickiness': '77' } },
    look: cib("//primitive[@id='Full']/meta_attributes"),
    back: removeDummy,
  },
  {
    name: 'the end of a resource',
    first: ['POST', 'resource', dummy],
    ...{ method: 'GET', path: 'resource/Full/delete' },
    look: cib("//primitive[@id='Full']"),
  },
  {
    name: 'a group',
    first: ['POST', 'resource', dummy],
    ...{ method: 'POST', path: 'resource/group/set' },
    body: { group: 'FullGroup', resources: ['Full'] },
    look: cib("//group[@id='FullGroup']"),
    back: removeDummy,
  },
  {
    name: 'a property',
    ...{ method: 'POST', path: 'property/cluster-recheck-interval/set' },
    body: { value: '779s' },
    look: cib("//nvpair[@name='cluster-recheck-interval']"),
    back: [['GET', 'property/cluster-recheck-interval/delete']],
  },
  {
    name: 'a node in maintenance',
    ...{ method: 'GET', path: 'node/{other}/maintenance' },
    look: cib('//nodes'),
    back: [['GET', 'node/{other}/unmaintenance']],
  },
  {
    name: 'corosync.conf',
    ...{ method: 'POST', path: 'corosync/raw' },
    look: digest('/etc/corosync/corosync.conf'),
    differs: true,
  },
  {
    name: 'the key of corosync',
    ...{ method: 'POST', path: 'corosync/key' },
    body: { key: 'ab'.repeat(256) },
    look: digest('/etc/corosync/authkey'),
  },
  {
    name: 'a new key of corosync',
    ...{ method: 'GET', path: 'corosync/key/generate' },
    look: digest('/etc/corosync/authkey'),
    differs: true,
  },
  {
    name: 'a service that is disabled',
    ...{ method: 'POST', path: 'services/pcsd/disable' },
    look: ['sh', '-c', 'systemctl is-enabled pcsd; true'],
    back: [['POST', 'services/pcsd/enable']],
  },
  {
    name: "Alphorn's settings",
    ...{ method: 'POST', path: 'alphorn' },
    body: { config: { interval: 44_000, sync: { enabled: false, destinations: [] } } },
    look: ['sh', '-c', 'cat /etc/alphorn/config.json 2>/dev/null; true'],
  },
];

const reads = [
  ...['versions', 'status', 'services', 'node', 'fence_history', 'constraint', 'resource'],
  ...['resource/ZFS/details', 'resource/ZFS/locate', 'resource/group', 'stonith', 'stonith/level'],
  ...['property', 'configuration', 'corosync', 'corosync/raw', 'corosync/verify', 'corosync/rings'],
  ...['quorum', 'alphorn', 'alphorn/liferaft', 'audit', 'node/{other}/standby?dry_run=true'],
  ...['resource_agent/providers', 'stonith/agent'],
];

/** Whatever the disk does, an answer tells the truth about what was done. */
export function describeFullDisk(bench: Bench, suite: Suite): void {
  describe('while a disk is full', function () {
    this.timeout(120_000);
    const { node, ask } = asking(bench);
    const other = () => (bench().lab.nodes[1] as LabNode).name;
    const at = (path: string) => path.replace('{other}', other());
    const disk = '/full-disk';
    const ballast = `${disk}/ballast`;
    let mounted: Place | undefined;
    const saved = new Map<string, string>();

    const shell = (script: string) => node().run(['sh', '-c', script], { deadlineMs: 60_000 });

    async function unmount(): Promise<void> {
      if (mounted === undefined) return;
      const place = mounted;
      mounted = undefined;
      await shell(`umount -l ${place}; umount -l ${disk}; rmdir ${disk}`);
      // The socket is in the folder that is seen again now.
      await node().run(['systemctl', 'restart', 'ha-agent']);
      await untilHealthy(node());
      // Pacemaker writes its CIB no more once it could not (cib_disable_writes), until it is sent this.
      if (place === '/var') await shell('pkill -PIPE -x pacemaker-based; true');
    }

    async function mount(place: Place): Promise<void> {
      if (mounted === place) return;
      await unmount();
      const skipped = '--exclude=./cache --exclude=./lib/apt --exclude=./log/journal';
      await shell(
        `mkdir -p ${disk} && mount -t tmpfs -o size=256m,mode=755 tmpfs ${disk} && ` +
          `tar -C ${place} ${skipped} -cf - . 2>/dev/null | tar -C ${disk} -xpf - && ` +
          `chmod --reference=${place} ${disk} && mount --bind ${disk} ${place}`,
      );
      mounted = place;
      await node().run(['systemctl', 'restart', 'ha-agent']);
      await untilHealthy(node());
    }

    const fill = () =>
      shell(`cat /dev/zero > ${ballast} 2>/dev/null; df --output=avail ${disk} | tail -1`);
    const makeRoom = () => shell(`rm -f ${ballast}`);

    async function look(write: Write): Promise<string> {
      return (await node().run(write.look)).trim();
    }

    async function leftovers(): Promise<string> {
      const folders = '/etc/corosync /etc/alphorn /var/lib/ha-agent /run/ha-agent';
      return shell(
        `find ${folders} -name '*.new' -o -name '*.generated' -o -name '*.part' 2>/dev/null; ls -d /dev/shm/ha-agent-* 2>/dev/null; true`,
      );
    }

    async function send({ method, path, body = {} }: Write, key?: string): Promise<Answer> {
      const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key };
      return ask(method, at(path), body, { headers });
    }

    async function putBack({ back = [] }: Write): Promise<void> {
      for (const [method, path, body] of back) await ask(method, at(path), body);
    }

    before(async function () {
      for (const path of ['/etc/corosync/corosync.conf', '/etc/corosync/authkey'])
        saved.set(path, await shell(`base64 -w0 ${path}`));
    });

    afterEach(() => makeRoom());

    after(async () => {
      await unmount();
      for (const [path, content] of saved) {
        await shell(`echo ${content} | base64 -d | cat > ${path}; rm -f ${path}.previous`);
      }
    });

    const cases = places.flatMap((place) =>
      writes.flatMap((write) => [false, true].map((keyed) => ({ place, write, keyed }))),
    );
    for (const { place, write, keyed } of shareOf(cases, 14, suite)) {
      const how = keyed ? 'with a key' : 'without a key';
      it(`on ${place}, ${write.name}, asked for ${how}, is made and said to be, or neither`, async () => {
        await mount(place);
        const conf = await shell('cat /etc/corosync/corosync.conf');
        const asked =
          write.path === 'corosync/raw'
            ? { ...write, body: { conf: `${conf.trimEnd()}\n# ${Date.now()}\n` } }
            : write;
        if (write.first) {
          const [method, path, body] = write.first;
          const answer = await ask(method, path, body);
          expect(answer.status, answer.text).to.equal(200);
        }
        const key = keyed ? `full-${Date.now()}` : undefined;
        const former = await look(write);
        expect((await fill()).trim()).to.equal('0');
        const answer = await send(asked, key);
        const found = await look(write);
        const what = `${answer.status} ${answer.text} ${String(answer.headers['x-ha-warnings'])}`;
        expect(answer.status, what).to.be.oneOf([200, 202, 507]);
        const isMade = answer.status !== 507;
        expect(found !== former, what).to.equal(isMade);
        if (!isMade) expect(answer.json).to.include({ code: 'no_space' });
        expect(await leftovers(), what).to.equal('');
        if (keyed && isMade) {
          const repeated = await send(asked, key);
          expect([repeated.status, repeated.text], what).to.deep.equal([
            answer.status,
            answer.text,
          ]);
          expect(await look(write), what).to.equal(found);
        }
        await makeRoom();
        if (!isMade) {
          const again = await send(asked, key);
          expect(again.status, again.text).to.be.oneOf([200, 202]);
          expect(await look(write), again.text).not.to.equal(former);
        }
        await putBack(write);
        expect(await leftovers()).to.equal('');
        if (write.back) expect(await look(write)).to.equal(write.first ? '' : former);
      });
    }

    for (const place of shareOf(places, 1, suite)) {
      it(`on ${place}, reads and dry runs are answered`, async () => {
        await mount(place);
        await fill();
        const statuses: Record<string, number> = {};
        for (const path of reads) {
          const { status } = await ask('GET', at(path));
          if (status !== 200) statuses[path] = status;
        }
        expect(statuses).to.deep.equal({});
        expect((await ask('GET', 'corosync/key')).status).to.be.oneOf([200, 507]);
      });

      it(`on ${place}, hactl makes and revokes a token, or says in one sentence why not`, async () => {
        await mount(place);
        await fill();
        const create = ['hactl', 'token', 'create', 'full', '--role', 'viewer'] as const;
        const { exitCode, stderr } = await node().exec(create);
        const listed = await node().run(['hactl', 'token', 'list']);
        expect(/^full /m.test(listed), stderr).to.equal(exitCode === 0);
        if (exitCode !== 0)
          expect(stderr.trim()).to.match(/^hactl: [^\n]*(?:full|read-only)[^\n]*$/);
        await makeRoom();
        if (exitCode !== 0) await node().run(create);
        await fill();
        await node().run(['hactl', 'token', 'revoke', 'full']);
        expect(await leftovers()).to.equal('');
      });
    }
  });
}
