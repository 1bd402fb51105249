import { appendFile, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { openRotatedLog, type RotatedLog } from '../../../src/changes/audit/audit-files.ts';
import { faultOf } from '../../support/faults.ts';
import { allOf } from '../../support/all-of.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the files of the audit log', () => {
  const folder = temporaryFolder();
  const path = (name = 'audit.jsonl') => join(folder.path, name);
  const keeping = { maxBytes: 1000, keepFiles: 3 };
  const day = 24 * 3600 * 1000;
  const clock = { ms: 0 };
  const open = () => openRotatedLog(path(), keeping, () => clock.ms);
  const names = async () => (await readdir(folder.path)).sort();
  const lineOf = (number: number) =>
    JSON.stringify({ at: new Date(clock.ms).toISOString(), number });

  beforeEach(() => {
    clock.ms = Date.now();
  });

  async function write(log: RotatedLog, from: number, to: number): Promise<void> {
    for (let number = from; number <= to; number += 1) {
      await (
        await log.append(lineOf(number).padEnd(199), true)
      ).onDisk;
    }
  }

  async function numbers(log: RotatedLog): Promise<number[]> {
    const lines = await allOf(log.latest());
    return lines.map((line) => (JSON.parse(line) as { number: number }).number);
  }
  const count = (from: number, to: number) =>
    Array.from({ length: from - to + 1 }, (_, index) => from - index);

  it('are closed before they grow too large, and each names its predecessor', async () => {
    await write(open(), 1, 10);
    expect(await names()).to.deep.equal([
      'audit-000001.jsonl',
      'audit-000002.jsonl',
      'audit.jsonl',
    ]);
    for (const name of await names())
      expect((await readFile(path(name))).length, name).to.be.at.most(1000);
    const [header = ''] = (await readFile(path(), 'utf8')).split('\n');
    const { previous } = JSON.parse(header) as { previous: { file: string; bytes: number } };
    expect(previous).to.include({
      file: 'audit-000002.jsonl',
      bytes: (await readFile(path('audit-000002.jsonl'))).length,
    });
    expect(await open().verify()).to.deep.equal({ files: 3, problems: [] });
  });

  it('lose no line and add none to a closed file, even while other processes write', async () => {
    const audit = openAuditLog(path(), { maxBytes: 400, keepFiles: 1000 });
    const entry = (caller: string) =>
      ({ caller, role: 'admin', method: 'GET', route: 'x', outcome: 'success' }) as const;
    const other = async (name: string) => {
      const log = openAuditLog(path(), { maxBytes: 400, keepFiles: 1000 }, 'other');
      for (let count = 0; count < 20; count += 1) await log.record(entry(`${name}${count}`));
    };
    const agent = async () => {
      for (let count = 0; count < 60; count += 1) await audit.record(entry(`agent${count}`));
    };
    await Promise.all([agent(), other('a'), other('b')]);
    const callers = (await audit.list(1000)).map(({ caller }) => caller);
    expect(new Set(callers).size).to.equal(100);
    expect((await audit.verify()).problems).to.deep.equal([]);
  });

  it('are read as one log, from the last line to the first', async () => {
    await write(open(), 1, 14);
    expect(await numbers(open())).to.deep.equal(count(14, 1));
  });

  it('are closed after 30 days', async () => {
    await write(open(), 1, 1);
    clock.ms += 29 * day;
    await write(open(), 2, 2);
    expect(await names()).to.have.lengthOf(1);
    clock.ms += 2 * day;
    await write(open(), 3, 3);
    expect(await names()).to.have.lengthOf(2);
    clock.ms += 31 * day;
    await write(open(), 4, 4);
    expect(await names()).to.have.lengthOf(3);
    expect(await open().verify()).to.deep.equal({ files: 3, problems: [] });
  });

  it('are limited in number; the oldest is removed first, and the numbering continues', async () => {
    await write(open(), 1, 40);
    const [first = '', ...rest] = await names();
    expect(rest).to.have.lengthOf(3);
    expect(first).not.to.equal('audit-000001.jsonl');
    expect((await numbers(open()))[0]).to.equal(40);
    expect(await open().verify()).to.deep.equal({ files: 4, problems: [] });
    for (const name of await names()) if (name !== 'audit.jsonl') await rm(path(name));
    await write(open(), 41, 46);
    expect(((await names())[0] ?? '') > (rest[1] ?? '')).to.equal(true);
  });

  it('show when a closed file is changed, missing, or replaced by another one', async () => {
    await write(open(), 1, 14);
    const [one = '', two = '', three = ''] = await names();
    const problems = async () => (await open().verify()).problems.join('\n');
    const text = await readFile(path(two), 'utf8');
    await writeFile(path(two), text.replace('"number":6', '"number":7'));
    expect(await problems())
      .to.include(two)
      .and.include('changed');
    await writeFile(path(two), `${text}${lineOf(99)}\n`);
    expect(await problems()).to.include('changed');
    await rm(path(two));
    expect(await problems())
      .to.include(two)
      .and.include('missing');
    await writeFile(path(two), text);
    expect(await problems()).to.equal('');
    await rm(path(three));
    expect(await problems())
      .to.include(three)
      .and.include('missing');
    await writeFile(path(three), await readFile(path(one)));
    expect(await problems()).to.include(three);
    await rm(path());
    expect(await problems()).to.include('audit.jsonl is missing');
  });

  it('continue after a rotation that was killed halfway, without a lost or repeated line', async () => {
    await write(open(), 1, 4);
    await link(path(), path('audit-000001.jsonl'));
    await writeFile(`${path()}.0123456789ab.new`, 'a half');
    expect(await numbers(open())).to.deep.equal(count(4, 1));
    expect((await open().verify()).problems).to.deep.equal([]);
    await write(open(), 5, 6);
    expect(await numbers(open())).to.deep.equal(count(6, 1));
    expect((await names()).filter((name) => !name.endsWith('.new'))).to.deep.equal([
      'audit-000001.jsonl',
      'audit.jsonl',
    ]);
    expect(await open().verify()).to.deep.equal({ files: 2, problems: [] });
  });

  it('keep a line of a log from before the files were numbered', async () => {
    await writeFile(path(), `${lineOf(1).padEnd(2000)}\n`);
    await write(open(), 2, 3);
    expect(await numbers(open())).to.deep.equal([3, 2, 1]);
  });

  it('keep a torn line separate from the line after it', async () => {
    await write(open(), 1, 1);
    await appendFile(path(), '{"at":"2026-11-');
    await write(open(), 2, 2);
    const lines = await allOf(open().latest());
    expect(lines.map((line) => line.slice(0, 15))).to.include('{"at":"2026-11-');
    expect(lines).to.have.lengthOf(3);
  });

  describe('through the audit log', () => {
    const entry = (id: string, outcome: 'begun' | 'success') => ({
      id,
      outcome,
      caller: 'ui',
      role: 'admin',
      method: 'POST',
      route: '/x',
    });

    it('show the end of a change even if its beginning is in an earlier file', async () => {
      const audit = openAuditLog(path(), { maxBytes: 400, keepFiles: 100 });
      for (let index = 0; index < 30; index += 1) await audit.record(entry(`a${index}`, 'begun'));
      for (let index = 0; index < 29; index += 1)
        await audit.recordEnd(entry(`a${index}`, 'success'));
      const listed = (await audit.list(100)).map(({ id, outcome }) => `${id ?? ''} ${outcome}`);
      const ends = Array.from({ length: 29 }, (_, index) => `a${28 - index} success`);
      expect(listed).to.deep.equal([...ends, 'a29 begun']);
    });

    it('serve concurrent callers with one reading, and later callers with a new one', async () => {
      const audit = openAuditLog(path());
      await audit.record(entry('a', 'success'));
      const lists = Array.from({ length: 120 }, () => audit.list(1));
      const [first, ...others] = await Promise.all(lists);
      for (const other of others) expect(other[0]).to.equal(first?.[0]);
      const [late] = await Promise.all([audit.record(entry('b', 'success')), audit.list(1)]);
      expect(late).to.equal(undefined);
      expect((await audit.list(1))[0]?.id).to.equal('b');
    });

    it('cut an entry that is too long, and mark it as cut', async () => {
      const audit = openAuditLog(path());
      const changes = Array.from({ length: 2000 }, (_, index) => ({
        path: `/cib/${index}`.padEnd(80),
      }));
      const commands = [['cibadmin', '--patch']];
      await audit.record({ ...entry('a', 'success'), commands, changes });
      const [listed] = await audit.list(1);
      expect(listed).to.deep.include({ id: 'a', cut: { commands: 1, changes: 2000 } });
      expect(listed).not.to.have.any.keys('changes', 'commands');
      expect((await readFile(path())).length).to.be.lessThan(1000);
    });

    it('give at most 4 MiB at once', async () => {
      const audit = openAuditLog(path(), { maxBytes: 1e9, keepFiles: 1 });
      const long = `${JSON.stringify({ at: 'x', ...entry('a', 'success'), changes: ['y'.repeat(60_000)] })}\n`;
      await writeFile(path(), long.repeat(200));
      expect((await audit.list(1000)).length).to.equal(69);
    });

    it('stay as they are if the next file cannot be created', async () => {
      const audit = openAuditLog(path(), { maxBytes: 400, keepFiles: 3 });
      for (const id of ['a', 'b']) await audit.record(entry(id, 'success'));
      // A folder blocks the next file name, because no file can replace a folder.
      const number = (await names()).filter((name) => name.includes('-')).length + 1;
      await mkdir(path(`audit-00000${number + 1}.jsonl`));
      await faultOf(
        'audit_failed',
        (async () => {
          for (let index = 0; index < 9; index += 1) await audit.record(entry('c', 'success'));
        })(),
      );
      await rm(path(`audit-00000${number + 1}.jsonl`), { recursive: true });
      await audit.record(entry('d', 'success'));
      expect((await audit.list(1))[0]?.id).to.equal('d');
    });
  });
});
