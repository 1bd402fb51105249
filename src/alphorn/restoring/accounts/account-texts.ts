import { join } from 'node:path';

import type { FileItem } from '../../format/items.ts';
import type { LiferaftFile } from '../../format/liferaft-file.ts';
import type { Manifest } from '../../format/manifest.ts';
import { readList } from '../../format/owners.ts';
import { type AccountFile, accountFiles, type AccountTexts } from './merge/account-files.ts';
import type { NumberChanges } from './merge/changes.ts';
import type { MergedAccounts } from './merge/merge.ts';

// The lists are read as bytes: a comment in them may be in any encoding, and stays as it is.
export const encoding = 'latin1';

/** Decodes text that was read as bytes. */
export function readable(text: string): string {
  return Buffer.from(text, encoding).toString();
}

export async function textsHere(root: string): Promise<AccountTexts> {
  const texts: AccountTexts = {};
  for (const path of accountFiles) {
    const bytes = await readList(join(root, path));
    if (bytes) texts[path] = bytes.toString(encoding);
  }
  return texts;
}

export async function textsIn(
  file: LiferaftFile,
  items: readonly FileItem[],
): Promise<AccountTexts> {
  const texts: AccountTexts = {};
  for (const item of items) texts[item.path as AccountFile] = await textOf(file, item);
  return texts;
}

export async function textOf(file: LiferaftFile, item: FileItem): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of file.content(item)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString(encoding);
}

export function ownersIn({ files, links, folders }: Manifest) {
  const users = new Set<string>();
  const groups = new Set<string>();
  for (const { user, group } of [...files, ...links, ...folders]) {
    if (user !== null) users.add(Buffer.from(user).toString(encoding));
    if (group !== null) groups.add(Buffer.from(group).toString(encoding));
  }
  return { users, groups };
}

/** Decodes all names, so that they compare with those in manifests and units. */
export function withReadableNames({
  texts,
  changes,
  ranges,
  numbers,
}: MergedAccounts): MergedAccounts {
  const named = ({ after, ...rest }: NumberChanges) => ({
    ...rest,
    after: new Map([...after].map(([name, number]) => [readable(name), number])),
  });
  return {
    texts,
    changes: changes.map(({ heir, ...each }) => ({
      ...each,
      name: readable(each.name),
      ...(heir !== undefined && { heir: readable(heir) }),
    })),
    ranges: ranges.map((each) => ({ ...each, name: readable(each.name) })),
    numbers: { users: named(numbers.users), groups: named(numbers.groups) },
  };
}
