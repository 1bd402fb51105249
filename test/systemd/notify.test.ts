import { expect } from 'chai';
import sinon from 'sinon';

import type { Run } from '../../src/exec.ts';
import { makeSystemdNotifier } from '../../src/systemd/notify.ts';
import { keepingLog } from '../support/keeping-log.ts';

describe('the systemd notifier', () => {
  afterEach(() => {
    sinon.restore();
  });

  function bench(environment: NodeJS.ProcessEnv) {
    const messages: string[] = [];
    const run: Run = ({ argv, env }) => {
      expect(env).to.deep.equal({ NOTIFY_SOCKET: '/run/notify' });
      messages.push(argv.join(' '));
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
    };
    return { messages, systemd: makeSystemdNotifier(run, environment, keepingLog().log) };
  }

  it('says nothing where there is no systemd', async () => {
    const { messages, systemd } = bench({});
    await systemd.ready();
    await systemd.stopping();
    expect(messages).to.deep.equal([]);
  });

  it('gives a sign of life twice in each interval of the watchdog, until it stops', async () => {
    const clock = sinon.useFakeTimers();
    const { messages, systemd } = bench({
      NOTIFY_SOCKET: '/run/notify',
      WATCHDOG_USEC: '30000000',
    });
    await systemd.ready();
    await clock.tickAsync(31_000);
    await systemd.stopping();
    await clock.tickAsync(60_000);
    expect(messages).to.deep.equal([
      'systemd-notify READY=1',
      'systemd-notify WATCHDOG=1',
      'systemd-notify WATCHDOG=1',
      'systemd-notify STOPPING=1',
    ]);
  });
});
