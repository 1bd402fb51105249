import { appendFile, mkdir, readFile, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { type AuditEntry, openAuditLog } from '../../../src/changes/audit/audit.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('the audit log', () => {
  const folder = temporaryFolder();
  const file = () => join(folder.path, 'audit.jsonl');
  const entry = (caller: string): AuditEntry => ({
    caller,
    role: 'admin',
    method: 'GET',
    route: '/api/v2/system/ha/corosync/key',
    outcome: 'success',
  });
  const lines = async () => (await readFile(file(), 'utf8')).split('\n');

  it('has a line with a time for each record, which only root can read', async () => {
    const before = new Date().toISOString();
    await openAuditLog(file()).record(entry('ui'));
    const [line = '', ...rest] = await lines();
    const { at, ...told } = JSON.parse(line) as AuditEntry & { at: string };
    expect(told).to.deep.equal(entry('ui'));
    expect(at >= before && at <= new Date().toISOString()).to.equal(true);
    expect(rest).to.deep.equal(['']);
    expect((await stat(file())).mode & 0o777).to.equal(0o600);
  });

  it('keeps earlier lines, and the order of the calls', async () => {
    await openAuditLog(file()).record(entry('first'));
    const audit = openAuditLog(file());
    const names = Array.from({ length: 50 }, (_, index) => `caller ${index}`);
    await Promise.all(names.map((name) => audit.record(entry(name))));
    const read = (await lines()).slice(0, -1).map((line) => JSON.parse(line) as AuditEntry);
    expect(read.map(({ caller }) => caller)).to.deep.equal(['first', ...names]);
  });

  it('begins a new line after a line that a crash cut short', async () => {
    const audit = openAuditLog(file());
    await audit.record(entry('before'));
    await appendFile(file(), '{"at":"2026-11-');
    await audit.record(entry('after'));
    const [before = '', torn, after = '', ...rest] = await lines();
    expect(JSON.parse(before)).to.include({ caller: 'before' });
    expect(torn).to.equal('{"at":"2026-11-');
    expect(JSON.parse(after)).to.include({ caller: 'after' });
    expect(rest).to.deep.equal(['']);
  });

  it('skips a line of JSON that is not an entry', async () => {
    const audit = openAuditLog(file());
    await audit.record(entry('before'));
    await appendFile(file(), 'null\n1\n');
    await audit.record(entry('after'));
    expect((await audit.list(10)).map(({ caller }) => caller)).to.deep.equal(['after', 'before']);
  });

  it('fails while its file cannot be written, and works again afterwards', async () => {
    const audit = openAuditLog(file());
    await mkdir(file());
    const { message } = await faultOf('audit_failed', audit.record(entry('lost')));
    expect(message).to.include(file());
    await faultOf('audit_failed', audit.recordEnd(entry('lost')));
    await rmdir(file());
    await audit.record(entry('kept'));
    expect(await lines()).to.have.lengthOf(2);
  });

  it('contains the end of a change once that is recorded, and later records after it', async () => {
    const audit = openAuditLog(file());
    await audit.recordEnd(entry('first'));
    expect(await lines()).to.have.lengthOf(2);
    await Promise.all([audit.recordEnd(entry('second')), audit.record(entry('third'))]);
    const callers = (await lines())
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as AuditEntry).caller);
    expect(callers).to.deep.equal(['first', 'second', 'third']);
  });

  describe('as a list', () => {
    const change = (id: string, outcome: AuditEntry['outcome']): AuditEntry => ({
      ...entry('ui'),
      id,
      outcome,
    });
    const listed = async (limit = 10) =>
      (await openAuditLog(file()).list(limit)).map(({ id, outcome }) => [id, outcome]);

    it('is empty without a file', async () => {
      expect(await listed()).to.deep.equal([]);
    });

    it('has the newest entry first, each with its time, and only the end of a completed change', async () => {
      const audit = openAuditLog(file());
      for (const [id, outcome] of [
        ['a', 'begun'],
        ['a', 'success'],
        ['b', 'begun'],
        ['b', 'cluster_refused'],
      ] as const) {
        await audit.record(change(id, outcome));
      }
      await audit.record(entry('reader of the key'));
      expect(await listed()).to.deep.equal([
        [undefined, 'success'],
        ['b', 'cluster_refused'],
        ['a', 'success'],
      ]);
      const [{ at } = { at: '' }] = await audit.list(1);
      expect(at).to.match(/^\d{4}-\d\d-\d\dT.*Z$/);
    });

    it('has the beginning of a change whose end is unknown', async () => {
      const audit = openAuditLog(file());
      await audit.record(change('killed', 'begun'));
      await audit.record(change('next', 'begun'));
      await audit.record(change('next', 'success'));
      expect(await listed()).to.deep.equal([
        ['next', 'success'],
        ['killed', 'begun'],
      ]);
    });

    it('skips lines that a crash cut short', async () => {
      const audit = openAuditLog(file());
      await audit.record(change('a', 'success'));
      await appendFile(file(), '{"at":"2026-11-21T12:0');
      await audit.record(change('b', 'success'));
      await appendFile(file(), '{"at":');
      expect(await listed()).to.deep.equal([
        ['b', 'success'],
        ['a', 'success'],
      ]);
    });

    it('has as many entries as requested, even if all are changes', async () => {
      const audit = openAuditLog(file());
      for (const id of ['a', 'b', 'c', 'd']) {
        await audit.record(change(id, 'begun'));
        await audit.record(change(id, 'success'));
      }
      expect(await listed(3)).to.deep.equal([
        ['d', 'success'],
        ['c', 'success'],
        ['b', 'success'],
      ]);
    });
  });
});
