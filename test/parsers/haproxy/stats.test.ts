import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  isServersState,
  makeStatsReader,
  parseInfo,
  parseStats,
} from '../../../src/parsers/haproxy/stats.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/haproxy/stats');

for (const version of ['2.2.9', '2.6.12', '3.0.11']) {
  const load = (name: string) => readFileSync(join(fixtures, version, `${name}.txt`), 'utf8');

  describe(`the stats socket of haproxy ${version}`, () => {
    it('shows frontends with their counters', () => {
      const { frontends } = parseStats(load('all'));
      expect(frontends.map(({ name, status }) => [name, status])).to.deep.equal([
        ['target', 'OPEN'],
        ['a_listener-1', 'OPEN'],
      ]);
      const target = frontends[0];
      expect(target?.totalConnections).to.be.at.least(1);
      expect(target?.bytesIn).to.be.above(0);
      expect(target?.bytesOut).to.be.above(0);
      expect(frontends[1]).to.include({ connections: 0, totalConnections: 0, requestErrors: 0 });
    });

    it('shows the state of each server as drivers name it', () => {
      expect(parseStats(load('all')).backends).to.deep.equal([
        {
          name: 'pool-a:target',
          status: 'UP',
          servers: [
            { name: 'unchecked', status: 'no check' },
            { name: 'unchecked-drained', status: 'no check' },
          ],
        },
        {
          name: 'pool-b:a_listener-1',
          status: 'UP',
          servers: [
            { name: 'up', status: 'UP' },
            { name: 'up-drained', status: 'DRAIN' },
            { name: 'down', status: 'DOWN' },
            { name: 'disabled', status: 'MAINT' },
            { name: 'backup', status: 'UP' },
            { name: 'falling', status: 'DOWN' },
            { name: 'set-to-drain', status: 'DRAIN' },
          ],
        },
        {
          name: 'pool-c:a_listener-1',
          status: 'DOWN',
          servers: [{ name: 'down', status: 'DOWN' }],
        },
        { name: 'pool-d:a_listener-1', status: 'UP', servers: [] },
      ]);
    });

    it('shows the same in pieces of any size', () => {
      const csv = load('all');
      for (const size of [1, 7, 100, 1000]) {
        const reader = makeStatsReader();
        for (let at = 0; at < csv.length; at += size) reader.add(csv.slice(at, at + size));
        expect(reader.stats(), `${size}`).to.deep.equal(parseStats(csv));
      }
    });

    it('shows a part as it shows the whole', () => {
      const { frontends, backends } = parseStats(load('all'));
      expect(parseStats(load('frontends'))).to.deep.equal({ frontends, backends: [] });
      expect(parseStats(load('backends-and-servers'))).to.deep.equal({ frontends: [], backends });
    });

    it('shows what the process is', () => {
      const info = parseInfo(load('info'));
      expect(info.get('Version')).to.match(new RegExp(`^${version.replaceAll('.', '\\.')}`));
      expect(info.get('Pid')).to.match(/^\d+$/);
      expect(info.get('Maxconn')).to.equal('100');
    });

    it('shows the states of servers whole, which a cut text is not', () => {
      const state = load('servers-state');
      expect(isServersState(state)).to.equal(true);
      expect(isServersState(state.slice(0, -20))).to.equal(false);
      expect(isServersState(`${state.trimEnd()} a\n`)).to.equal(false);
      expect(isServersState('')).to.equal(false);
      expect(isServersState('Permission denied\n')).to.equal(false);
    });
  });
}

describe('a server of the statistics', () => {
  const statusOf = (status: string, weight = '1') =>
    parseStats(
      `# pxname,svname,status,weight,type,\nb,s,${status},${weight},2,\nb,BACKEND,UP,1,1,\n`,
    ).backends[0]?.servers[0]?.status;

  // What needs a moment that no recording catches.
  it('falls and is still up, or rises and is still down', () => {
    expect(statusOf('UP 1/3')).to.equal('UP');
    expect(statusOf('UP 1/3', '0')).to.equal('DRAIN');
    expect(statusOf('DOWN 1/2')).to.equal('DOWN');
    expect(statusOf('MAINT (via a/b)')).to.equal('MAINT');
    expect(statusOf('NOLB 1/2')).to.equal('DRAIN');
  });
});
