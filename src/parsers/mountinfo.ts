/** A mount at a path. */
export interface Mount {
  path: string;
  /** The type of the file system, such as `ext4` or `nfs4`. */
  type: string;
}

/**
 * Reads /proc/PID/mountinfo (proc_pid_mountinfo(5)): the mount point is the fifth field, and the type follows a field
 * `-`. If several are mounted at one path, the last one counts. Other lines are ignored.
 */
export function parseMountinfo(text: string): Mount[] {
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const [, , , , path] = fields;
    const separator = fields.indexOf('-', 6);
    const type = separator === -1 ? undefined : fields[separator + 1];
    if (path?.startsWith('/') && type !== undefined) types.set(unescaped(path), type);
  }
  return [...types].map(([path, type]) => ({ path, type }));
}

/** Decodes blanks, tabs, line breaks and backslashes, which are written as `\` and three octal digits. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
