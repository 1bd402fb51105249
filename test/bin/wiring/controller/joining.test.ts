import { expect } from 'chai';

import { joiningOnRecord } from '../../../../src/bin/wiring/controller/joining.ts';
import type { AuditLog } from '../../../../src/changes/audit/audit.ts';
import type { JoinRequest } from '../../../../src/controller/nodes/join.ts';
import { Fault } from '../../../../src/kit/fault.ts';
import { keepingLog } from '../../../support/keeping-log.ts';

describe('a host that joins while the audit log cannot be written', () => {
  it('gets its certificate, and the journal has what the audit log lacks', async () => {
    const { log, lines } = keepingLog();
    const joined = { store: 's', id: 7, certificate: 'c', authority: 'a' };
    const record = () => Promise.reject(new Fault('no_space', 'The disk is full.'));
    const audit = { record } as unknown as AuditLog;
    const takeIn = joiningOnRecord(() => Promise.resolve(joined), audit, log);
    const request = { name: 'n1' } as JoinRequest;
    expect(await takeIn(request, '192.0.2.1')).to.equal(joined);
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors).to.have.length(1);
    expect(errors[0]?.['error']).to.include('The disk is full.');
  });
});
