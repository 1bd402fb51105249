import { createReadStream } from 'node:fs';

import { Command } from 'commander';

import { exportOwnKey, generateOwnKey, importOwnKey } from '../../../alphorn/peers/own-key.ts';
import { Fault, systemErrorCode } from '../../../kit/fault.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print } from '../print.ts';

/** `hactl alphorn key …`. A key is never an argument of a command line, which every user of the host can read. */
export function keyCommand(path: string, onRecord: OnRecord): Command {
  const key = new Command('key')
    .summary('manage the key for hosts outside of the cluster')
    .description(
      'Manages the key that this host shares with hosts outside of its cluster. Nodes of one cluster need none.',
    );
  key
    .command('generate')
    .summary('create a new key')
    .description('Creates a new key. The former key stays valid for one more hour.')
    .action(async () => {
      await onRecord(['alphorn', 'key', 'generate'], () => generateOwnKey(path));
      print(
        `A new key is in ${path}. Carry it to the other hosts: 'hactl alphorn key export' here, 'hactl alphorn key import' there.`,
      );
    });
  key
    .command('import')
    .summary('replace the key by that of another host')
    .description(
      'Replaces the key by that of another host, from a file or the standard input. The former key stays valid for one more hour.',
    )
    .argument(
      '[file]',
      "file with what 'hactl alphorn key export' printed (default: standard input)",
    )
    .action(async (file?: string) => {
      // The key is read before anything is recorded, because a person who types it may also give up.
      const text = await keyTextOf(file);
      await onRecord(['alphorn', 'key', 'import'], () => importOwnKey(path, text));
    });
  withOutput(key.command('export'))
    .summary('print the key')
    .description('Prints the key, which is a secret.')
    .action(async (_options: unknown, command: Command) => {
      const text = await onRecord(['alphorn', 'key', 'export'], () => exportOwnKey(path));
      printData(command, { key: text }, () => {
        print(text);
      });
    });
  return key;
}

/** Longer than any key with white space around it, so nothing more has to be read. */
const maxKeyLength = 4096;

/**
 * Reads the file or the standard input, up to a length that no key has.
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
      throw new Fault('invalid_request', `There is no file ${what}: name one that has the key.`);
    if (code === 'EISDIR')
      throw new Fault('invalid_request', `${what} is a folder: name a file that has the key.`);
    throw error;
  }
  return text;
}
