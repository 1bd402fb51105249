import { expect } from 'chai';
import fc from 'fast-check';

import {
  agentName,
  nodeName,
  propertyName,
  providerName,
  resourceName,
} from '../../../src/routes/ha/fields/names.ts';
import { checksOf } from '../../../src/server/table/check.ts';
import { inBody, inPath, type Rule } from '../../../src/server/table/field.ts';

const rules = { resourceName, nodeName, propertyName, providerName, agentName };

async function takes(rule: Rule<string>, name: unknown): Promise<boolean> {
  const [chain] = checksOf({ name: inPath(rule) });
  return (await chain?.run({ params: { name } }))?.isEmpty() === true;
}

const good: Readonly<Record<keyof typeof rules, readonly string[]>> = {
  resourceName: [
    'ZFS',
    '_x',
    'a.b-c_1',
    'Größe',
    'クラスタ',
    '\u{9fa5}',
    'constructor',
    'x'.repeat(255),
  ],
  nodeName: ['5e7638bc', 'dolores_openlab_com', 'a.example.org', '192.0.2.1', '2001:db8::1'],
  propertyName: ['stonith-enabled', 'hana_ha1_site_srHook_B', '#health', 'cpu.load'],
  providerName: ['lsb', 'service', 'systemd', 'ocf:heartbeat'],
  agentName: [
    'ocf:heartbeat:Dummy',
    'ocf:heartbeat:IPaddr2',
    'lsb:hwclock.sh',
    'systemd:getty@tty1',
    'service:foo@',
    'systemd:dev-disk-by\\x2duuid',
    'fence_lab',
    'external/ipmi',
    'stonith:external/dracmc-telnet',
  ],
};

const badForAll: readonly unknown[] = [
  undefined,
  null,
  5,
  true,
  {},
  [],
  ['ZFS'],
  '',
  '-x',
  '--help',
  'a;b',
  'a b',
  ' a',
  'a\n',
  'a\nb',
  'a\0',
  'a\u0085b',
  'a\u2028b',
  'a=b',
  '../a',
  'a/../b',
  '..',
  '/etc/passwd',
  '.a',
  'a*',
  '$(a)',
  '`a`',
  'a|b',
  'a"',
  "a'",
  'a<b',
  'a\u202eb',
  '\ud800',
  'x'.repeat(256),
  'x'.repeat(10_000),
];

const bad: Readonly<Record<keyof typeof rules, readonly string[]>> = {
  // From '😀' on, only the fifth edition of XML 1.0 allows these, and Pacemaker refuses them.
  resourceName: [
    '1a',
    'a:b',
    'a/b',
    '×',
    'a\\b',
    '·a',
    '\u0301a',
    'a\ufffe',
    'a\uffff',
    '😀',
    '𠀀',
    '\u017f',
    '\u0132',
    'a\u200c',
    'ｱ',
    '\u3400',
    '\u9fa6',
    'a\u203f',
  ],
  nodeName: [':a', 'a/b', 'a\\b'],
  propertyName: ['é', 'a/b', 'a\\b'],
  providerName: ['ocf:', ':heartbeat', 'ocf:a:b', 'ocf:-a', 'ocf:..', 'a/b'],
  agentName: ['ocf::Dummy', 'ocf:', ':a', 'external/', 'a//b', 'ocf:heartbeat:-x', 'ocf:a:..', 'é'],
};

for (const [name, rule] of Object.entries(rules) as [keyof typeof rules, typeof resourceName][]) {
  describe(`the rule ${name}`, () => {
    for (const each of good[name]) {
      it(`accepts ${abridged(each)}`, async () => {
        expect(await takes(rule, each)).to.equal(true);
      });
    }

    for (const each of [...badForAll, ...bad[name]]) {
      it(`refuses ${abridged(each)}`, async () => {
        expect(await takes(rule, each)).to.equal(false);
      });
    }

    it('accepts nothing that could be an option, a path out of its folder, or two lines', async () => {
      const pieces = fc.oneof(
        ...[fc.constantFrom(...good[name]), fc.string({ unit: 'binary', maxLength: 3 })],
        fc.constantFrom('-', '..', '/', ':', '\n', '\0', '\r', ' ', '@', '\\'),
      );
      const anything = fc.array(pieces, { maxLength: 4 }).map((parts) => parts.join(''));
      await fc.assert(
        fc.asyncProperty(anything, async (text) => {
          fc.pre(await takes(rule, text));
          expect(text).to.match(/^[^-./:\\][^\p{Cc}\p{Cs}\p{Zl}\p{Zp} =;]{0,254}$/u);
          expect(text.split('/')).not.to.include('..');
        }),
        { numRuns: 500, maxSkipsPerRun: 1000 },
      );
    });
  });
}

it('a rule reads the field only from its own part of the request', async () => {
  const [chain] = checksOf({ name: inBody(resourceName) });
  expect((await chain?.run({ params: { name: 'ZFS' } }))?.isEmpty()).to.equal(false);
  expect((await chain?.run({ body: { name: 'ZFS' } }))?.isEmpty()).to.equal(true);
});

function abridged(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? 'nothing' : text.slice(0, 40);
}
