/** The accounts that a unit runs as, by its file or a drop-in (systemd.exec(5), "User=, Group="). */
export interface RunsAs {
  users: readonly string[];
  groups: readonly string[];
}

/**
 * Reads the names in `User=` and `Group=`. A number needs no account, only systemd can resolve a name with `%`, and
 * with `DynamicUser=` systemd creates the account.
 */
export function runsAs(text: string): RunsAs {
  const named = { User: new Set<string>(), Group: new Set<string>() };
  for (const line of text.split('\n')) {
    const [, key, value = ''] = /^\s*(User|Group|DynamicUser)\s*=([^]*)$/.exec(line) ?? [];
    const name = value.trim();
    if (key === 'DynamicUser' && /^(?:1|yes|y|true|t|on)$/i.test(name)) {
      return { users: [], groups: [] };
    }
    const isName = name !== '' && !/^\d+$|%/.test(name);
    if ((key === 'User' || key === 'Group') && isName) named[key].add(name);
  }
  return { users: [...named.User], groups: [...named.Group] };
}
