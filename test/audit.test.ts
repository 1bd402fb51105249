import { appendFile, mkdir, readFile, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { type AuditEntry, openAuditLog } from '../src/audit.ts';
import { faultOf } from './support/faults.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

describe('the audit log', () => {
  const folder = temporaryFolder();
  const file = () => join(folder.path, 'audit.jsonl');
  const entry = (caller: string): AuditEntry => ({
    ...{ caller, role: 'admin', method: 'GET', route: '/api/v2/system/ha/corosync/key' },
    outcome: 'success',
  });
  const lines = async () => (await readFile(file(), 'utf8')).split('\n');

  it('has a line for each record, with its time, for root alone to read', async () => {
    const before = new Date().toISOString();
    await openAuditLog(file()).record(entry('ui'));
    const [line = '', ...rest] = await lines();
    const { at, ...told } = JSON.parse(line) as AuditEntry & { at: string };
    expect(told).to.deep.equal(entry('ui'));
    expect(at >= before && at <= new Date().toISOString()).to.equal(true);
    expect(rest).to.deep.equal(['']);
    expect((await stat(file())).mode & 0o777).to.equal(0o600);
  });

  it('keeps what was there, and the order in which it was told', async () => {
    await openAuditLog(file()).record(entry('first'));
    const audit = openAuditLog(file());
    const names = Array.from({ length: 50 }, (_, index) => `caller ${index}`);
    await Promise.all(names.map((name) => audit.record(entry(name))));
    const read = (await lines()).slice(0, -1).map((line) => JSON.parse(line) as AuditEntry);
    expect(read.map(({ caller }) => caller)).to.deep.equal(['first', ...names]);
  });

  it('begins a new line after one that a crash cut short', async () => {
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

  it('says when it cannot be written, and goes on when it can be again', async () => {
    const audit = openAuditLog(file());
    await mkdir(file());
    const { message } = await faultOf('audit_failed', audit.record(entry('lost')));
    expect(message).to.include(file());
    await rmdir(file());
    await audit.record(entry('kept'));
    expect(await lines()).to.have.lengthOf(2);
  });
});
