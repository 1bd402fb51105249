import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { withMemberStates } from '../../../src/parsers/haproxy/member-states.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/haproxy/driver');
const load = (path: string) => readFileSync(join(fixtures, path), 'utf8');
const stateFile = '/var/lib/octavia/lb/servers-state';

describe('a haproxy.cfg of a driver that does not load the states of members', () => {
  for (const path of globSync('7.1.0/*.cfg', { cwd: fixtures })) {
    it(`loads them in each backend: ${path}`, () => {
      const text = load(path);
      const lines = withMemberStates(text, stateFile).split('\n');
      expect(lines.filter((line) => line.includes('server-state'))).to.have.length(
        1 + lines.filter((line) => line.startsWith('backend ')).length,
      );
      expect(lines[lines.indexOf('global') + 1]).to.equal(`    server-state-file ${stateFile}`);
      for (const [index, line] of lines.entries()) {
        if (!line.startsWith('backend ')) continue;
        expect(lines[index + 1]).to.equal('    load-server-state-from-file global');
      }
      const others = lines.filter((line) => !line.includes('server-state'));
      expect(others.join('\n')).to.equal(text);
    });
  }
});

describe('a haproxy.cfg of a driver that loads the states of members', () => {
  it('stays as it is', () => {
    const texts = globSync(['11.0.0/*.cfg', '16.0.0/*.cfg'], { cwd: fixtures }).map(load);
    const loading = texts.filter((text) => text.includes('server-state-file'));
    expect(loading).to.not.deep.equal([]);
    for (const text of loading) expect(withMemberStates(text, stateFile)).to.equal(text);
  });
});
