import { expect } from 'chai';

import { makeStartAgent } from '../../../src/bin/hactl/node/start-agent.ts';
import type { Fault } from '../../../src/kit/fault.ts';
import { strictRun } from '../../support/strict-run.ts';

const unit = 'ha-amphora.service';
const done = (...argv: string[]) => ({ argv, exitCode: 0, stdout: '', stderr: '' });
const shown = (state: string) => ({
  ...done('systemctl', 'show', '--property=Id,LoadState,ActiveState,UnitFileState', unit),
  stdout: `Id=${unit}\nLoadState=loaded\nActiveState=${state}\nUnitFileState=enabled\n`,
});

describe('the start of ha-amphora after joining', () => {
  it('enables the service, and starts it again if it runs already', async () => {
    const { run, done: isDone } = strictRun(
      done('systemctl', 'enable', unit),
      done('systemctl', 'restart', unit),
      shown('active'),
    );
    await makeStartAgent(run)();
    isDone();
  });

  it('is a failure that names the journal if systemd cannot start it, or a condition prevents it', async () => {
    const failed = { ...done('systemctl', 'restart', unit), exitCode: 1, stderr: 'failed' };
    for (const calls of [[failed], [done('systemctl', 'restart', unit), shown('inactive')]]) {
      const { run } = strictRun(done('systemctl', 'enable', unit), ...calls);
      const fault = await makeStartAgent(run)().catch((error: unknown) => error as Fault);
      expect(fault).to.include({ code: 'service_failed' });
      expect((fault as Fault).message)
        .to.include('has joined')
        .and.include('journalctl');
    }
  });
});
