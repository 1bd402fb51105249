// Writes the manual pages to a folder, or one of them to the terminal:
//   tsx packaging/man/build.ts FOLDER
//   tsx packaging/man/build.ts hactl.8 | man -l -
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

import { manPage, pageNames } from './pages.ts';

const [place = '.'] = process.argv.slice(2);
const only = pageNames.find((name) => name === place);
if (only !== undefined) process.stdout.write(await manPage(only));
else {
  await mkdir(place, { recursive: true });
  for (const name of pageNames) await writeFile(join(place, name), await manPage(name));
}
