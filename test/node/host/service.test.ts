import { expect } from 'chai';

import type { Host } from '../../../src/kit/host.ts';
import { makeNodeService } from '../../../src/node/host/service.ts';

describe('the service of the keepalived of a node', () => {
  it('is enabled and disabled without another reading of all units, for which a POST would wait', async () => {
    const calls: string[] = [];
    const run: Host['run'] = ({ argv }) => {
      calls.push(argv.join(' '));
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
    };
    const service = makeNodeService({ run, changeDeadlineMs: 1000 } as unknown as Host);
    await service.enable();
    await service.enable();
    await service.stop();
    expect(calls).to.deep.equal([
      'systemctl enable --no-reload ha-keepalived.service',
      'systemctl disable --no-reload ha-keepalived.service',
      'systemctl stop ha-keepalived.service',
    ]);
  });
});
