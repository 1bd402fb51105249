import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { basename, join } from 'node:path';

import {
  ifThere,
  makeFolder,
  namesIn,
  orNoSpace,
  removeFile,
  removeTemporaries,
  replaceFile,
} from '../../kit/files/files.ts';
import type { Log } from '../../kit/log.ts';
import type { AmphoraPaths } from '../paths.ts';
import { type InterfaceRecord, parseRecord, recordText } from './record-file.ts';

/** The plugged interfaces as they are remembered across a reboot: a file for each. */
export interface Records {
  /** Those that can be read, by name. A damaged one is logged and left out. */
  all(): Promise<InterfaceRecord[]>;
  /** Faults: `no_space` */
  save(record: InterfaceRecord): Promise<void>;
  remove(name: string): Promise<void>;
}

const suffix = '.json';
const maxBytes = 1024 * 1024;

export function makeRecords(paths: Pick<AmphoraPaths, 'interfaces' | 'base'>, log: Log): Records {
  /** Octavia's agent writes a line `MAC NAME` for each interface there. */
  const list = join(paths.base, 'plugged_interfaces');
  const fileOf = (name: string) => join(paths.interfaces, `${name}${suffix}`);

  async function all(): Promise<InterfaceRecord[]> {
    const macs = macsIn((await readPlain(list)) ?? '');
    const names = (await namesIn(paths.interfaces)).filter((each) => each.endsWith(suffix));
    const records: InterfaceRecord[] = [];
    for (const each of names.sort()) {
      const file = join(paths.interfaces, each);
      const record = parseRecord((await readPlain(file)) ?? '', (name) => macs.get(name));
      if (record && record.name === basename(each, suffix)) records.push(record);
      else log.warn({ file }, 'the file of a plugged interface is damaged and is not used');
    }
    return records;
  }

  async function writeList(): Promise<void> {
    const lines = (await all()).map(({ mac, name }) => `${mac} ${name}\n`);
    await replaceFile(list, lines.join(''), 0o644);
  }

  return {
    all,
    async save(record) {
      await makeFolder(paths.interfaces);
      await removeTemporaries(paths.interfaces);
      await replaceFile(fileOf(record.name), recordText(record), 0o600);
      // haproxy's sockets are in it, so others may enter it.
      await orNoSpace(paths.base, () => mkdir(paths.base, { recursive: true, mode: 0o755 }));
      await writeList();
    },
    async remove(name) {
      await ifThere(removeFile(fileOf(name)));
      await ifThere(writeList());
    },
  };
}

/** @returns the MAC by the name of the interface; the last line of a name counts */
function macsIn(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [mac, name] = line.trim().split(/\s+/);
      return mac !== undefined && name !== undefined ? [[name, mac.toLowerCase()]] : [];
    }),
  );
}

/** @returns undefined for a link, a folder or a file that is too large, as for none */
async function readPlain(path: string): Promise<string | undefined> {
  // Without O_NONBLOCK a planted FIFO would hold up this call for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await ifThere(open(path, flags), ['ENOENT', 'ELOOP', 'ENXIO']);
  try {
    const stat = await file?.stat();
    return stat?.isFile() && stat.size <= maxBytes ? await file?.readFile('utf8') : undefined;
  } finally {
    await file?.close();
  }
}
