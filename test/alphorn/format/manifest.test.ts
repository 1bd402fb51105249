import { expect } from 'chai';
import fc from 'fast-check';

import { Fault } from '../../../src/kit/fault.ts';
import { makeLiferaftCheck } from '../../../src/alphorn/format/check.ts';
import {
  digestOf,
  formatOf,
  type Manifest,
  manifestBytes,
  parseManifest,
} from '../../../src/alphorn/format/manifest.ts';
import { byPath, isPlainPath, parentsOf } from '../../../src/alphorn/format/paths.ts';
import { limits } from '../../../src/alphorn/format/limits.ts';
import type { NamedAcl } from '../../../src/alphorn/format/items.ts';
import { orFault } from '../../support/faults.ts';
import { archiveOf, liferaftOf, manifestOf } from '../../support/liferafts.ts';

const read = (text: string | Buffer) => orFault(() => parseManifest(Buffer.from(text)));

const number = fc.integer({ min: 0, max: 0xffff_ffff });
const name = fc.option(fc.string({ minLength: 1, maxLength: 32, unit: 'grapheme' }));
const ownerFields = { uid: number, gid: number, user: name, group: name };
const owned = { mode: fc.integer({ min: 0, max: 0o7777 }), ...ownerFields };
/** Any name that a directory entry may have: UTF-8 without NUL and slash. */
const pathPart = fc
  .string({ minLength: 1, maxLength: 12, unit: 'binary' })
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');
const path = fc
  .array(pathPart, { minLength: 1, maxLength: 5 })
  .map((parts) => `/${parts.join('/')}`);
const sha256 = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

const perms = fc.integer({ min: 0, max: 7 });
const named = fc
  .uniqueArray(fc.record({ id: number, name, perms }), { maxLength: 3, selector: ({ id }) => id })
  .map((all) => all.sort((a, b) => a.id - b.id));
/** A list with the mask, group and others of the mode. */
const aclFor = (mode: number, users: NamedAcl['users'], groups: NamedAcl['groups']) => ({
  acl: {
    user: (mode >> 6) & 7,
    users,
    group: 5,
    groups,
    mask: (mode >> 3) & 7,
    other: mode & 7,
  },
});

const anyManifest: fc.Arbitrary<Manifest> = fc
  .record({
    host: fc.record({
      id: fc.integer({ min: 0, max: 0xffff_ffff }).map((id) => id.toString(16).padStart(8, '0')),
      name: fc.string({ minLength: 1, maxLength: 64 }),
    }),
    lineage: sha256.map((text) => text.slice(0, 32)),
    generation: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    time: fc
      .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
    lacking: fc.array(fc.record({ path, why: fc.string({ minLength: 1 }) }), { maxLength: 3 }),
    leaves: fc.uniqueArray(
      fc.record({
        path,
        isLink: fc.boolean(),
        size: fc.integer({ min: 0, max: 2 ** 40 }),
        sha256,
        target: fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0')),
        ...owned,
        users: named,
        groups: named,
        hasAcl: fc.boolean(),
      }),
      { maxLength: 12, selector: (leaf) => leaf.path },
    ),
  })
  .map(({ host, lineage, generation, time, lacking, leaves }) => {
    const above = new Set(leaves.flatMap((leaf) => parentsOf(leaf.path)));
    const plain = leaves.filter((leaf) => !above.has(leaf.path));
    const owner = { mode: 0o755, uid: 0, gid: 0, user: null, group: null };
    const lists = plain.find(({ hasAcl }) => hasAcl);
    const defaults = lists && { defaultAcl: aclFor(0o750, lists.users, lists.groups).acl };
    const folders = [...new Set(plain.flatMap((leaf) => parentsOf(leaf.path)))]
      .map((each) => ({ path: each, ...owner, ...defaults }))
      .sort(byPath);
    const files = plain
      .filter(({ isLink }) => !isLink)
      .map(({ path: at, size, sha256: digest, mode, uid, gid, user, group, ...each }) => ({
        path: at,
        size,
        sha256: digest,
        mode,
        uid,
        gid,
        user,
        group,
        ...(each.hasAcl && aclFor(mode, each.users, each.groups)),
      }))
      .sort(byPath);
    return {
      format: formatOf({ folders, files, lacking }),
      host,
      lineage,
      generation,
      time,
      folders,
      files,
      links: plain
        .filter(({ isLink }) => isLink)
        .map(({ path: at, target, uid, gid, user, group }) => ({
          path: at,
          target,
          uid,
          gid,
          user,
          group,
        }))
        .sort(byPath),
      ...(lacking.length > 0 && { lacking }),
    };
  });

describe('a manifest', () => {
  it('is read as it was written, whatever its content', () => {
    fc.assert(
      fc.property(anyManifest, (manifest) => {
        expect(parseManifest(manifestBytes(manifest))).to.deep.equal(manifest);
      }),
      { numRuns: 300 },
    );
  });

  it('has only one valid spelling', () => {
    fc.assert(
      fc.property(anyManifest, fc.nat(), fc.integer({ min: 1, max: 255 }), (manifest, at, bits) => {
        const bytes = Buffer.from(manifestBytes(manifest));
        const place = at % bytes.length;
        bytes.writeUInt8(bytes.readUInt8(place) ^ bits, place);
        const other = read(bytes);
        if (other instanceof Fault)
          expect(other.code).to.be.oneOf(['liferaft_invalid', 'liferaft_of_later_format']);
        // Another meaning makes another manifest with another digest.
        else expect(manifestBytes(other as Manifest).equals(bytes)).to.equal(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused if one of its bytes does not match its digest', () => {
    fc.assert(
      fc.property(anyManifest, fc.nat(), fc.integer({ min: 1, max: 255 }), (manifest, at, bits) => {
        const bytes = Buffer.from(manifestBytes(manifest));
        const check = makeLiferaftCheck({ digest: digestOf(bytes), maxBytes: 2 ** 50 });
        const place = at % bytes.length;
        bytes.writeUInt8(bytes.readUInt8(place) ^ bits, place);
        const refused = orFault(() => {
          check.write(archiveOf(bytes, []));
        });
        expect(refused).to.be.instanceOf(Fault).with.property('code', 'liferaft_invalid');
      }),
      { numRuns: 300 },
    );
  });

  it('has its paths in the order of their code points', () => {
    const paths = [
      '/a',
      '/a-b',
      '/a.b',
      '/a/b',
      '/ab',
      '/ä',
      '/\u{e000}',
      '/\u{ffff}',
      '/\u{1f600}',
    ];
    const sorted = [...paths]
      .reverse()
      .map((each) => ({ path: each }))
      .sort(byPath);
    expect(sorted.map((each) => each.path)).to.deep.equal(paths);
    const asBytes = [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(asBytes).to.deep.equal(paths);
  });

  it('has only absolute paths that do not climb', () => {
    for (const good of [
      '/etc/hostname',
      '/a',
      '/...',
      '/.hidden/..x',
      '/a b/ü\n',
      `/${'x'.repeat(4094)}`,
    ])
      expect(isPlainPath(good), good).to.equal(true);
    for (const bad of [
      '',
      '/',
      'etc/hostname',
      './a',
      '../a',
      '/..',
      '/.',
      '/a/../b',
      '/a/..',
      '/a/./b',
      '//a',
      '/a//b',
      '/a/',
      '/a\0b',
      'C:/a',
      'C:a',
      '\\a',
      `/${'x'.repeat(4095)}`,
    ])
      expect(isPlainPath(bad), bad).to.equal(false);
  });

  describe('is refused', () => {
    const manifest = manifestOf({
      files: { '/etc/a': 'a', '/etc/b': 'b' },
      links: { '/etc/c': '../anywhere' },
    });
    const [a, b] = manifest.files;
    const [link] = manifest.links;
    const [folder] = manifest.folders;
    const acl = {
      user: 6,
      users: [{ id: 5, name: null, perms: 4 }],
      group: 0,
      groups: [],
      mask: 4,
      other: 4,
    };
    const withUsers = (...ids: number[]) => ({
      format: 2,
      files: [{ ...a, acl: { ...acl, users: ids.map((id) => ({ id, name: null, perms: 4 })) } }],
    });
    const changed = (change: object) => read(manifestBytes({ ...manifest, ...change }));

    it('only after a change', () => {
      expect(changed({})).to.deep.equal(manifest);
      expect(changed(withUsers(1, 2))).to.deep.equal({ ...manifest, ...withUsers(1, 2) });
    });

    it('as made by a later version, if its format says so', () => {
      for (const change of [{ format: 3 }, { format: 99, folders: undefined, x: 1 }]) {
        const text = JSON.stringify({ ...manifest, ...change });
        const fault = read(text) as Fault;
        expect(fault.code).to.equal('liferaft_of_later_format');
        expect(fault.message).to.match(
          /made by a later version of ha-agent.*Install the later version/,
        );
      }
    });

    for (const [what, change] of [
      ['a format that it does not need', { format: 2 }],
      ['an invalid format', { format: '1' }],
      ['a list in a format that has none', { files: [{ ...a, acl }] }],
      ['a list that does not fit the mode', { format: 2, files: [{ ...a, mode: 0o604, acl }] }],
      ['a list without a mask', { format: 2, files: [{ ...a, acl: { ...acl, mask: null } }] }],
      ['a list that names a user twice', withUsers(1, 1)],
      ['a list out of order', withUsers(2, 1)],
      ['a list with too many entries', withUsers(...Array(limits.aclEntries + 1).keys())],
      ['an invalid host id', { host: { id: '../../x', name: 'a' } }],
      ['a host without a name', { host: { id: '5e7638bc', name: '' } }],
      ['no lineage', { lineage: '' }],
      ['generation 0', { generation: 0 }],
      ['a generation that is too large for an exact number', { generation: 2 ** 53 }],
      ['an invalid time', { time: 'yesterday' }],
      ['a path that climbs', { files: [{ ...a, path: '/etc/../x' }] }],
      ['a path that is not absolute', { files: [{ ...a, path: 'etc/a' }] }],
      ['a link whose path climbs', { links: [{ ...link, path: '/etc/../../c' }] }],
      ['a folder whose path climbs', { folders: [{ ...folder, path: '/..' }] }],
      ['a file twice', { files: [a, a] }],
      ['paths out of order', { files: [b, a] }],
      ['a path that is a file and a link', { links: [{ ...link, path: '/etc/a' }] }],
      ['a path that is a file and a folder', { folders: [folder, { ...folder, path: '/etc/a' }] }],
      ['a file below a link', { files: [a, b, { ...a, path: '/etc/c/x' }] }],
      ['a file below a file', { files: [a, { ...a, path: '/etc/a/x' }, b] }],
      ['a size below zero', { files: [{ ...a, size: -1 }] }],
      ['half a byte', { files: [{ ...a, size: 0.5 }] }],
      ['an invalid digest', { files: [{ ...a, sha256: 'x'.repeat(64) }] }],
      ['bits that are not part of a mode', { files: [{ ...a, mode: 0o10644 }] }],
      ['an owner below zero', { files: [{ ...a, uid: -1 }] }],
      ['a link to nowhere', { links: [{ ...link, target: '' }] }],
      ['a link to an invalid path', { links: [{ ...link, target: 'a\0b' }] }],
    ] as const) {
      it(`with ${what}`, () => {
        expect(changed(change)).to.be.instanceOf(Fault).with.property('code', 'liferaft_invalid');
      });
    }

    for (const [what, text] of [
      ['an empty text', ''],
      ['text that is not JSON', '{'],
      ['JSON that is not an object', '[]\n'],
      ['unknown keys', manifestBytes(manifest).toString().replace('{', '{\n "x": 1,')],
      ['a key twice', manifestBytes(manifest).toString().replace('{', '{\n "format": 1,')],
      ['additional white space', `${manifestBytes(manifest).toString()}\n`],
      [
        '__proto__',
        manifestBytes(manifest).toString().replace('"host": {', '"host": {"__proto__": {},'),
      ],
    ] as const) {
      it(`with ${what}`, () => {
        expect(read(text)).to.be.instanceOf(Fault).with.property('code', 'liferaft_invalid');
      });
    }

    it('with more paths than a liferaft may have, before anything else is looked at', () => {
      const many = Array.from({ length: limits.items + 1 }, (_, index) => ({
        ...a,
        path: `/${String(index).padStart(7, '0')}`,
        size: 0,
      }));
      expect(read(manifestBytes({ ...manifest, files: many } as Manifest)))
        .to.be.instanceOf(Fault)
        .with.property('code', 'liferaft_invalid');
    });
  });

  it('may name a link with any target, because the target is never followed', () => {
    const links = { '/etc/a': '/etc/shadow', '/etc/b': '../../../../x', '/etc/c': 'C:\\x' };
    const { manifest } = liferaftOf({ links });
    expect(read(manifestBytes(manifest))).to.deep.equal(manifest);
  });
});
