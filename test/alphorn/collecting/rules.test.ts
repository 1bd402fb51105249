import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { readRules } from '../../../src/alphorn/collecting/rules.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the rules for the content of a liferaft', () => {
  const folder = temporaryFolder();
  const write = (name: string, rules: unknown) =>
    writeFile(join(folder.path, name), JSON.stringify(rules));

  it('come from all files of rules, sorted by file name', async () => {
    await write('20-b.json', { include: ['/b'], max_files: 3 });
    await write('10-a.json', { include: ['/a/*.conf', '/c'], exclude: ['/c/d'] });
    await write('.hidden.json', { include: ['/x'] });
    await write('rules.json.dpkg-new', { include: ['/y'] });
    const { sets, roots, excludes } = await readRules(folder.path);
    expect(sets.map(({ name, maxFiles }) => [name, maxFiles])).to.deep.equal([
      [join(folder.path, '10-a.json'), 10_000],
      [join(folder.path, '20-b.json'), 3],
    ]);
    expect(roots).to.deep.equal(['/a', '/b', '/c']);
    expect([excludes('/c/d'), excludes('/c/e')]).to.deep.equal([true, false]);
  });

  for (const [glob, base, depth, matching, others] of [
    ['/etc/hostname', '/etc/hostname', Infinity, ['/etc/hostname', '/etc/hostname/in/it'], []],
    [
      '/etc/ssh/ssh_host_*',
      '/etc/ssh',
      1,
      ['/etc/ssh/ssh_host_key'],
      ['/etc/ssh/a', '/etc/ssh/ssh_host_x/y'],
    ],
    ['/etc/**', '/etc', Infinity, ['/etc/a', '/etc/.a/.b/c'], []],
    ['/etc/*/.x', '/etc', 2, ['/etc/a/.x', '/etc/.a/.x'], ['/etc/.x']],
    ['/etc/{a,b/c}/x?', '/etc', Infinity, ['/etc/a/x1', '/etc/b/c/x1'], ['/etc/b/x1']],
    ['/etc/[ab].conf', '/etc', 1, ['/etc/a.conf'], ['/etc/c.conf']],
    ['/etc/**/*.conf', '/etc', Infinity, ['/etc/a.conf', '/etc/b/.c.conf'], ['/etc/b/c']],
    ['/etc/!(a)', '/etc', 1, ['/etc/!(a)'], ['/etc/b']],
  ] as const) {
    it(`match exactly the paths of the glob ${glob}`, async () => {
      await write('a.json', { include: [glob] });
      const [include] = (await readRules(folder.path)).sets[0]?.includes ?? [];
      expect(include).to.include({ base, depth });
      for (const path of matching) expect(include?.matches(path), path).to.equal(true);
      for (const path of others) expect(include?.matches(path), path).to.equal(false);
    });
  }

  it('match names that contain a line break', async () => {
    const globs = ['/etc/**/*.conf', '/etc/*/*.conf', '/**/*.conf'];
    await write('a.json', { include: globs, exclude: ['/**/*.old'] });
    const { sets, excludes } = await readRules(folder.path);
    for (const include of sets[0]?.includes ?? [])
      expect(include.matches('/etc/a\nb/c\nd.conf'), include.text).to.equal(true);
    expect(excludes('/etc/a\nb/c\nd.old')).to.equal(true);
  });

  for (const [what, text, place] of [
    ['text that is not JSON', '{', 'expected JSON'],
    ['JSON that is not an object', '[]', 'Invalid input: expected object'],
    ['an unknown key', '{"includes": ["/etc"]}', 'unknown key includes'],
    [
      'a path that is not absolute',
      '{"include": ["/a", "etc/*"]}',
      'include.1: expected an absolute',
    ],
    ['a path that climbs', '{"exclude": ["/etc/../var"]}', 'exclude.0: expected an absolute'],
    ['a negation', '{"include": ["!/etc"]}', 'include.0: expected an absolute'],
    ['an escape', '{"include": ["/etc/\\\\*"]}', 'include.0: expected an absolute'],
    ['an invalid cap', '{"include": ["/etc"], "max_bytes": 0}', 'max_bytes'],
    ['a cap as text', '{"include": ["/etc"], "max_files": "10"}', 'max_files'],
  ] as const) {
    it(`are refused for ${what}, with the file's name and the place`, async () => {
      await write('good.json', { include: ['/etc'] });
      const path = join(folder.path, 'wrong.json');
      await writeFile(path, text);
      const fault = await faultOf('alphorn_rules_invalid', readRules(folder.path));
      expect(fault.message).to.contain(`${path}: ${place}`);
    });
  }

  it('are refused with all errors at once', async () => {
    await write('a.json', { x: 1, include: ['a'] });
    await write('b.json', { max_files: -1 });
    const { message } = await faultOf('alphorn_rules_invalid', readRules(folder.path));
    for (const part of ['a.json: unknown key x', 'a.json: include.0', 'b.json: max_files'])
      expect(message).to.contain(part);
  });

  it('are refused if they include nothing, because an empty liferaft would replace a good one', async () => {
    await faultOf('alphorn_rules_invalid', readRules(join(folder.path, 'missing')));
    await faultOf('alphorn_rules_invalid', readRules(folder.path));
    await write('a.json', { exclude: ['/etc'] });
    await faultOf('alphorn_rules_invalid', readRules(folder.path));
  });

  it('in the package are valid, and exclude what a node must not get back', async () => {
    const shipped = await readFile('packaging/alphorn/storage-host.json', 'utf8');
    await mkdir(join(folder.path, 'shipped'));
    await writeFile(join(folder.path, 'shipped', 'a.json'), shipped);
    const { sets, excludes } = await readRules(join(folder.path, 'shipped'));
    const isIn = (path: string) =>
      !excludes(path) &&
      sets[0]?.includes.some(
        ({ base, matches }) => (path === base || path.startsWith(`${base}/`)) && matches(path),
      );
    for (const path of [
      '/etc/hostname',
      '/etc/hostid',
      '/etc/machine-id',
      '/etc/hosts',
      '/etc/ssh/ssh_host_ed25519_key',
      '/etc/network/interfaces.d/a',
      '/etc/resolv.conf',
      '/etc/passwd',
      '/etc/shadow',
      '/etc/corosync/corosync.conf',
      '/etc/corosync/authkey',
      '/etc/pacemaker/authkey',
      '/var/lib/pacemaker/cib/cib.xml',
      '/var/lib/pcsd/known-hosts',
      '/etc/systemd/system/multi-user.target.wants/pacemaker.service',
      '/etc/samba/smb.conf',
      '/etc/exports',
      '/etc/zfs/zpool.cache',
      '/etc/ha-agent/config.json',
      '/etc/alphorn/key',
      '/var/lib/ha-agent/tokens/ui.json',
      '/etc/default/sbd',
      '/etc/booth/booth.conf',
      '/etc/booth/authkey',
      ...['registry', 'share_info', 'group_mapping', 'account_policy', 'winbindd_idmap'].map(
        (name) => `/var/lib/samba/${name}.tdb`,
      ),
      '/var/lib/samba/private/secrets.tdb',
      '/etc/krb5.keytab',
      '/etc/krb5.conf',
      '/etc/sudoers',
      '/etc/sudoers.d/storage',
      '/etc/ssh/sshd_config',
      '/etc/ssh/sshd_config.d/local.conf',
      '/root/.ssh/authorized_keys',
      '/etc/udev/rules.d/70-persistent-net.rules',
      '/etc/multipath.conf',
      '/etc/multipath/wwids',
      '/etc/iscsi/initiatorname.iscsi',
      '/etc/iscsi/iscsid.conf',
      '/etc/tgt/targets.conf',
      '/etc/target/saveconfig.json',
      '/etc/rtslib-fb-target/saveconfig.json',
      '/etc/drbd.conf',
      '/etc/drbd.d/r0.res',
      '/etc/mdadm/mdadm.conf',
      '/etc/lvm/lvm.conf',
      '/etc/sysctl.conf',
      '/etc/sysctl.d/90-net.conf',
      '/etc/modprobe.d/zfs.conf',
      '/etc/fstab',
      '/etc/crypttab',
    ])
      expect(isIn(path), path).to.equal(true);
    for (const path of [
      '/root/.ssh/id_ed25519',
      '/etc/udev/hwdb.bin',
      '/etc/corosync/corosync.conf.previous',
      '/var/lib/samba/locking.tdb',
      '/var/lib/samba/gencache.tdb',
      '/etc/lvm/archive/vg_1.vg',
      '/etc/samba/smb.conf.dpkg-old',
      '/var/lib/pacemaker/cib/cib-1.raw',
      '/etc/hosts~',
      '/var/lib/ha-agent/restore/x/journal.json',
      '/var/lib/alphorn/own/liferaft_5e7638bc.tar',
    ])
      expect(isIn(path), path).to.equal(false);
  });
});
