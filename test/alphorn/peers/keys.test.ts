import {
  chmod,
  chown,
  mkdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  formerKeyMs,
  type KeyRing,
  openKeyRing,
  peerKeyOf,
} from '../../../src/alphorn/peers/keys.ts';
import { replaceFile } from '../../../src/kit/files/files.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const clusterSecret = Buffer.alloc(256, 'c');
const ownDigits = 'ab'.repeat(32);

describe('the keys by which hosts know each other', () => {
  const rings: KeyRing[] = [];
  afterEach(() => Promise.all(rings.splice(0).map((ring) => ring.saved())));
  const folder = temporaryFolder();
  let now: number;
  const files = () => ({
    key: join(folder.path, 'key'),
    clusterKey: join(folder.path, 'authkey'),
    knownKeys: join(folder.path, 'state', 'known-keys.json'),
  });
  const open = (log = keepingLog().log): KeyRing => {
    const ring = openKeyRing(files(), log, () => now);
    rings.push(ring);
    return ring;
  };
  const ids = (ring: KeyRing) => ring.all().map(({ id }) => id);
  const idOf = (fill: string) => peerKeyOf(Buffer.alloc(256, fill)).id;
  const writeClusterKey = (fill: string) =>
    replaceFile(files().clusterKey, fill.repeat(256), 0o400);

  beforeEach(() => {
    now = Date.now();
  });

  it('are derived from the secrets, and do not reveal them', async () => {
    await writeFile(files().clusterKey, clusterSecret);
    const [key] = open().all();
    expect(key?.secret).to.have.length(32);
    expect(key?.id).to.match(/^[0-9a-f]{8}$/);
    expect(clusterSecret.includes(key?.secret ?? '')).to.equal(false);
    expect(key?.secret.toString('hex')).not.to.include(key?.id);
    // RFC 5869 by Python's hmac gives the same. Other hosts and later versions must derive the same keys.
    expect(key?.id).to.equal('9a1e3a19');
  });

  it("list this host's own key before that of the cluster", async () => {
    await writeFile(files().clusterKey, clusterSecret);
    await writeFile(files().key, `${ownDigits}\n`, { mode: 0o600 });
    expect(ids(open())).to.deep.equal([
      peerKeyOf(Buffer.from(ownDigits, 'hex')).id,
      peerKeyOf(clusterSecret).id,
    ]);
  });

  it('are an empty list on a host without keys', async () => {
    const ring = open();
    expect(ring.all()).to.deep.equal([]);
    expect(ring.find('00000000')).to.equal(undefined);
    await ring.saved();
  });

  for (const [what, content] of Object.entries({
    'an empty file': '',
    'too short a key': 'x'.repeat(127),
  })) {
    it(`ignore ${what} of the cluster, and log that`, async () => {
      await writeFile(files().clusterKey, content);
      const { log, lines } = keepingLog();
      expect(open(log).all()).to.deep.equal([]);
      expect(lines).to.have.length(1);
      expect(lines[0]).to.include({ level: 'warn', file: files().clusterKey });
    });
  }

  for (const content of ['', 'ab', `${ownDigits}ab`, 'x'.repeat(64)]) {
    it(`ignore '${content}' as own key, and log that without the content`, async () => {
      await writeFile(files().key, content, { mode: 0o600 });
      const { log, lines } = keepingLog();
      expect(open(log).all()).to.deep.equal([]);
      expect(lines).to.have.length(1);
      if (content !== '') expect(JSON.stringify(lines)).not.to.include(content);
    });
  }

  for (const [what, spoil] of [
    ['its group may read', (key: string) => chmod(key, 0o640)],
    ['everybody may read', (key: string) => chmod(key, 0o604)],
    ['its group may write', (key: string) => chmod(key, 0o620)],
    ['another user owns', (key: string) => chown(key, 4711, 0)],
  ] as const) {
    it(`refuse an own key that ${what}, say why, and do not remember it`, async () => {
      await replaceFile(files().key, ownDigits, 0o600);
      const { log, lines } = keepingLog();
      const ring = open(log);
      expect(ring.all()).to.have.length(1);
      await spoil(files().key);
      expect(ring.all()).to.deep.equal([]);
      expect(ring.refusal()).to.include(files().key).and.to.include('chmod 600');
      expect(lines).to.have.length(1);
      expect(lines[0]).to.include({ level: 'warn', reason: ring.refusal() });
      // Another process of this host does not take it for a former key either.
      await ring.saved();
      expect(open().all()).to.deep.equal([]);
      await chown(files().key, 0, 0);
      await chmod(files().key, 0o600);
      expect(ring.all()).to.have.length(1);
      expect(ring.refusal()).to.equal(undefined);
    });
  }

  it('come from the other file if one file is a loop of links, which is logged', async () => {
    for (const [broken, sound] of [
      [files().key, files().clusterKey],
      [files().clusterKey, files().key],
    ] as const) {
      await writeFile(sound, sound === files().key ? ownDigits : clusterSecret, { mode: 0o600 });
      await symlink(broken, broken);
      const { log, lines } = keepingLog();
      const ring = open(log);
      expect(ring.all()).to.have.length(1);
      expect(lines.map(({ file }) => file)).to.deep.equal([broken]);
      await rm(broken);
      await rm(sound);
      await ring.saved();
      await rm(files().knownKeys);
    }
  });

  it('are read again as soon as a file has changed', async () => {
    await writeClusterKey('1');
    const ring = open();
    await writeClusterKey('2');
    expect(ids(ring)).to.deep.equal([idOf('2'), idOf('1')]);
    await writeFile(files().key, ownDigits, { mode: 0o600 });
    expect(ring.all()).to.have.length(3);
  });

  describe('that were replaced', () => {
    it('are valid for one hour', async () => {
      await writeClusterKey('1');
      const ring = open();
      await writeClusterKey('2');
      now = Date.now();
      expect(ring.find(idOf('1'))).not.to.equal(undefined);
      now += formerKeyMs - 1000;
      expect(ring.find(idOf('1'))).not.to.equal(undefined);
      now += 1001;
      expect(ring.find(idOf('1'))).to.equal(undefined);
      expect(ids(ring)).to.deep.equal([idOf('2')]);
    });

    it('are no longer valid after the clock was set back by far', async () => {
      await writeClusterKey('1');
      const ring = open();
      await writeClusterKey('2');
      expect(ring.find(idOf('1'))).not.to.equal(undefined);
      now -= 2 * formerKeyMs;
      expect(ring.find(idOf('1'))).to.equal(undefined);
    });

    it('stay valid across a restart, for the rest of the hour', async () => {
      await writeClusterKey('1');
      const ring = open();
      await writeClusterKey('2');
      expect(ids(ring)).to.deep.equal([idOf('2'), idOf('1')]);
      await ring.saved();
      now = Date.now() + formerKeyMs - 1000;
      expect(ids(open())).to.deep.equal([idOf('2'), idOf('1')]);
      now += 1001;
      expect(ids(open())).to.deep.equal([idOf('2')]);
    });

    it('are valid for an hour from the replacement, even if the service did not run then', async () => {
      await writeClusterKey('1');
      await open().saved();
      await writeClusterKey('2');
      now = Date.now() + formerKeyMs - 1000;
      expect(ids(open())).to.deep.equal([idOf('2'), idOf('1')]);
      now += 1001;
      expect(ids(open())).to.deep.equal([idOf('2')]);
    });

    it('are valid for an hour from when another process of the host noticed the replacement', async () => {
      await writeClusterKey('1');
      const [receiver, sender] = [open(), open()];
      await receiver.saved();
      await rm(files().clusterKey);
      now -= formerKeyMs / 2;
      receiver.all();
      await receiver.saved();
      now += formerKeyMs / 2;
      expect(ids(sender)).to.deep.equal([idOf('1')]);
      now += formerKeyMs / 2;
      expect(ids(sender)).to.deep.equal([]);
    });

    it('are listed in the reverse order of their replacement', async () => {
      await writeClusterKey('1');
      const ring = open();
      for (const fill of ['2', '3']) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        await writeClusterKey(fill);
        now = Date.now();
        ring.all();
      }
      expect(ids(ring)).to.deep.equal([idOf('3'), idOf('2'), idOf('1')]);
    });

    it('are current again when they are put back', async () => {
      await writeClusterKey('1');
      const ring = open();
      await writeClusterKey('2');
      ring.all();
      await writeClusterKey('1');
      expect(ids(ring)).to.deep.equal([idOf('1'), idOf('2')]);
      now += 2 * formerKeyMs;
      expect(ids(ring)).to.deep.equal([idOf('1')]);
    });
  });

  it('are stored for root only', async () => {
    await writeClusterKey('1');
    await open().saved();
    expect((await stat(files().knownKeys)).mode & 0o777).to.equal(0o600);
    expect(await readFile(files().knownKeys, 'utf8')).not.to.include('1'.repeat(64));
  });

  it('stay valid while in use, even if the stored list is damaged', async () => {
    await mkdir(join(folder.path, 'state'));
    await writeFile(files().knownKeys, '{"keys": [{"secret": "precious"');
    await writeClusterKey('1');
    const { log, lines } = keepingLog();
    expect(ids(open(log))).to.deep.equal([idOf('1')]);
    expect(lines[0]).to.include({ level: 'warn', file: files().knownKeys });
    expect(JSON.stringify(lines)).not.to.include('precious');
  });

  it('are not read again while their files are unchanged', async () => {
    await writeClusterKey('1');
    const { log, lines } = keepingLog();
    await writeFile(files().key, 'no key', { mode: 0o600 });
    const ring = open(log);
    for (let count = 0; count < 10; count += 1) ring.all();
    expect(lines).to.have.length(1);
    await utimes(files().key, 0, 0);
    ring.all();
    expect(lines).to.have.length(2);
  });
});
