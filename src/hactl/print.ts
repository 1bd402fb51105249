// What comes from another host (paths, names) may hold anything, and must not move the cursor of a terminal.
const control = /\p{Cc}/gu;

export function print(line: string): void {
  console.log(line.replace(control, '?'));
}

/** For what is said besides what was asked for. Lines stay lines. */
export function warn(text: string): void {
  const lines = text.split('\n').map((line) => line.replace(control, '?'));
  console.error(`hactl: ${lines.join('\n')}`);
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** Columns as wide as what is in them; the last is as long as it is. */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const lines = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_name, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  for (const line of lines) {
    print(
      line
        .map((cell, column) =>
          column === line.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
        )
        .join('  '),
    );
  }
}
