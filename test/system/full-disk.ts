import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { liferaftOf } from '../support/liferafts.ts';
import { asking, type Bench } from './asking.ts';
import { untilHealthy } from './client.ts';
import { shareOf } from './share.ts';

/** Folders that are put on a full disk one after another, with their content. */
const places = ['/var/lib/ha-agent', '/run/ha-agent', '/var/lib/pacemaker', '/etc', '/var'];
type Place = (typeof places)[number];
/** Whether Pacemaker cannot write its CIB if this place is full. */
const isOfCib = (place: Place) => place.startsWith('/var') && place !== '/var/lib/ha-agent';

/**
 * A request or a command. Its texts may contain `{other}`, the node that gets no requests; `{here}` and `{away}`, where
 * `Full` runs and where not; `{place}`, the folder on the full disk; `{conf}`, a corosync.conf with one more line.
 */
type Step =
  | readonly ['GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object]
  | readonly ['hactl', ...string[]];

/** A change, and how to see whether it was made. */
interface Write {
  name: string;
  /** Steps that prepare the change. */
  first?: readonly Step[];
  step: Step;
  /** A command whose output differs after the change. It uses the node's own tools, not the agent. */
  look: readonly [string, ...string[]];
  /** Steps that undo the change and its preparation. */
  back?: readonly Step[];
}

/** How a step ended. */
interface Outcome {
  isMade: boolean;
  isRefused: boolean;
  /** The complete answer, for messages. */
  text: string;
}

const shellLook = (script: string) => ['sh', '-c', `${script}; true`] as const;
const cib = (xpath: string) => shellLook(`cibadmin --query --xpath "${xpath}" 2>/dev/null`);
const content = (path: string) => shellLook(`cat ${path} 2>/dev/null`);

const full = { name: 'Full', resource_agent: 'ocf:pacemaker:Dummy' };
/** Stopped, so that the cluster need not do anything for it. */
const createFull: Step = ['POST', 'resource', { ...full, meta: { 'target-role': 'Stopped' } }];
const createRunning: Step = [
  'POST',
  'resource?wait=60s',
  { ...full, meta: { 'resource-stickiness': '1000' } },
];
const deleteFull: Step = ['GET', 'resource/Full/delete'];
const device = { name: 'FullFence', agent: 'fence_lab', params: { pcmk_host_list: '{other}' } };
const createDevice: Step = ['POST', 'stonith/create', device];
const deleteDevice: Step = ['POST', 'stonith/FullFence/delete'];
const levelBody = { node_name: '{other}', stonith_name: 'FullFence' };
const createLevel: Step = ['POST', 'stonith/level/create', { level: 7, ...levelBody }];
const lookAtLevel = cib("//fencing-level[@index='7']");

const host = 'f0110000';
const liferaft = `liferaft_${host}.tar`;
const carried = '/root/full-disk.tar';
const restored = '/etc/full-restored';
/** Longer than the rest of any page. */
const { bytes: liferaftBytes } = liferaftOf({
  host: { id: host, name: 'full' },
  files: { [restored]: 'restored\n'.repeat(5000) },
});
const importIt: Step = ['hactl', 'alphorn', 'import', carried];
const deleteIt: Step = ['DELETE', `alphorn/liferaft/${liferaft}`];
const restoreIt: Step = ['POST', `alphorn/liferaft/${liferaft}/restore`, { paths: [restored] }];
const undoIt: Step = ['POST', 'alphorn/restore/undo'];
const lookAtLiferafts = shellLook('ls -A /var/lib/alphorn/liferafts');
const lookAtRestored = shellLook(
  `ls -l ${restored} 2>/dev/null; find /var/lib/ha-agent/restore -mindepth 1 2>/dev/null`,
);

const createToken: Step = ['hactl', 'token', 'create', 'full', '--role', 'viewer'];
const revokeToken: Step = ['hactl', 'token', 'revoke', 'full'];
const lookAtTokens = shellLook('ls -A /var/lib/ha-agent/tokens');

const writes: readonly Write[] = [
  {
    name: 'a new constraint',
    step: ['POST', 'constraint/ticket', { name: 'full', ticket: 'T', resource: 'ZFS' }],
    look: cib("//rsc_ticket[@id='full']"),
    back: [['DELETE', 'constraint/full']],
  },
  {
    name: 'a deleted constraint',
    first: [['POST', 'constraint/ticket', { name: 'full', ticket: 'T', resource: 'ZFS' }]],
    step: ['DELETE', 'constraint/full'],
    look: cib("//rsc_ticket[@id='full']"),
  },
  {
    name: 'a new resource',
    step: createFull,
    look: cib("//primitive[@id='Full']"),
    back: [deleteFull],
  },
  {
    name: 'an updated resource',
    first: [createFull],
    step: ['POST', 'resource/Full/update', { meta: { 'resource-stickiness': '77' } }],
    look: cib("//primitive[@id='Full']/meta_attributes"),
    back: [deleteFull],
  },
  {
    name: 'a deleted resource',
    first: [createFull],
    step: deleteFull,
    look: cib("//primitive[@id='Full']"),
  },
  {
    name: 'a stopped resource',
    first: [createRunning],
    step: ['GET', 'resource/Full/stop'],
    look: cib("//primitive[@id='Full']/meta_attributes"),
    back: [deleteFull],
  },
  {
    name: 'a migrated resource',
    first: [createRunning],
    step: ['POST', 'resource/Full/migrate', { node: '{away}' }],
    look: shellLook(
      `crm_resource --resource Full --locate 2>&1; cibadmin --query --xpath "//rsc_location[@rsc='Full']" 2>/dev/null`,
    ),
    back: [deleteFull],
  },
  {
    name: 'a group',
    first: [createFull],
    step: ['POST', 'resource/group/set', { groupName: 'FullGroup', resources: ['Full'] }],
    look: cib("//group[@id='FullGroup']"),
    back: [deleteFull],
  },
  {
    name: 'a new fence device',
    step: createDevice,
    look: cib("//primitive[@id='FullFence']"),
    back: [deleteDevice],
  },
  {
    name: 'an updated fence device',
    first: [createDevice],
    step: ['POST', 'stonith/FullFence/update', { params: { delay: '3' } }],
    look: cib("//primitive[@id='FullFence']/instance_attributes"),
    back: [deleteDevice],
  },
  {
    name: 'a deleted fence device',
    first: [createDevice],
    step: deleteDevice,
    look: cib("//primitive[@id='FullFence']"),
  },
  {
    name: 'a new fencing level',
    first: [createDevice],
    step: createLevel,
    look: lookAtLevel,
    back: [deleteDevice],
  },
  {
    name: 'a deleted fencing level',
    first: [createDevice, createLevel],
    step: ['POST', 'stonith/level/7/delete', levelBody],
    look: lookAtLevel,
    back: [deleteDevice],
  },
  {
    name: 'a property',
    step: ['POST', 'property/cluster-recheck-interval/set', { value: '779s' }],
    look: cib("//nvpair[@name='cluster-recheck-interval']"),
    back: [['GET', 'property/cluster-recheck-interval/delete']],
  },
  {
    name: 'a node in maintenance',
    step: ['GET', 'node/{other}/maintenance'],
    look: cib('//nodes//nvpair'),
    back: [['GET', 'node/{other}/unmaintenance']],
  },
  {
    name: 'a node in standby',
    step: ['GET', 'node/{other}/standby'],
    look: cib('//nodes//nvpair'),
    back: [['GET', 'node/{other}/online']],
  },
  {
    name: 'a node that is online again',
    first: [['GET', 'node/{other}/standby?wait=60s']],
    step: ['GET', 'node/{other}/online'],
    look: cib('//nodes//nvpair'),
  },
  {
    name: 'a new corosync.conf',
    step: ['POST', 'corosync/raw', { conf: '{conf}' }],
    look: content('/etc/corosync/corosync.conf'),
  },
  {
    name: 'a key of corosync from the caller',
    step: ['POST', 'corosync/key', { key: '{key}' }],
    look: shellLook('sha256sum /etc/corosync/authkey'),
  },
  {
    name: 'a generated key of corosync',
    step: ['GET', 'corosync/key/generate'],
    look: shellLook('sha256sum /etc/corosync/authkey'),
  },
  {
    name: 'a disabled service',
    step: ['POST', 'services/pcsd/disable'],
    look: shellLook('systemctl is-enabled pcsd'),
    back: [['POST', 'services/pcsd/enable']],
  },
  {
    name: 'an enabled service',
    first: [['POST', 'services/pcsd/disable']],
    step: ['POST', 'services/pcsd/enable'],
    look: shellLook('systemctl is-enabled pcsd'),
  },
  {
    name: "Alphorn's settings",
    step: [
      'POST',
      'alphorn',
      { config: { interval: '{interval}', sync: { enabled: false, destinations: [] } } },
    ],
    look: content('/etc/alphorn/config.json'),
  },
  {
    name: 'an imported liferaft',
    step: importIt,
    look: lookAtLiferafts,
    back: [deleteIt],
  },
  {
    name: 'an exported liferaft',
    first: [importIt],
    step: ['hactl', 'alphorn', 'export', liferaft, '{place}/full-exported'],
    look: shellLook('ls -l {place}/full-exported 2>/dev/null'),
    back: [deleteIt],
  },
  {
    name: 'a deleted liferaft',
    first: [importIt],
    step: deleteIt,
    look: lookAtLiferafts,
  },
  {
    name: 'a restore',
    first: [importIt],
    step: restoreIt,
    look: lookAtRestored,
    back: [undoIt, deleteIt],
  },
  {
    name: 'an undone restore',
    first: [importIt, restoreIt],
    step: undoIt,
    look: lookAtRestored,
    back: [deleteIt],
  },
  { name: 'a new token', step: createToken, look: lookAtTokens, back: [revokeToken] },
  { name: 'a revoked token', first: [createToken], step: revokeToken, look: lookAtTokens },
];

const reads = [
  'versions',
  'status',
  'services',
  'node',
  'node/{other}',
  'fence_history',
  'constraint',
  'constraint/location',
  'resource',
  'resource/ZFS/details',
  'resource/ZFS/locate',
  'resource/group',
  'stonith',
  'stonith/level',
  'property',
  'property/batch-limit/details',
  'configuration',
  'resource_agent',
  'resource_agent/providers',
  'resource_agent/ocf:heartbeat/details',
  'resource_agent/ocf:heartbeat:Dummy/info',
  'stonith/agent',
  'corosync',
  'corosync/raw',
  'corosync/verify',
  'corosync/rings',
  'quorum',
  'alphorn',
  'alphorn/status',
  'alphorn/liferaft',
  `alphorn/liferaft/${liferaft}`,
  `alphorn/liferaft/${liferaft}/diff`,
  'audit',
  'node/{other}/standby?dry_run=true',
  'resource/ZFS/stop?dry_run=true',
  'status?raw=true',
  'constraint?raw=true',
];

/** An answer is true even if the disk is full. */
export function describeFullDisk(bench: Bench, suite: Suite): void {
  describe('with a full disk', function () {
    this.timeout(900_000);
    const { node, ask, configuration, settle } = asking(bench);
    const other = () => (bench().lab.nodes[1] as LabNode).name;
    const disk = '/full-disk';
    const ballast = `${disk}/ballast`;
    let mounted: Place | undefined;
    let former = '';
    let leftToUndo: readonly Step[] = [];
    const counts = new Map<string, number>();

    const shell = (script: string) => node().run(['sh', '-c', script], { deadlineMs: 60_000 });

    async function restartAgent(): Promise<void> {
      await node().run(['systemctl', 'restart', 'ha-agent']);
      await untilHealthy(node());
    }

    async function unmount(): Promise<void> {
      if (mounted === undefined) return;
      const place = mounted;
      await makeRoom();
      await shell(`umount -l ${place} && umount -l ${disk} && rmdir ${disk}`);
      mounted = undefined;
      await restartAgent();
      if (isOfCib(place)) await writeCibAgain();
    }

    /**
     * After one failed write, pacemaker-based never writes its CIB again, even with free space. SIGPIPE makes it write
     * again (cib_enable_writes in daemons/based/pacemaker-based.c).
     */
    async function writeCibAgain(): Promise<void> {
      await shell('pkill -PIPE -x pacemaker-based; true');
    }

    async function mount(place: Place): Promise<void> {
      if (mounted === place) return;
      await unmount();
      // The power switch stays outside, because no fence device starts without it.
      const power = 'lib/lab-power';
      const skipped = `--exclude=./cache --exclude=./lib/apt --exclude=./log/journal --exclude=./${power}`;
      const steps = [
        `mkdir -p ${disk}`,
        `mount -t tmpfs -o size=128m,mode=755 tmpfs ${disk}`,
        `(tar -C ${place} ${skipped} -cf - . 2>/dev/null | tar -C ${disk} -xpf -)`,
        `chmod --reference=${place} ${disk}`,
        `chown --reference=${place} ${disk}`,
        ...(place === '/var'
          ? [`mkdir -p ${disk}/${power}`, `mount --bind /var/${power} ${disk}/${power}`]
          : []),
        `mount --rbind ${disk} ${place}`,
      ];
      await shell(steps.join(' && '));
      mounted = place;
      await restartAgent();
    }

    async function fill(): Promise<void> {
      const left = await shell(
        `cat /dev/zero > ${ballast} 2>/dev/null; df --output=avail ${disk} | tail -1`,
      );
      expect(left.trim()).to.equal('0');
    }

    const makeRoom = () => shell(`rm -f ${ballast}`);

    /** Replaces the names in braces. */
    async function filled<T>(what: T): Promise<T> {
      const text = JSON.stringify(what);
      const values = new Map<string, string | number | undefined>([
        ['{other}', other()],
        ['{place}', mounted],
        ['{interval}', 10_000 + (Date.now() % 100_000)],
        ['{key}', Date.now().toString(16).padStart(16, '0').repeat(32)],
      ]);
      if (text.includes('{conf}'))
        values.set(
          '{conf}',
          `${(await shell('cat /etc/corosync/corosync.conf')).trimEnd()}\n# ${Date.now()}\n`,
        );
      if (text.includes('{away}')) {
        const found = await node().run(['crm_resource', '--resource', 'Full', '--locate']);
        const names = bench().lab.nodes.map(({ name }) => name);
        values.set(
          '{away}',
          names.find((name) => !found.includes(name)),
        );
      }
      return JSON.parse(text, (_key, value: unknown) => {
        if (typeof value !== 'string') return value;
        if (values.has(value)) return values.get(value);
        return value.replace(/\{\w+\}/g, (word) => String(values.get(word) ?? word));
      }) as T;
    }

    async function take(step: Step, key?: string): Promise<Outcome> {
      if (step[0] === 'hactl') {
        const { exitCode, stdout, stderr } = await node().exec(step);
        const text = `exit code ${exitCode} ${stdout} ${stderr}`;
        // hactl prints a line for each sentence, and no stack trace.
        const isRefused =
          exitCode === 2 &&
          stdout === '' &&
          /^hactl: [^\n]*(?:room|is full)[^\n]*\n(?: {2}\S[^\n]*\n)*$/.test(stderr);
        return { isMade: exitCode === 0, isRefused, text };
      }
      const [method, path, body] = step;
      const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key };
      const answer = await ask(method, path, body, { headers });
      const { status, json } = answer;
      return {
        isMade: status === 200 || status === 202,
        isRefused: status === 507 && (json as { code: string }).code === 'no_space',
        text: `${method} ${path}: ${status} ${answer.text} ${String(answer.headers['x-ha-warnings'])}`,
      };
    }

    async function takeAll(steps: readonly Step[]): Promise<void> {
      for (const step of await filled(steps)) {
        const { isMade, text } = await take(step);
        expect(isMade, text).to.equal(true);
      }
    }

    const look = async ({ look: argv }: Write) => (await node().run(await filled(argv))).trim();

    async function leftovers(): Promise<string> {
      const folders =
        '/etc /var/lib/ha-agent /run/ha-agent /var/lib/alphorn /var/lib/pacemaker /var/lib/corosync';
      return shell(
        `find ${folders} -xdev \\( -name '*.new' -o -name '*.generated' -o -name '*.part' \\) -newer /root/full-disk.began; ` +
          'ls -d /dev/shm/ha-agent-* 2>/dev/null; true',
      );
    }

    before(async () => {
      await settle();
      former = await configuration();
      await node().writeFile(carried, liferaftBytes, 0o600);
      await node().writeFile('/root/full-disk.began', '');
    });

    afterEach(async function () {
      if (mounted !== undefined) await makeRoom();
      // Otherwise one failure would cause another.
      if (this.currentTest?.isFailed()) for (const step of leftToUndo) await take(step);
    });

    after(async () => {
      await unmount();
      await shell(
        `rm -f ${carried} /root/full-disk.began /var/lib/alphorn/liferafts/liferaft_${host}.*`,
      );
      await settle();
      // The empty set of a node's attributes stays after its last attribute, as with pcs.
      const named = (xml: string) =>
        xml
          .replace(/<(?:cib|configuration)[^>]*>/g, '')
          .replace(/>\s*<instance_attributes id="nodes-\d+"\/>\s*<\/node>/g, '/>');
      expect(named(await configuration())).to.equal(named(former));
      for (const [ending, count] of counts) console.log(`      ${ending}: ${count}`);
    });

    const cases = places.flatMap((place) =>
      writes.flatMap((write) =>
        // A command has no key.
        (write.step[0] === 'hactl' ? [false] : [false, true]).map((isKeyed) => ({
          place,
          write,
          isKeyed,
        })),
      ),
    );

    for (const { place, write, isKeyed } of shareOf(cases, 10, suite)) {
      const how = isKeyed ? 'with a key' : 'without a key';
      it(`at ${place}, makes or refuses ${write.name} ${how}, and the answer is true`, async () => {
        await mount(place);
        leftToUndo = await filled([...(write.back ?? []), revokeToken, deleteIt]);
        await takeAll(write.first ?? []);
        const before = await look(write);
        const step = await filled(write.step);
        const key = isKeyed ? `full-${Date.now()}` : undefined;
        await fill();
        const { isMade, isRefused, text } = await take(step, key);
        const found = await look(write);
        expect(isMade || isRefused, text).to.equal(true);
        expect(found !== before, `${text}\n${before}\n${found}`).to.equal(isMade);
        expect(await leftovers(), text).to.equal('');
        if (isKeyed && isMade) {
          expect((await take(step, key)).text).to.equal(text);
          expect(await look(write), text).to.equal(found);
        }
        const ending = `on ${place} ${isMade ? 'made' : 'refused'}`;
        counts.set(ending, (counts.get(ending) ?? 0) + 1);
        await makeRoom();
        if (isOfCib(place)) await writeCibAgain();
        if (isRefused) {
          const again = await take(step, key);
          expect(again.isMade, again.text).to.equal(true);
          expect(await look(write), again.text).not.to.equal(before);
        }
        await takeAll(write.back ?? []);
        expect(await leftovers()).to.equal('');
      });
    }

    for (const place of shareOf(places, 1, suite)) {
      it(`at ${place}, answers reads and dry runs`, async () => {
        await mount(place);
        await takeAll([importIt]);
        await fill();
        const failed: Record<string, string> = {};
        for (const path of await filled(reads)) {
          const { status, text } = await ask('GET', path);
          if (status !== 200) failed[path] = `${status} ${text}`;
        }
        const info = await ask('POST', 'stonith/agent/info', { agent: 'fence_lab' });
        if (info.status !== 200) failed['stonith/agent/info'] = info.text;
        expect(failed).to.deep.equal({});
        // The agent records who reads a secret before it shows the secret.
        expect((await ask('GET', 'corosync/key')).status).to.be.oneOf([200, 507]);
        // The agent also starts with a full disk.
        await restartAgent();
        expect((await ask('GET', 'status')).status).to.equal(200);
        await makeRoom();
        await takeAll([deleteIt]);
      });
    }

    it('at /var/lib/pacemaker, makes a change that is not written, and the answer says so', async () => {
      await mount('/var/lib/pacemaker');
      // Otherwise Pacemaker removes the oldest of these first, and has space again.
      await shell('rm -f /var/lib/pacemaker/cib/cib-*');
      await fill();
      const { isMade, text } = await take(['POST', 'property/batch-limit/set', { value: '17' }]);
      expect(isMade, text).to.equal(true);
      expect(text).to.include('no room for /var/lib/pacemaker/cib/cib.xml');
      const onDisk = content('/var/lib/pacemaker/cib/cib.xml');
      expect(await node().run(onDisk)).not.to.include('batch-limit');
      await makeRoom();
      await writeCibAgain();
      await takeAll([['POST', 'property/batch-limit/set', { value: '18' }]]);
      await waitUntil('the CIB to be written', async () =>
        (await node().run(onDisk)).includes('value="18"'),
      );
      await takeAll([['GET', 'property/batch-limit/delete']]);
    });
  });
}
