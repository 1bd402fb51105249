/** A member whose weight or state is to be changed in a running haproxy. */
export interface ServerChange {
  backend: string;
  server: string;
  weight: number;
  is_enabled: boolean;
}

/**
 * What differs between two files of haproxy, if that is only the weight of servers or whether they are enabled. haproxy can
 * change both while it runs.
 * @param before the file that it runs
 * @returns undefined if anything else differs
 */
export function serverChanges(before: string, after: string): readonly ServerChange[] | undefined {
  const [former, next] = [before, after].map((text) => text.split('\n'));
  if (former === undefined || next === undefined || former.length !== next.length) return undefined;
  const changes: ServerChange[] = [];
  let backend = '';
  for (const [index, line] of next.entries()) {
    const other = former[index] ?? '';
    backend = /^backend (\S+)/.exec(line)?.[1] ?? backend;
    if (line === other) continue;
    const [now, then] = [serverIn(line), serverIn(other)];
    if (now === undefined || then?.rest !== now.rest || backend === '') return undefined;
    const { server, weight, isEnabled } = now;
    changes.push({ backend, server, weight, is_enabled: isEnabled });
  }
  return changes;
}

interface ServerLine {
  server: string;
  weight: number;
  isEnabled: boolean;
  /** All that haproxy cannot change while it runs. */
  rest: string;
}

function serverIn(line: string): ServerLine | undefined {
  const [keyword, server, ...words] = line.trim().split(/\s+/);
  if (keyword !== 'server' || server === undefined) return undefined;
  const at = words.indexOf('weight');
  const weight = at < 0 ? '1' : (words[at + 1] ?? '');
  if (!/^\d{1,3}$/.test(weight)) return undefined;
  const others = words.filter(
    (word, index) => word !== 'disabled' && (at < 0 || (index !== at && index !== at + 1)),
  );
  return {
    server,
    weight: Number(weight),
    isEnabled: !words.includes('disabled'),
    rest: [server, ...others].join(' '),
  };
}
