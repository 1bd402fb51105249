// Records one entry after another in the given folder until it is killed (audit-killed.test.ts).
import { join } from 'node:path';

import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { keepCompiled } from '../../support/keep-compiled.ts';

const audit = openAuditLog(join(process.argv[2] ?? '', 'audit.jsonl'), {
  maxBytes: 600,
  keepFiles: 100_000,
});
const [latest] = await audit.list(1);
let number = Number(latest?.caller ?? 0);
for (;;) {
  number += 1;
  const entry = { caller: `${number}`, role: 'admin', method: 'GET', route: '/x' };
  await audit.record({ ...entry, outcome: 'success' });
  if (number % 20 === 1) keepCompiled();
  process.stdout.write(`${number}\n`);
}
