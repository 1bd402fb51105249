/** The lines around a difference that are shown with it. */
const contextLines = 3;
/** Above this number of comparisons, a part is shown as removed and added as a whole. */
const maxComparisons = 4_000_000;

type Line = readonly [sign: ' ' | '-' | '+', text: string];

/** @returns the differences as `diff -u` prints them, without a heading; empty if there are none */
export function diffOfLines(before: string, after: string): string {
  if (before === after) return '';
  const lines = compare(linesOf(before), linesOf(after));
  const isShown = lines.map(() => false);
  lines.forEach(([sign], index) => {
    if (sign === ' ') return;
    isShown.fill(true, Math.max(0, index - contextLines), index + contextLines + 1);
  });
  const shown: string[] = [];
  let [oldLine, newLine] = [1, 1];
  lines.forEach(([sign, text], index) => {
    if (isShown[index] && !isShown[index - 1]) shown.push(`@@ -${oldLine} +${newLine} @@`);
    if (isShown[index]) shown.push(`${sign}${text}`);
    if (sign !== '+') oldLine += 1;
    if (sign !== '-') newLine += 1;
  });
  return `${shown.join('\n')}\n`;
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function compare(before: readonly string[], after: readonly string[]): Line[] {
  const max = Math.min(before.length, after.length);
  let head = 0;
  while (head < max && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < max - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return [
    ...before.slice(0, head).map((text): Line => [' ', text]),
    ...compareMiddle(
      before.slice(head, before.length - tail),
      after.slice(head, after.length - tail),
    ),
    ...before.slice(before.length - tail).map((text): Line => [' ', text]),
  ];
}

/** Finds the longest common part (Hunt and McIlroy, without their shortcuts). */
function compareMiddle(before: readonly string[], after: readonly string[]): Line[] {
  if (before.length * after.length > maxComparisons) {
    return [...before.map((text): Line => ['-', text]), ...after.map((text): Line => ['+', text])];
  }
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push([' ', before[i] ?? '']);
      i += 1;
      j += 1;
    } else if (i < before.length && (j === after.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(['-', before[i] ?? '']);
      i += 1;
    } else {
      lines.push(['+', after[j] ?? '']);
      j += 1;
    }
  }
  return lines;
}
