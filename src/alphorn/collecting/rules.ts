import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import picomatch from 'picomatch';
import { z } from 'zod';

import { Fault } from '../../kit/fault.ts';
import { namesIn } from '../../kit/files/files.ts';
import { isPlainPath, parentsOf } from '../format/paths.ts';

/** A glob of what goes in. */
export interface Include {
  /** As it stands in the rules. */
  text: string;
  /** The longest path without a wildcard that all it matches is in, or that it is. */
  base: string;
  /** How many folders below `base` it reaches at most. */
  depth: number;
  /** Whether a path at or below `base` goes in. */
  matches: (path: string) => boolean;
  /** Whether it means that path itself, not only what is in a folder: a link is followed then. */
  names: (path: string) => boolean;
  /** Whether it takes all that is in `base`, so that an empty folder goes in as well. */
  takesFolders: boolean;
}

/** What one file of rules says. */
export interface RuleSet {
  /** Of the file. */
  name: string;
  includes: readonly Include[];
  /** A file that is larger is left out. */
  maxFileBytes: number;
  /** Of all that the set includes. Where it is too much, the largest includes are cut short. */
  maxBytes: number;
  maxFiles: number;
}

/** What goes into a liferaft of this host. */
export interface Rules {
  /** In the order of their names. A path counts for the include with the longest base, of several for the first. */
  sets: readonly RuleSet[];
  /** Whether a path, or all that is in a folder, stays out, whichever set includes it. */
  excludes: (path: string) => boolean;
  /** Whether an exclude without a wildcard says so of the path, or of a folder that it is in. */
  excludesByName: (path: string) => boolean;
  /** Where to watch for changes of all that may go in. Need not exist. */
  roots: readonly string[];
}

// A rule says what it matches in full; what is to be in a folder needs no wildcard. A name may have a line end in it,
// which `**` would not match without the flag.
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
 * Reads all `*.json` of the folder. An `include` takes the files and links that it matches; one without a wildcard that
 * is a folder takes all that is in it. An `exclude` that matches a folder keeps all out that is in it, for all files of
 * rules, so that a file of one's own can narrow what the package says. Caps hold for what their own file includes.
 * Faults: `alphorn_rules_invalid`, with each that is wrong
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

/** Of rules by which no liferaft can be made. */
export function rulesInvalid(what: string): Fault {
  return new Fault(
    'alphorn_rules_invalid',
    `The rules for what goes into a liferaft cannot be followed. ${what} Put them right; the liferaft stays as it was until then.`,
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
  // All that is there, or in it.
  if (!hasWildcard) {
    const names = (path: string) => path === text;
    return { text, base: text, depth: Infinity, matches: () => true, names, takesFolders: true };
  }
  if (rest === '**') {
    const matches = (path: string) => path !== base;
    return { text, base, depth: Infinity, matches, names: () => false, takesFolders: true };
  }
  // A brace may have slashes in some of its branches.
  const depth = /\*\*|\{/.test(rest) ? Infinity : rest.split('/').length;
  const matches = picomatch(text, options);
  return { text, base, depth, matches, names: matches, takesFolders: false };
}

function excluderOf(globs: readonly string[]): (path: string) => boolean {
  const matchers = globs.map((text) => picomatch(text, options));
  return (path) => matchers.some((matches) => matches(path));
}
