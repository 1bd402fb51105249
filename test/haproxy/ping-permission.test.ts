import { expect } from 'chai';

import { permitPing, usesPing } from '../../src/haproxy/ping-permission.ts';
import type { Command } from '../../src/kit/exec.ts';
import { keepingLog } from '../support/keeping-log.ts';

describe('the permission of haproxy to ping', () => {
  /** @returns what was run, with its input */
  async function permit(range: string, { exitCode = 0 } = {}) {
    const commands: Pick<Command, 'argv' | 'input'>[] = [];
    const { log, lines } = keepingLog();
    await permitPing(
      (command) => {
        commands.push(command);
        const isRead = command.argv.includes('cat');
        return Promise.resolve({
          ...{ stdout: isRead ? range : '', stderr: isRead ? '' : 'Read-only file system' },
          exitCode: isRead ? 0 : exitCode,
        });
      },
      ['ip', 'netns', 'exec', 'amphora-haproxy'],
      log,
    );
    return { commands, warnings: lines.length };
  }

  it('is given to its group alone where nobody has it', async () => {
    const { commands, warnings } = await permit('1\t0\n');
    expect(commands.at(-1)?.argv.slice(0, 5).join(' ')).to.equal(
      'ip netns exec amphora-haproxy tee',
    );
    expect(commands.at(-1)?.input).to.equal('65534 65534\n');
    expect(warnings).to.equal(0);
  });

  it('stays where everybody has it', async () => {
    const { commands, warnings } = await permit('0\t2147483647\n');
    expect(commands.length).to.equal(1);
    expect(warnings).to.equal(0);
  });

  it('is not taken from those to whom somebody has given it', async () => {
    const { commands, warnings } = await permit('100\t200\n');
    expect(commands.length).to.equal(1);
    expect(warnings).to.equal(1);
  });

  it('is missed in the log where /proc/sys is read-only', async () => {
    expect((await permit('1\t0\n', { exitCode: 1 })).warnings).to.equal(1);
  });

  it('is needed by a configuration with external checks only', () => {
    expect(usesPing('backend b\n    option external-check\n')).to.equal(false);
    expect(usesPing('global\n    external-check\n')).to.equal(true);
  });
});
