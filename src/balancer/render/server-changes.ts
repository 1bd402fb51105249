/** What differs of a member between two files. What is undefined is the same in both. */
export interface ServerChange {
  backend: string;
  server: string;
  weight?: number | undefined;
  isEnabled?: boolean | undefined;
}

/** A line of a member, as serverLine writes it: its name, its weight, and the word at the end if it is disabled. */
const serverLine = /^( {4}server (\S+) \S+) weight (\d{1,3})(.*?)( disabled)?$/;

/**
 * What has to be set for members so that a process of one file runs as one of the other does. Where a pool balances by the
 * source, haproxy takes a new weight only with a reload.
 * @param running the file that the process runs, as renderHaproxy has made it
 * @param wanted the one that it is to run
 * @returns undefined if they differ in more than weights and disabled members, so that a reload is needed
 */
export function serverChanges(running: string, wanted: string): ServerChange[] | undefined {
  const [before, after] = [running.split('\n'), wanted.split('\n')];
  if (before.length !== after.length) return undefined;
  const changes: ServerChange[] = [];
  let backend = '';
  let isBySource = false;
  for (const [index, line] of after.entries()) {
    const former = before[index] ?? '';
    if (line.startsWith('backend ')) {
      backend = line.slice('backend '.length);
      isBySource = false;
    }
    isBySource ||= line === '    balance source';
    if (line === former) continue;
    const change = changeOf(former, line);
    if (!change || (isBySource && change.weight !== undefined)) return undefined;
    changes.push({ backend, ...change });
  }
  return changes;
}

function changeOf(former: string, line: string): Omit<ServerChange, 'backend'> | undefined {
  const [, start, server, weight, options, disabled] = serverLine.exec(line) ?? [];
  const [, formerStart, , formerWeight, formerOptions, formerDisabled] =
    serverLine.exec(former) ?? [];
  if (server === undefined || start !== formerStart || options !== formerOptions) return undefined;
  return {
    server,
    weight: weight === formerWeight ? undefined : Number(weight),
    isEnabled: disabled === formerDisabled ? undefined : disabled === undefined,
  };
}
