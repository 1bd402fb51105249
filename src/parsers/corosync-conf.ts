/** A section of corosync.conf: its own settings and the sections inside it, in file order. */
export interface CorosyncSection {
  name: string;
  settings: readonly (readonly [key: string, value: string])[];
  sections: readonly CorosyncSection[];
}

/**
 * Reads corosync.conf by the rules of corosync's own reader (coroparse.c, corosync.conf(5)): a line is
 * blank, a comment (`#` first), `name {`, `}` or `key: value`; leading and trailing blanks mean
 * nothing; a value may hold blanks and colons.
 * @returns the file as a section without a name; lines that corosync would refuse are passed over,
 *   for `corosync -t` is the judge of those
 */
export function parseCorosyncConf(text: string): CorosyncSection {
  const root = { name: '', settings: [], sections: [] } satisfies CorosyncSection;
  const open: { name: string; settings: [string, string][]; sections: CorosyncSection[] }[] = [
    root,
  ];
  for (const line of text.split('\n').map((each) => each.trim())) {
    const current = open.at(-1);
    if (current === undefined || line === '' || line.startsWith('#')) continue;
    const brace = line.indexOf('{');
    const colon = line.indexOf(':');
    // As in corosync, a brace makes a section even behind a colon.
    if (brace >= 0) {
      const section = { name: line.slice(0, brace).trim(), settings: [], sections: [] };
      current.sections.push(section);
      open.push(section);
    } else if (colon >= 0) {
      current.settings.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
    } else if (line.startsWith('}') && open.length > 1) {
      open.pop();
    }
  }
  return root;
}

/** The value of a setting in a top-level section; the last one counts, as it does for corosync. */
export function corosyncSetting(
  conf: CorosyncSection,
  section: string,
  key: string,
): string | undefined {
  return conf.sections
    .filter((each) => each.name === section)
    .flatMap((each) => each.settings)
    .findLast(([name]) => name === key)?.[1];
}
