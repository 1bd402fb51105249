import { expect } from 'chai';
import sinon from 'sinon';

import { Fault } from '../../../src/kit/fault.ts';
import { exitCodes } from '../../../src/bin/hactl/exit-codes.ts';
import { failureOf, NotWell } from '../../../src/bin/hactl/failure.ts';

const systemError = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: what the system says, open`), { code, path });

describe('a failure of hactl', () => {
  for (const [code, exitCode, text] of [
    ['EACCES', 4, '/x'],
    ['EPERM', 4, '/x'],
    ['ENOSPC', 2, 'no room on the disk of /x'],
    ['EDQUOT', 2, 'no room on the disk of /x'],
    ['EROFS', 2, 'The disk of /x is read-only'],
    ['EIO', 2, 'The disk of /x fails'],
    ['ENOENT', 4, 'There is no /x'],
    ['ENOTDIR', 4, 'A part of the path /x'],
    ['EISDIR', 4, 'There is a folder at /x'],
    ['ERR_FS_EISDIR', 4, 'There is a folder at /x'],
    ['EEXIST', 4, 'There is something at /x'],
    ['ELOOP', 4, 'The links in the path /x'],
    ['ENAMETOOLONG', 4, 'The name /x is too long'],
    ['EBUSY', 4, 'Something else uses /x'],
    ['EMFILE', 2, 'Too many files'],
    ['ENFILE', 2, 'Too many files'],
    ['ENOMEM', 2, 'no memory'],
    ['EXDEV', 2, 'The system refused it (EXDEV: what the system says'],
  ] as const) {
    it(`by ${code} exits with ${exitCode} and one sentence that names the file`, () => {
      const failure = failureOf(systemError(code, '/x'));
      expect(failure.exitCode).to.equal(exitCode);
      expect(failure.text)
        .to.include(text)
        .and.to.match(/^[A-Z][^\n]*\.$/)
        .and.not.to.match(/\. [A-Z']/);
      expect(failureOf(systemError(code)).text).not.to.include('undefined');
    });
  }

  it('by EACCES tells a normal user to become root', () => {
    const getuid = sinon.stub(process, 'getuid').returns(65534);
    try {
      const text = 'Only root may use /x: run this command as root.';
      expect(failureOf(systemError('EACCES', '/x'))).to.deep.equal({ exitCode: 4, text });
      const ofSocket = Object.assign(systemError('EACCES'), { address: '/x' });
      expect(failureOf(ofSocket)).to.deep.equal({ exitCode: 4, text });
    } finally {
      getuid.restore();
    }
  });

  it('includes the message of a failed tool', () => {
    const command = { argv: ['x'], exitCode: 1, stderr: 'it is broken\n' };
    const fault = new Fault('tool_failed', 'x failed.', { command });
    expect(failureOf(fault)).to.deep.equal({ exitCode: 2, text: 'x failed.\nit is broken' });
  });

  it('by a bug says so, explains how to see more, and exits with 70', () => {
    for (const bug of [new TypeError('x is undefined'), systemError('ERR_INVALID_ARG_TYPE'), 'x']) {
      const { exitCode, text } = failureOf(bug);
      expect(exitCode).to.equal(70);
      expect(text).to.match(/^This is a bug of hactl: .*HACTL_DEBUG=1[^\n]*\.$/);
    }
  });

  it('exits with the exit code of its fault', () => {
    for (const [code, exitCode] of [
      ['tool_timeout', 3],
      ['token_exists', 4],
      ['node_not_forgotten', 5],
      ['invalid_request', 64],
      ['alphorn_not_running', 69],
    ] as const) {
      expect(failureOf(new Fault(code, 'No.')), code).to.deep.equal({ exitCode, text: 'No.' });
    }
  });

  it('by a finding exits with the exit code of the finding', () => {
    const failure = failureOf(new NotWell('warning', ['One.', 'Two.']));
    expect(failure).to.deep.equal({ exitCode: 1, text: 'One.\nTwo.' });
  });

  it('has a fixed exit code, because scripts depend on it', () => {
    expect(exitCodes).to.deep.equal({
      ok: 0,
      warning: 1,
      failing: 2,
      unknown: 3,
      refused: 4,
      unsettled: 5,
      usage: 64,
      unreachable: 69,
      bug: 70,
      outputClosed: 141,
    });
  });
});
