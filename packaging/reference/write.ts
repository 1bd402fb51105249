// Fills in the tables of the documents, after a change of a key, a file, a port, a command or an exit code:
//   npm run reference
import { readFile, writeFile } from 'node:fs/promises';

import { documentsWithTables, withTables } from './tables.ts';

for (const document of documentsWithTables) {
  const text = await readFile(document, 'utf8');
  const filled = await withTables(text);
  if (filled !== text) await writeFile(document, filled);
}
