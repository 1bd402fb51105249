import { createHash } from 'node:crypto';

import type { FolderItem, NamedAcl, Owned } from '../../format/items.ts';
import type { LiferaftFile } from '../../format/liferaft-file.ts';
import { encoding } from './account-texts.ts';
import type { AccountFile } from './merge/account-files.ts';
import type { MergedAccounts } from './merge/merge.ts';

/** The liferaft with the merged lists, and with the numbers that names will have. */
export function withTexts(
  file: LiferaftFile,
  { texts, numbers }: MergedAccounts,
  restored: ReadonlySet<AccountFile>,
): LiferaftFile {
  const contents = new Map(
    Object.entries(texts).map(([path, text]) => [path, Buffer.from(text, encoding)]),
  );
  // If a list is not restored, this host's names apply; see owners.ts.
  const users = restored.has('/etc/passwd') ? numbers.users.after : undefined;
  const groups = restored.has('/etc/group') ? numbers.groups.after : undefined;
  const idOf = (
    accounts: ReadonlyMap<string, number> | undefined,
    name: string | null,
    id: number,
  ) => (name === null ? undefined : accounts?.get(name)) ?? id;
  const named = (acl: NamedAcl): NamedAcl => ({
    ...acl,
    users: acl.users.map((each) => ({ ...each, id: idOf(users, each.name, each.id) })),
    groups: acl.groups.map((each) => ({ ...each, id: idOf(groups, each.name, each.id) })),
  });
  const owned = <T extends Omit<Owned, 'mode'> & Pick<FolderItem, 'acl' | 'defaultAcl'>>(
    item: T,
  ): T => ({
    ...item,
    uid: idOf(users, item.user, item.uid),
    gid: idOf(groups, item.group, item.gid),
    ...(item.acl && { acl: named(item.acl) }),
    ...(item.defaultAcl && { defaultAcl: named(item.defaultAcl) }),
  });
  const { manifest } = file;
  const files = manifest.files.map((item) => {
    const content = contents.get(item.path);
    if (content === undefined) return owned(item);
    const sha256 = createHash('sha256').update(content).digest('hex');
    return { ...owned(item), size: content.length, sha256 };
  });
  return {
    ...file,
    manifest: {
      ...manifest,
      files,
      folders: manifest.folders.map(owned),
      links: manifest.links.map(owned),
    },
    async *content(item) {
      const content = contents.get(item.path);
      if (content === undefined) yield* file.content(item);
      else yield content;
    },
  };
}
