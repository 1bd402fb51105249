/**
 * Reads the nodes in the output of `corosync-cmapctl nodelist.` (corosync-cmapctl(8)). It has their settings in
 * corosync.conf, and the ids that corosync made for nodes without one.
 * @returns the id of each node that has one, by its first address (`ring0_addr`)
 */
export function nodeIdsByAddress(text: string): ReadonlyMap<string, number> {
  const lines = text
    .split('\n')
    .map((line) => /^nodelist\.node\.(\d+)\.(\w+) \(\w+\) = (.*)$/.exec(line));
  const valuesOf = (key: string) =>
    lines.flatMap((found): [string, string][] => {
      const [, position = '', name, value = ''] = found ?? [];
      return name === key ? [[position, value]] : [];
    });
  const ids = new Map(valuesOf('nodeid'));
  return new Map(
    valuesOf('ring0_addr').flatMap(([position, address]): [string, number][] => {
      const id = ids.get(position);
      return id === undefined ? [] : [[address, Number(id)]];
    }),
  );
}
