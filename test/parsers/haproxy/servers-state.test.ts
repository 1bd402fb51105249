import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { statesForReload } from '../../../src/parsers/haproxy/servers-state.ts';
import { isServersState } from '../../../src/parsers/haproxy/stats.ts';

const header =
  '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight';
const row = (operation: number, administration: number, weight: number, ofFile: number) =>
  `3 pool:listener 1 member 10.0.0.1 ${operation} ${administration} ${weight} ${ofFile} 12 6 3 4 6 0 0 0 - 80 -`;

describe('the states of servers for the process that a reload starts', () => {
  for (const [what, given, expected] of [
    ['keep a server down that is down', row(0, 0, 1, 1), row(0, 0, 1, 1)],
    ['have the weight of the file', row(2, 0, 9, 3), row(2, 0, 3, 3)],
    ['leave maintenance by a command to the file', row(0, 1, 1, 1), row(2, 0, 1, 1)],
    ['leave maintenance by the file to the next one', row(0, 5, 1, 1), row(2, 0, 1, 1)],
    ['leave draining by a command to the file', row(2, 8, 1, 1), row(2, 0, 1, 1)],
  ] as const) {
    it(what, () => {
      expect(statesForReload(`1\n${header}\n${given}\n`)).to.equal(`1\n${header}\n${expected}\n`);
    });
  }

  for (const version of ['2.2.9', '2.6.12', '3.0.11']) {
    it(`are of the form of haproxy ${version}, with as many rows`, () => {
      const file = join(
        import.meta.dirname,
        '../../fixtures/haproxy/stats',
        version,
        'servers-state.txt',
      );
      const printed = readFileSync(file, 'utf8');
      const states = statesForReload(printed);
      expect(isServersState(states)).to.equal(isServersState(printed));
      expect(states.split('\n')).to.have.length(printed.split('\n').length);
      const administrations = states
        .split('\n')
        .slice(2)
        .flatMap((each) => each.split(' ')[6] ?? []);
      expect(new Set(administrations)).to.deep.equal(new Set(['0']));
    });
  }
});
