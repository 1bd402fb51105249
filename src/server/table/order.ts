import type { Row } from './row.ts';

/** The requests that a path matches, whatever its parameters are called: `/resource/:/details`. */
export function shapeOf(path: string): string {
  return path.replace(/([:*])\w+/g, '$1');
}

/**
 * Groups the rows by path. A path comes before those that would match its requests too.
 * @throws {Error} that names two rows for the same requests
 */
export function inOrder(rows: readonly Row[]): Row[][] {
  const shared = new Map<string, Row[]>();
  for (const each of rows) {
    const shape = shapeOf(each.path);
    const others = shared.get(shape) ?? [];
    const equal = others.find((other) =>
      other.methods.some((method) => each.methods.includes(method)),
    );
    if (equal) {
      throw new Error(
        `Two routes are for the same requests: ${nameOf(equal)} and ${nameOf(each)}. Take one of them out.`,
      );
    }
    shared.set(shape, [...others, each]);
  }
  return [...shared].sort(([a], [b]) => compareShapes(a, b)).map(([, each]) => each);
}

function nameOf({ methods, path, summary }: Row): string {
  return `${methods.join(' and ')} ${path} (${summary})`;
}

/** Compares segment by segment: a literal first, then a parameter, then a parameter for several segments. */
function compareShapes(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = rankOf(left[index]) - rankOf(right[index]);
    if (difference !== 0) return difference;
  }
  return right.length - left.length;
}

function rankOf(segment = ''): number {
  if (segment === '*') return 2;
  return segment === ':' ? 1 : 0;
}
