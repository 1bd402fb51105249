import fc from 'fast-check';

import type {
  WantedBalancer,
  WantedListener,
  WantedPolicy,
  WantedPool,
} from '../../../src/balancer/deploying.ts';
import {
  algorithms,
  compareTypes,
  listenerProtocols,
  monitorTypes,
  persistenceTypes,
  policyActions,
  poolProtocols,
  ruleTypes,
} from '../../../src/balancer/objects.ts';
import { backendName } from '../../../src/balancer/render/lines.ts';

// Trees as the API accepts them, with texts that try to be more than one word of a file.

/** Anything without control characters, with what haproxy has a meaning for more often than by chance. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ' ',
        '#',
        '"',
        "'",
        '\\',
        '%',
        '$',
        '{',
        '}',
        '[',
        ']',
        '(',
        ')',
        '!',
        ',',
        '-',
      ),
      fc.constantFrom(
        '%[env(A)]',
        '${HOME}',
        '\\n',
        '-f',
        ' if ',
        ' or ',
        'ä',
        '\u00a0',
        '😀',
        '||',
      ),
      fc.stringMatching(/^[\w./:?&=-]{1,8}$/),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => parts.join(''));

/** The characters of a token (RFC 7230), of which names of headers and cookies are. */
const token = fc.stringMatching(/^[\w!#$%&*+.^`|~-]{1,20}$/);
const id = fc.uuid();
const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6().filter((address) => !address.includes('.'));
const address = fc.oneof(ipv4, ipv6);
const port = fc.integer({ min: 1, max: 65_535 });

const code = fc.integer({ min: 100, max: 599 });
const codes = fc
  .array(
    fc.oneof(
      code.map(String),
      fc.tuple(code, code).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => parts.join(','));

const monitor = fc.record({
  type: fc.constantFrom(...monitorTypes),
  delay: fc.integer({ min: 1, max: 86_400 }),
  timeout: fc.integer({ min: 1, max: 3600 }),
  fallThreshold: fc.integer({ min: 1, max: 10 }),
  riseThreshold: fc.integer({ min: 1, max: 10 }),
  httpMethod: fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS', 'CONNECT'),
  urlPath: text.map((path) => `/${path}`),
  expectedCodes: codes,
});

const member = fc.record({
  id,
  address,
  port,
  weight: fc.integer({ min: 0, max: 256 }),
  isEnabled: fc.boolean(),
  monitorAddress: fc.option(address),
  monitorPort: fc.option(port),
});

const pool: fc.Arbitrary<WantedPool> = fc.record({
  id,
  protocol: fc.constantFrom(...poolProtocols),
  algorithm: fc.constantFrom(...algorithms),
  persistence: fc.option(
    fc.oneof(
      fc.record({
        type: fc.constantFrom(...persistenceTypes),
        cookieName: token.map((name): string | null => name),
      }),
      fc.record({ type: fc.constant('HTTP_COOKIE' as const), cookieName: fc.constant(null) }),
    ),
  ),
  members: fc.uniqueArray(member, { maxLength: 4, selector: (each) => each.id }),
  monitor: fc.option(monitor),
});

/** An expression that every haproxy compiles. */
const expression = fc.oneof(
  fc.constantFrom('^/a.*b$', String.raw`\.(?:jpg|png)$`, '[0-9]{2,3} #', String.raw`"\\d'`),
  text.map((each) => each.replace(/[^\p{L}\p{N} #"'%$!,-]/gu, String.raw`\$&`)),
);

const rule: fc.Arbitrary<WantedPolicy['rules'][number]> = fc
  .record({
    id,
    type: fc.constantFrom(...ruleTypes),
    compareType: fc.constantFrom(...compareTypes),
    key: token.map((name): string | null => name),
    value: text,
    isInverted: fc.boolean(),
    expression,
  })
  .map(({ expression: regex, ...each }) => {
    const isFile = each.type === 'FILE_TYPE' && each.compareType !== 'REGEX';
    const compareType = isFile ? ('EQUAL_TO' as const) : each.compareType;
    const hasKey = each.type === 'HEADER' || each.type === 'COOKIE';
    const value = compareType === 'REGEX' ? regex : each.value;
    return { ...each, compareType, key: hasKey ? each.key : null, value };
  });

const policyOf = (pools: readonly string[]): fc.Arbitrary<WantedPolicy> =>
  fc
    .record({
      id,
      action: fc.constantFrom(...policyActions),
      target: fc.oneof(text, fc.constant('https://www.example.com/%20a')),
      pool: fc.constantFrom(...pools),
      rules: fc.uniqueArray(rule, { maxLength: 3, selector: (each) => each.id }),
    })
    .map(({ action, target, pool: redirect, ...each }) => ({
      ...each,
      action,
      redirectPool: action === 'REDIRECT_TO_POOL' ? redirect : null,
      redirectUrl: action === 'REDIRECT_TO_URL' ? target : null,
      redirectPrefix: action === 'REDIRECT_PREFIX' ? target : null,
    }));

const flag = fc.constantFrom('true', 'True', 'false');

const listenerOf = (pools: readonly string[]): fc.Arbitrary<WantedListener> =>
  fc
    .record({
      id,
      protocol: fc.constantFrom(...listenerProtocols),
      port,
      connectionLimit: fc.option(fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 31 }))),
      insertHeaders: fc.record(
        { 'X-Forwarded-For': flag, 'X-Forwarded-Port': flag, 'X-Forwarded-Proto': flag },
        { requiredKeys: [] },
      ),
      defaultPool: fc.option(fc.constantFrom(...pools)),
      certificates: fc.uniqueArray(fc.record({ id, pem: fc.constant('') }), {
        minLength: 1,
        maxLength: 3,
        selector: (each) => each.id,
      }),
      policies: fc.array(policyOf(pools), { maxLength: 5 }),
    })
    .map((each) => ({
      ...each,
      certificates: each.protocol === 'TERMINATED_HTTPS' ? each.certificates : [],
    }));

/** A tree that haproxy can run: its servers, rules and listeners have ids of their own. Its first node is always number 1. */
export const balancers: fc.Arbitrary<WantedBalancer> = fc
  .uniqueArray(pool, { minLength: 1, maxLength: 3, selector: (each) => each.id })
  .chain((pools) => {
    const ids = [...pools.map((each) => each.id), '00000000-0000-4000-8000-00000000dead'];
    return fc.record({
      id,
      vip: address,
      peerPort: port,
      nodes: fc
        .tuple(address, fc.option(fc.record({ address, amphora: id })))
        .map(([first, second]) => [
          { id: 1, address: first },
          ...(second ? [{ id: 2, ...second }] : []),
        ]),
      listeners: fc.uniqueArray(listenerOf(ids), {
        minLength: 1,
        maxLength: 3,
        selector: (each) => each.id,
      }),
      pools: fc.constant(pools),
    });
  });

/** The names of sections and rules of a tree, which have to differ within one file. */
export function namesOf({ listeners, pools }: WantedBalancer): string[] {
  return listeners.flatMap((each) => [
    each.id,
    ...pools.map((used) => backendName(used.id, each.id)),
  ]);
}
