import { expect } from 'chai';
import fc from 'fast-check';

import { Fault } from '../../src/kit/fault.ts';
import type { CorosyncSection, CorosyncSetting } from '../../src/parsers/corosync/conf.ts';

const word = fc.stringMatching(/^[A-Za-z0-9_./-]{1,10}$/);
const value = fc.oneof(word, fc.constant(''), fc.stringMatching(/^[^\s{][^\s{ ]* ?[^\s{]$/));
const setting: fc.Arbitrary<CorosyncSetting> = fc.record({ key: word, value });
const { section } = fc.letrec<{ section: CorosyncSection }>((tie) => ({
  section: fc.record({
    name: word,
    content: fc.array(fc.oneof({ depthSize: 'small' }, setting, tie('section'))),
  }),
}));
/** The possible content of a file. */
export const anyConf = fc
  .array(fc.oneof(setting, section))
  .map((content) => ({ name: '', content }));
/** Any text, often with the signs of a corosync.conf. */
export const anyConfText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom(...['{', '}', ':', '#', '\n', ' ', '\t', '\r', 'a', 'node', 'list']))
    .map((pieces) => pieces.join('')),
);

export function expectInvalid(work: () => unknown, message: RegExp): void {
  expect(work).to.throw(Fault, message).with.property('code', 'invalid_request');
}
