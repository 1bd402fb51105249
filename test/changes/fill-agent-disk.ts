// Makes changes through the agent on a disk of its own with more and more free bytes, and prints each outcome
// (full-disk.test.ts). It must be run where it may mount.
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { execa } from 'execa';

import { openAuditLog } from '../../src/changes/audit/audit.ts';
import { Fault } from '../../src/kit/fault.ts';
import { openRepeatedAnswers } from '../../src/changes/idempotency/repeated-answers.ts';
import { answerForm } from '../../src/routes/common/stored-answer.ts';
import { changesBench, outcomeOf, storageCib } from '../support/changes-bench.ts';
import { fakeCluster } from '../support/fake-cluster.ts';

const [, , folder = ''] = process.argv;
const ballast = join(folder, 'ballast');

/** Leaves this number of bytes free on the disk. */
async function leave(bytes: number): Promise<void> {
  await rm(ballast, { force: true });
  const { bavail, bsize } = await statfs(folder);
  await writeFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes), 1));
}

await execa('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
const cluster = fakeCluster(storageCib);
const { call, app } = await changesBench(folder, { cluster });
const change = (name: string, headers = {}) =>
  call('POST', 'constraint/ticket', { name, ticket: name, resource: 'SMB' }, headers);
await change('first');

// The disk becomes full during a change whose answer and record are longer than the rest of any page.
const during = join(folder, 'during');
await mkdir(during);
const audit = openAuditLog(join(during, 'audit.jsonl'));
const long = 'x'.repeat(12_000);
const request = { caller: 'ui', key: 'k', request: long };
const entry = { id: 'a', caller: 'ui', role: 'admin', method: 'POST', route: '/x' };
const openAnswers = () => openRepeatedAnswers(join(during, 'answers'), answerForm);
const given = await openAnswers().once(request, async () => {
  await audit.record({ ...entry, outcome: 'begun' });
  await leave(0);
  const changes = [{ long }];
  for (let times = 0; times < 4; times += 1)
    await audit.recordEnd({ ...entry, outcome: 'success', changes });
  // Other writers fill the disk before the answer is stored.
  await leave(0);
  return { status: 200, headers: {}, body: long };
});
const known = await openAnswers().once(request, () => Promise.reject(new Error('made again')));
const recorded = (await audit.list(10)).map(({ outcome }) => outcome);
const next = await audit.record({ ...entry, id: 'b', outcome: 'begun' }).then(
  () => 'begun',
  (error: unknown) => (error instanceof Fault ? error.code : String(error)),
);
const isSame = isDeepStrictEqual(known, given) && given.headers['X-HA-Warnings'] === undefined;
console.log(JSON.stringify({ isSame, recorded, next }));
await leave(2 ** 20);

for (let pages = 0; pages <= 12; pages += 1) {
  for (const keyed of [false, true]) {
    await leave(pages * 4096);
    const name = `t${pages}${keyed ? 'k' : ''}`;
    const headers = keyed ? { 'Idempotency-Key': name } : {};
    const answer = await change(name, headers);
    const isMade = cluster.xml().includes(`id="${name}"`);
    const repeated = keyed ? outcomeOf(await change(name, headers)) : outcomeOf(answer);
    const reading = (await call('GET', 'constraint')).status;
    const tried = (
      await call('POST', 'constraint/ticket?dry_run=true', {
        name: 'x',
        ticket: 'x',
        resource: 'SMB',
      })
    ).status;
    const names = await readdir(folder, { recursive: true });
    const left = names.filter((each) => each.endsWith('.new'));
    const [latest] = (await call('GET', 'audit?limit=1')).body as { id: string; outcome: string }[];
    const hasUndo = names.includes(join('undo', latest?.id ?? ''));
    await leave(2 ** 20);
    const again = outcomeOf(await (isMade ? change(`${name}-next`) : change(name, headers)));
    const afterwards =
      keyed && isMade
        ? outcomeOf(
            await app
              .again()
              .client.post('/api/v2/system/ha/constraint/ticket')
              .set({ token: app.token, 'Content-Type': 'application/json', ...headers })
              .send(JSON.stringify({ name, ticket: name, resource: 'SMB' })),
          )
        : [200];
    console.log(
      JSON.stringify({
        pages,
        keyed,
        outcome: outcomeOf(answer),
        isMade,
        hasUndo,
        repeated,
        reading,
        tried,
        left,
        latest: latest?.outcome,
        again,
        afterwards,
      }),
    );
  }
}
process.exit();
