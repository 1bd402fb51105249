import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Outcome } from '../../src/kit/exec.ts';

/** A call of a tool in a real cluster, as recorded by test/record-fixtures.ts. */
export interface Recorded extends Outcome {
  argv: readonly string[];
}

/** What was installed together on one Debian: the version of each tool. */
export interface Generation {
  suite: string;
  versions: Readonly<Record<string, string>>;
}

const folder = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** The generations for which there are recordings. */
export const generations = JSON.parse(fixtureText('generations.json')) as Generation[];

/** The text of a file. @param path below test/fixtures */
export function fixtureText(path: string): string {
  return readFileSync(fixturePath(path), 'utf8');
}

export function fixturePath(path: string): string {
  return `${folder}${path}`;
}

/** The recorded answer of a tool of that generation in that case. */
export function recorded({ versions }: Generation, tool: string, name: string): Recorded {
  const path = `${tool}/${versions[tool] ?? 'unknown'}/${name}`;
  const { argv, exitCode } = JSON.parse(fixtureText(`${path}/command.json`)) as {
    argv: string[];
    exitCode: number;
  };
  return {
    argv,
    exitCode,
    stdout: fixtureText(`${path}/stdout`),
    stderr: fixtureText(`${path}/stderr`),
  };
}

/** An answer of a tool that no cluster here gives, such as one of a version in the contract. */
export function madeUp(
  argv: readonly string[],
  stdout: string,
  exitCode = 0,
  stderr = '',
): Recorded {
  return { argv, exitCode, stdout, stderr };
}

/** One of the contract's own examples, which may be incomplete. */
export function contractExample(name: string): unknown {
  return JSON.parse(fixtureText(`contract/${name}.json`));
}
