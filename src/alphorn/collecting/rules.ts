import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import picomatch from 'picomatch';
import * as z from 'zod';

import { Fault } from '../../kit/fault.ts';
import { namesIn } from '../../kit/files/files.ts';
import { isPlainPath, parentsOf } from '../format/paths.ts';

/** A pattern of paths that go in. */
export interface Include {
  /** As written in the rules. */
  text: string;
  /** The deepest path without a wildcard that contains, or is, everything it matches. */
  base: string;
  /** Max depth below `base` that it reaches, in folders. */
  depth: number;
  /** Whether a path at or below `base` goes in. */
  matches: (path: string) => boolean;
  /** Whether it means that path itself, and not only the content of a folder; a link is then followed. */
  names: (path: string) => boolean;
  /** Whether it takes everything in `base`, including empty folders. */
  takesFolders: boolean;
}

/** The content of one file of rules. */
export interface RuleSet {
  /** The path of the file. */
  name: string;
  includes: readonly Include[];
  /** Larger files are left out. */
  maxFileBytes: number;
  /** Max bytes of everything that the set includes. If there is more, the largest includes are cut short. */
  maxBytes: number;
  maxFiles: number;
}

/** What goes into a liferaft of this host. */
export interface Rules {
  /** In the order of their names. A path belongs to the include with the deepest base; among equals, to the first. */
  sets: readonly RuleSet[];
  /** Whether a path, or everything in a folder, stays out, whichever set includes it. */
  excludes: (path: string) => boolean;
  /** Whether an exclude without a wildcard names the path, or a folder that it is in. */
  excludesByName: (path: string) => boolean;
  /** Where to watch for changes of everything that may go in. The paths need not exist. */
  roots: readonly string[];
}

// A rule matches whole paths; a folder needs no wildcard to include its content. A name may contain a line break, which
// `**` would not match without the flag.
const options = { dot: true, nonegate: true, noextglob: true, flags: 's' } as const;

const glob = z.string().refine(isGlob, {
  error: 'expected an absolute path, which may have wildcards, without ".", ".." or a backslash',
});
const count = z.number().int().min(1);
/** The keys of a file of rules. ha-agent.json(5) is made from it. */
export const rulesSchema = z.strictObject({
  include: z
    .array(glob)
    .default([])
    .describe(
      'Paths that go into the liferaft; they may have wildcards. A folder means everything in it.',
    ),
  exclude: z
    .array(glob)
    .default([])
    .describe('Paths that stay out, whichever file of rules includes them.'),
  max_file_bytes: count
    .default(16 * 1024 ** 2)
    .describe('Maximum size of a file in bytes; a larger one is left out.'),
  max_bytes: count
    .default(256 * 1024 ** 2)
    .describe('Maximum size in bytes of everything that this file of rules includes.'),
  max_files: count
    .default(10_000)
    .describe('Maximum number of files that this file of rules includes.'),
});

/**
 * Reads all `*.json` of the folder. An `include` takes the files and links that it matches; one that names a folder
 * without a wildcard takes everything in it. An `exclude` that matches a folder excludes everything in it, for all
 * files of rules, so that an administrator's file can narrow the package's rules. Caps apply to what their own file
 * includes.
 * Faults: `alphorn_rules_invalid`, which lists every error
 */
export async function readRules(folder: string): Promise<Rules> {
  const names = (await namesIn(folder))
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .sort();
  const read = await Promise.all(names.map((name) => readRuleFile(join(folder, name))));
  const problems = read.flatMap((each) => ('problems' in each ? each.problems : []));
  if (problems.length > 0) throw rulesInvalid(`They are wrong.\n${problems.join('\n')}`);
  const files = read.flatMap((each) => ('file' in each ? [each] : []));
  const sets = files.map(({ path, file }) => ({
    name: path,
    includes: file.include.map(includeOf),
    maxFileBytes: file.max_file_bytes,
    maxBytes: file.max_bytes,
    maxFiles: file.max_files,
  }));
  const includes = sets.flatMap((set) => set.includes);
  const excludes = files.flatMap(({ file }) => file.exclude);
  if (includes.length === 0) throw rulesInvalid(`There is none in ${folder}, so nothing goes in.`);
  return {
    sets,
    excludes: excluderOf(excludes),
    excludesByName: (path) => [...parentsOf(path), path].some((each) => excludes.includes(each)),
    roots: [...new Set(includes.map(({ base }) => base))].sort(),
  };
}

/** The rules do not allow a liferaft to be made. */
export function rulesInvalid(what: string): Fault {
  return new Fault(
    'alphorn_rules_invalid',
    `The rules for what goes into a liferaft cannot be followed. ${what} Correct them; until then, the liferaft stays as it was.`,
  );
}

type RuleFile =
  | { path: string; file: z.output<typeof rulesSchema> }
  | { path: string; problems: readonly string[] };

async function readRuleFile(path: string): Promise<RuleFile> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    return { path, problems: [`${path}: expected JSON. ${(error as Error).message}`] };
  }
  const result = rulesSchema.safeParse(json);
  if (result.success) return { path, file: result.data };
  return {
    path,
    problems: result.error.issues.map((issue) =>
      issue.code === 'unrecognized_keys'
        ? `${path}: unknown key ${issue.keys.join(', ')}; expected one of ${Object.keys(rulesSchema.shape).join(', ')}`
        : [path, ...(issue.path.length > 0 ? [issue.path.join('.')] : []), issue.message].join(
            ': ',
          ),
    ),
  };
}

function isGlob(text: string): boolean {
  return isPlainPath(text) && !text.includes('\\');
}

function includeOf(text: string): Include {
  const { base, isGlob: hasWildcard, glob: rest } = picomatch.scan(text, options);
  // It takes the path itself, or everything in it.
  if (!hasWildcard) {
    const names = (path: string) => path === text;
    return { text, base: text, depth: Infinity, matches: () => true, names, takesFolders: true };
  }
  if (rest === '**') {
    const matches = (path: string) => path !== base;
    return { text, base, depth: Infinity, matches, names: () => false, takesFolders: true };
  }
  // The branches of a brace may contain slashes.
  const depth = /\*\*|\{/.test(rest) ? Infinity : rest.split('/').length;
  const matches = picomatch(text, options);
  return { text, base, depth, matches, names: matches, takesFolders: false };
}

function excluderOf(globs: readonly string[]): (path: string) => boolean {
  const matchers = globs.map((text) => picomatch(text, options));
  return (path) => matchers.some((matches) => matches(path));
}
