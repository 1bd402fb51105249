import { createReadStream } from 'node:fs';

import { Command } from 'commander';

import { exportOwnKey, generateOwnKey, importOwnKey } from '../../alphorn/own-key.ts';
import { Fault, systemErrorCode } from '../../errors.ts';
import type { OnRecord } from '../on-record.ts';
import { print } from '../print.ts';

/** The key for hosts outside of the cluster. It never stands in a command line, where every user could read it. */
export function keyCommand(path: string, onRecord: OnRecord): Command {
  const key = new Command('key').description(
    'the key that this host shares with hosts outside of its cluster',
  );
  key
    .command('generate')
    .description('makes a new one; a former one is good for an hour more')
    .action(async () => {
      await onRecord(['alphorn', 'key', 'generate'], () => generateOwnKey(path));
      print(
        `A new key is in ${path}. Bring it to the other hosts: 'hactl alphorn key export' here, 'hactl alphorn key import' there.`,
      );
    });
  key
    .command('import')
    .description('takes that of another host, from a file or the standard input')
    .argument('[file]', "what 'hactl alphorn key export' printed there (default: standard input)")
    .action(async (file?: string) => {
      // Before, for who types it in may also give it up.
      const text = await keyTextOf(file);
      await onRecord(['alphorn', 'key', 'import'], () => importOwnKey(path, text));
    });
  key
    .command('export')
    .description('prints it')
    .action(async () => {
      print(await onRecord(['alphorn', 'key', 'export'], () => exportOwnKey(path)));
    });
  return key;
}

/** More than a key has, whatever white space is around it: no need to read on. */
const maxKeyLength = 4096;

/**
 * Reads the file, or the standard input, up to the length at which it cannot be a key any more.
 * Faults: `invalid_request`
 */
async function keyTextOf(file: string | undefined): Promise<string> {
  const source = file === undefined || file === '-' ? process.stdin : createReadStream(file);
  let text = '';
  try {
    for await (const piece of source) {
      text += String(piece);
      if (text.length > maxKeyLength) break;
    }
  } catch (error) {
    const code = systemErrorCode(error);
    const what = file ?? 'The standard input';
    if (code === 'ENOENT')
      throw new Fault('invalid_request', `There is no file ${what}. Name one that has the key.`);
    if (code === 'EISDIR')
      throw new Fault('invalid_request', `${what} is a folder. Name a file that has the key.`);
    throw error;
  }
  return text;
}
