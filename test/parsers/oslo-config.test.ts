import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { osloValue, parseOsloConfig } from '../../src/parsers/oslo-config.ts';

interface Case {
  text: string;
  sections?: Record<string, Record<string, string[]>>;
  error?: { line: number; message: string };
}

const path = new URL('../fixtures/oslo-config/cases.json', import.meta.url);
const cases = JSON.parse(readFileSync(path, 'utf8')) as Case[];

/** The messages of oslo_config, by our words for them. */
const messages = {
  'no separator': "No ':' or '=' found in assignment",
  'empty key': 'Key cannot be empty',
  'unexpected continuation': 'Unexpected continuation line',
  'section without end': 'Invalid section (must end with ])',
  'section without name': 'Empty section name',
  'setting before section': 'Section must be started before assignment',
} as const;

describe('an INI text of oslo.config', () => {
  for (const { text, sections, error } of cases) {
    it(`is read as oslo.config reads it: ${JSON.stringify(text)}`, () => {
      const read = parseOsloConfig(text);
      const [problem] = read.problems;
      expect(problem && messages[problem.kind]).to.equal(error?.message);
      if (!sections) return;
      const expected = new Map(
        Object.entries(sections).map(([name, keys]) => [name, new Map(Object.entries(keys))]),
      );
      expect(read.sections).to.deep.equal(expected);
    });
  }

  it('has the line of each problem', () => {
    expect(parseOsloConfig('[a]\nb = 1\nc\n[d\n = e\n').problems).to.deep.equal([
      { line: 3, kind: 'no separator' },
      { line: 4, kind: 'section without end' },
      { line: 5, kind: 'unexpected continuation' },
    ]);
  });

  it('names the line of a setting before the first section, not the line where it ends', () => {
    const { problems } = parseOsloConfig('# x\nb = 1\n 2\n 3\n[a]\n');
    expect(problems).to.deep.equal([{ line: 2, kind: 'setting before section' }]);
  });

  it('gives the last of several values, whatever the case of the section', () => {
    const { sections } = parseOsloConfig('[Health_Manager]\nkey = a\n[health_manager]\nkey = b\n');
    expect(osloValue(sections, 'HEALTH_MANAGER', 'key')).to.equal('b');
    expect(osloValue(sections, 'health_manager', 'Key')).to.equal(undefined);
  });
});
