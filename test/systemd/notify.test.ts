import { expect } from 'chai';

import type { Run } from '../../src/kit/exec.ts';
import { Fault } from '../../src/kit/fault.ts';
import { makeSystemdNotifier } from '../../src/systemd/notify.ts';
import { keepingLog } from '../support/keeping-log.ts';

describe('the systemd notifier', () => {
  /** @param outcomes an exit code or a fault for each of the first attempts; the others succeed */
  function bench(environment: NodeJS.ProcessEnv, outcomes: (number | Fault)[] = []) {
    const messages: string[] = [];
    const { log, lines } = keepingLog();
    const run: Run = ({ argv, env }) => {
      expect(env).to.deep.equal({ NOTIFY_SOCKET: '/run/notify' });
      messages.push(argv.join(' '));
      const outcome = outcomes[messages.length - 1] ?? 0;
      return typeof outcome === 'number'
        ? Promise.resolve({ exitCode: outcome, stdout: '', stderr: '' })
        : Promise.reject(outcome);
    };
    return { messages, lines, systemd: makeSystemdNotifier(run, environment, log, 1) };
  }
  const environment = { NOTIFY_SOCKET: '/run/notify' };

  it('sends nothing without systemd', async () => {
    const { messages, systemd } = bench({});
    await systemd.ready();
    await systemd.stopping();
    expect(messages).to.deep.equal([]);
  });

  it('sends when the service is ready and when it stops', async () => {
    const { messages, systemd } = bench(environment);
    await systemd.ready();
    await systemd.stopping();
    expect(messages).to.deep.equal(['systemd-notify READY=1', 'systemd-notify STOPPING=1']);
  });

  it('repeats that the service is ready until systemd has received it', async () => {
    const timeout = new Fault('tool_timeout', 'systemd-notify gave no answer.');
    const { messages, lines, systemd } = bench(environment, [1, timeout]);
    await systemd.ready();
    expect(messages).to.deep.equal(Array(3).fill('systemd-notify READY=1'));
    expect(lines.map(({ level, exitCode }) => [level, exitCode])).to.deep.equal([['warn', 1]]);
  });

  it('lets the service continue if systemd never receives its messages', async () => {
    const { messages, systemd } = bench(environment, Array<number>(61).fill(1));
    await systemd.ready();
    expect(messages).to.have.length(60);
    await systemd.stopping();
    expect(messages).to.have.length(61);
  });
});
