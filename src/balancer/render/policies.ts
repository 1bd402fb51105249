import type { WantedListener, WantedPolicy } from '../deploying.ts';
import type { RuleSettings } from '../objects.ts';
import { asFormat, backendName, line } from './lines.ts';

/** A policy that can be true, with what it does. */
type Usable = { policy: WantedPolicy } & (
  { kind: 'choice'; pool: string } | { kind: 'answer'; verb: readonly string[] }
);

export interface PolicyLines {
  conditions: readonly string[];
  /** What answers a request itself. */
  answers: readonly string[];
  /** What chooses a pool. */
  choices: readonly string[];
}

/**
 * The lines of a listener's L7 policies. The first policy counts of which all rules are true. One without rules, or with a
 * pool that is not there, is left out.
 *
 * haproxy evaluates every `http-request` before any `use_backend`. So a policy that chooses a pool and comes before one that
 * answers ends the evaluation of the answers, by `allow`.
 * @param pools the ids of the pools that are there
 */
export function policyLines(
  { id, policies }: Pick<WantedListener, 'id' | 'policies'>,
  pools: ReadonlySet<string>,
): PolicyLines {
  const usable = usableOf(policies, pools);
  const lastAnswer = usable.findLastIndex(({ kind }) => kind === 'answer');
  const answers: string[] = [];
  const choices: string[] = [];
  for (const [index, each] of usable.entries()) {
    const condition = conditionOf(each.policy);
    if (each.kind === 'answer') answers.push(line('http-request', ...each.verb, ...condition));
    else choices.push(line('use_backend', backendName(each.pool, id), ...condition));
    if (each.kind === 'choice' && index < lastAnswer) {
      answers.push(line('http-request', 'allow', ...condition));
    }
  }
  const conditions = usable.flatMap(({ policy }) => policy.rules.map(aclOf));
  return { conditions, answers, choices };
}

/** The pools that the policies of a listener choose, of those that are there. */
export function chosenPools(
  { policies }: Pick<WantedListener, 'policies'>,
  pools: ReadonlySet<string>,
): string[] {
  return usableOf(policies, pools).flatMap((each) => (each.kind === 'choice' ? [each.pool] : []));
}

function usableOf(policies: readonly WantedPolicy[], pools: ReadonlySet<string>): Usable[] {
  return policies.flatMap((policy): Usable[] => {
    const { action, rules, redirectPool, redirectPrefix, redirectUrl } = policy;
    if (rules.length === 0) return [];
    if (action === 'REJECT') return [{ policy, kind: 'answer', verb: ['deny'] }];
    if (action === 'REDIRECT_TO_POOL') {
      const isThere = redirectPool !== null && pools.has(redirectPool);
      return isThere ? [{ policy, kind: 'choice', pool: redirectPool }] : [];
    }
    const [how, target] =
      action === 'REDIRECT_PREFIX' ? ['prefix', redirectPrefix] : ['location', redirectUrl];
    // A redirection without a target would be one to nowhere.
    if (target === null) return [];
    return [{ policy, kind: 'answer', verb: ['redirect', how, asFormat(target)] }];
  });
}

function conditionOf({ rules }: WantedPolicy): string[] {
  return ['if', ...rules.map(({ id, isInverted }) => (isInverted ? `!${id}` : id))];
}

const matches: Readonly<Record<RuleSettings['compareType'], string>> = {
  REGEX: 'reg',
  STARTS_WITH: 'beg',
  ENDS_WITH: 'end',
  CONTAINS: 'sub',
  EQUAL_TO: 'str',
};

function aclOf(rule: WantedPolicy['rules'][number]): string {
  const { sample, match, value } = comparisonOf(rule);
  // A value that begins like a flag, such as `-f`, would make haproxy read a file.
  const end = value.startsWith('-') ? ['--'] : [];
  return line('acl', rule.id, ...sample, '-m', match, ...end, value);
}

function comparisonOf({ type, key, value, compareType }: RuleSettings): {
  sample: readonly string[];
  match: string;
  value: string;
} {
  const match = matches[compareType];
  switch (type) {
    case 'HOST_NAME':
      return { sample: ['req.hdr(host)', '-i'], match, value };
    case 'PATH':
      return { sample: ['path'], match, value };
    case 'HEADER':
      return { sample: [`req.hdr(${key ?? ''})`], match, value };
    case 'COOKIE':
      return { sample: [`req.cook(${key ?? ''})`], match, value };
    case 'FILE_TYPE':
      // With `path_end`, as 4.1.4 has it, `-m` replaces the comparison of the end by one of the whole path, so that no path
      // equals `jpg` (measured on 2.2, 2.6 and 3.0).
      return compareType === 'REGEX'
        ? { sample: ['path,field(-1,/),field(-1,.)'], match, value }
        : { sample: ['path'], match: 'end', value: `.${value}` };
  }
}
