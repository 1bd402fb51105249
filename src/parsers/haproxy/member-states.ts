import { readConfig } from './config.ts';

/**
 * Has haproxy load the states of members, as drivers from 11.0 on write it themselves. Without these lines, each reload
 * counts members that are down as up until their next checks (configuration.txt, `load-server-state-from-file`).
 * @param text a haproxy.cfg without problems (readDriverConfig)
 * @param stateFile where the agent stores the states before a reload
 * @returns the same text if it names a file of states itself
 */
export function withMemberStates(text: string, stateFile: string): string {
  const { sections } = readConfig(text);
  const [global] = sections.filter(({ keyword }) => keyword === 'global');
  const has = (directive: string) =>
    sections.some(({ lines }) => lines.some(({ tokens }) => tokens[0] === directive));
  if (global === undefined || has('server-state-file') || has('load-server-state-from-file')) {
    return text;
  }
  const added = new Map(
    sections
      .filter(({ keyword }) => keyword === 'backend')
      .map(({ line }) => [line, '    load-server-state-from-file global']),
  );
  added.set(global.line, `    server-state-file ${stateFile}`);
  return text
    .split('\n')
    .flatMap((raw, index) => {
      const line = added.get(index + 1);
      return line === undefined ? [raw] : [raw, line];
    })
    .join('\n');
}
