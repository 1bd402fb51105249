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

/** A text that may have several lines: those after the first are indented. */
export function printText(text: string): void {
  const [first = '', ...more] = text.split('\n');
  print(first);
  for (const line of more) print(`  ${line}`);
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/**
 * Columns as wide as what is in them; the last is as long as it is.
 * @param isText whether the last cell of a row is a text that may have several lines, not a name
 */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  isText = false,
): void {
  const cells = rows.map((row) => row.map(String));
  const lines = [head, ...(isText ? cells.flatMap(linesOf) : cells)];
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

/** A row, and below it the further lines of its last cell. */
function linesOf(row: readonly string[]): string[][] {
  const [first = '', ...more] = (row.at(-1) ?? '').split('\n');
  const others = row.slice(0, -1);
  return [[...others, first], ...more.map((line) => [...others.map(() => ''), line])];
}
