import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

const program = fileURLToPath(new URL('../support/one-service.ts', import.meta.url));

describe('a service', () => {
  function start(how: string) {
    const child = spawn(process.execPath, ['--import', 'tsx', program, how], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = Promise.all([text(child.stderr), once(child, 'close')]).then(
      ([stderr, [code]]: [string, unknown[]]) => ({ stderr, code }),
    );
    return { child, ended };
  }

  it('that cannot start prints the reason and the message of the tool, and exits with 1', async () => {
    const { child, ended } = start('fault');
    child.stdout.resume();
    expect(await ended).to.deep.equal({
      stderr: 'one-service: Cannot listen on *:1. Configure another port.\nwhat the tool says\n',
      code: 1,
    });
  });

  it('that cannot start because of a bug prints the stack, and exits with 1', async () => {
    const { child, ended } = start('bug');
    child.stdout.resume();
    const { stderr, code } = await ended;
    expect(stderr).to.match(/^one-service: TypeError: a bug\n {4}at /);
    expect(code).to.equal(1);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`tells systemd on ${signal} how long its stop may take, and waits for a running change`, async () => {
      const { child, ended } = start('run');
      const said = text(child.stdout);
      await once(child.stdout, 'readable');
      child.kill(signal);
      expect((await ended).code).to.equal(0);
      expect((await said).split('\n')).to.deep.equal([
        'ready',
        'stopping within 130000 ms',
        'a change ends',
        'a change has ended',
        '',
      ]);
    });
  }
});
