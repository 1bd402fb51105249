import net from 'node:net';

import { expect } from 'chai';

import { listen } from '../../src/server/listen.ts';
import { keepingLog } from '../support/keeping-log.ts';

describe('a server that listens', () => {
  it('survives later errors, and logs each kind of error once a minute', async () => {
    const { log, lines } = keepingLog();
    const server = net.createServer();
    await listen(server, { port: 0, host: '127.0.0.1' }, 'here', log);
    try {
      for (const code of ['EMFILE', 'EMFILE', 'ENFILE']) {
        server.emit('error', Object.assign(new Error(`accept ${code}`), { code }));
      }
      expect(lines.map(({ level, code }) => [level, code])).to.deep.equal([
        ['error', 'EMFILE'],
        ['error', 'ENFILE'],
      ]);
      expect(server.listening).to.equal(true);
    } finally {
      server.close();
    }
  });
});
