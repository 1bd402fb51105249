// Text from another host (paths, names) may contain anything. It must not move the cursor of a terminal.
const control = /\p{Cc}/gu;

export function print(line: string): void {
  console.log(line.replace(control, '?'));
}

/**
 * Prints a message to the standard error output. Each sentence is on its own line, so that it can be read alone. The
 * lines after the first are indented, so that no name from another host can look like a separate message.
 */
export function warn(text: string): void {
  const [first = '', ...more] = text
    .split('\n')
    .flatMap(sentencesOf)
    .map((line) => line.replace(control, '?'));
  console.error([`hactl: ${first}`, ...more.map((line) => `  ${line}`)].join('\n'));
}

/** A sentence ends with a full stop, and the next one begins with a capital letter, a quoted command or a path. */
function sentencesOf(line: string): string[] {
  return line.split(/(?<=[.!?]|[.!?]['")]) (?=[\p{Lu}'/])/u);
}

/** A text that may have several lines: those after the first are indented. */
export function printText(text: string): void {
  const [first = '', ...more] = text.split('\n');
  print(first);
  for (const line of more) print(`  ${line}`);
}

/**
 * Prints columns as wide as their content. The last column is not padded.
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

/** A row, with the further lines of its last cell below. */
function linesOf(row: readonly string[]): string[][] {
  const [first = '', ...more] = (row.at(-1) ?? '').split('\n');
  const others = row.slice(0, -1);
  return [[...others, first], ...more.map((line) => [...others.map(() => ''), line])];
}
