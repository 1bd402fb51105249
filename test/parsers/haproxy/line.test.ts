import { expect } from 'chai';

import { readConfig } from '../../../src/parsers/haproxy/config.ts';
import { readLine } from '../../../src/parsers/haproxy/line.ts';

describe('a line of haproxy.cfg', () => {
  const cases: readonly (readonly [raw: string, tokens: readonly string[]])[] = [
    ['', []],
    ['  \t ', []],
    ['# comment', []],
    ['  a  b\tc ', ['a', 'b', 'c']],
    ['a#b c', ['a']],
    ['a \\#b', ['a', '#b']],
    ['a "b # c" d', ['a', 'b # c', 'd']],
    [`a 'b "c"' "d 'e'"`, ['a', 'b "c"', "d 'e'"]],
    ['a b"c d"e', ['a', 'bc de']],
    ['a b\\ c', ['a', 'b c']],
    ['a b\\\\ c', ['a', 'b\\', 'c']],
    ['a \\"b\\" "\\"c"', ['a', '"b"', '"c']],
    [String.raw`a 'b\' c`, ['a', 'b\\', 'c']],
    [String.raw`a \' c`, ['a', "'", 'c']],
    [String.raw`a "\'"`, ['a', String.raw`\'`]],
    [String.raw`a \t\n\r\q\1`, ['a', '\t\n\r\\q\\1']],
    [String.raw`a \x41\x20b`, ['a', 'A b']],
    ['a \\', ['a', '\\']],
    ['a $b ^c$', ['a', '$b', '^c$']],
    [`a '$b'`, ['a', '$b']],
    [String.raw`a "\$b"`, ['a', '$b']],
    ['a b\r', ['a', 'b']],
    [`a '' b`, ['a', '', 'b']],
    ['"" a', ['', 'a']],
    ['ü é', ['ü', 'é']],
    ['a\u00A0b', ['a\u00A0b']],
  ];
  for (const [raw, tokens] of cases) {
    it(`${JSON.stringify(raw)} has the words ${JSON.stringify(tokens)}`, () => {
      expect(readLine(raw)).to.deep.equal({ tokens, hasVariable: false, problem: undefined });
    });
  }

  for (const raw of ['a "$b"', 'a "${b}"', 'a x"$b"', 'a "\\\\$b"']) {
    it(`${JSON.stringify(raw)} has a variable`, () => {
      expect(readLine(raw).hasVariable).to.equal(true);
    });
  }

  const unreadable = { 'a "b': 'quote', "a 'b": 'quote', 'a \\x4': 'escape', 'a \\xzz': 'escape' };
  for (const [raw, problem] of Object.entries(unreadable)) {
    it(`${JSON.stringify(raw)} cannot be read: ${problem}`, () => {
      expect(readLine(raw).problem).to.equal(problem);
    });
  }

  for (const raw of ['a\0b', 'a\rb', 'a \r b', 'a\vb', 'a\fb', 'a\u001Bb', 'a\r\r']) {
    it(`${JSON.stringify(raw)} has a control character`, () => {
      expect(readLine(raw).problem).to.equal('control');
    });
  }
});

describe('the sections of haproxy.cfg', () => {
  it('have a keyword, words after it, and lines with their numbers', () => {
    const text = '# a\nglobal\n daemon # b\n\nbackend a:b\r\n server c d\n';
    expect(readConfig(text)).to.deep.equal({
      sections: [
        { keyword: 'global', args: [], line: 2, lines: [{ line: 3, tokens: ['daemon'] }] },
        {
          keyword: 'backend',
          args: ['a:b'],
          line: 5,
          lines: [{ line: 6, tokens: ['server', 'c', 'd'] }],
        },
      ],
      problems: [],
    });
  });

  it('leave out lines that cannot be read, and name these', () => {
    const text = 'a\nglobal\n b "\n c "$d"\n .if 1\n e\\x\n f\u0001\n';
    expect(readConfig(text)).to.deep.equal({
      sections: [{ keyword: 'global', args: [], line: 2, lines: [] }],
      problems: [
        { line: 1, kind: 'outside' },
        { line: 3, kind: 'quote' },
        { line: 4, kind: 'variable' },
        { line: 5, kind: 'condition' },
        { line: 6, kind: 'escape' },
        { line: 7, kind: 'control' },
      ],
    });
  });
});
