import { readFile } from 'node:fs/promises';

import { expect } from 'chai';
import sinon from 'sinon';

import { Fault } from '../../src/errors.ts';
import { failureOf } from '../../src/hactl/failure.ts';

const systemError = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: what the system says, open`), { code, path });

describe('a failure of hactl', () => {
  for (const [code, text] of [
    ['EACCES', '/x'],
    ['EPERM', '/x'],
    ['ENOSPC', 'no room on the disk of /x'],
    ['EDQUOT', 'no room on the disk of /x'],
    ['EROFS', 'The disk of /x is read-only'],
    ['EIO', 'The disk of /x fails'],
    ['ENOENT', 'There is no /x'],
    ['ENOTDIR', 'On the way to /x'],
    ['EISDIR', 'There is a folder at /x'],
    ['ERR_FS_EISDIR', 'There is a folder at /x'],
    ['EEXIST', 'There is something at /x'],
    ['ELOOP', 'The links on the way to /x'],
    ['ENAMETOOLONG', 'The name /x is too long'],
    ['EBUSY', 'Something else uses /x'],
    ['EMFILE', 'Too many files'],
    ['ENFILE', 'Too many files'],
    ['ENOMEM', 'no memory'],
    ['EXDEV', 'The system refused it: EXDEV: what the system says'],
  ] as const) {
    it(`by ${code} is a sentence that names the file, and 1`, () => {
      const failure = failureOf(systemError(code, '/x'));
      expect(failure.exitCode).to.equal(1);
      expect(failure.text)
        .to.include(text)
        .and.to.match(/^[A-Z][^\n]*\.$/);
      expect(failureOf(systemError(code)).text).not.to.include('undefined');
    });
  }

  it('of who is not root says to be root', () => {
    const getuid = sinon.stub(process, 'getuid').returns(65534);
    try {
      const text = 'Only root may use /x. Run it as root.';
      expect(failureOf(systemError('EACCES', '/x'))).to.deep.equal({ exitCode: 1, text });
    } finally {
      getuid.restore();
    }
  });

  it('has what the tool said that failed', () => {
    const command = { argv: ['x'], exitCode: 1, stderr: 'it is broken\n' };
    const fault = new Fault('tool_failed', 'x failed.', { command });
    expect(failureOf(fault)).to.deep.equal({ exitCode: 1, text: 'x failed.\nit is broken' });
  });

  it('that is a bug says so, and how to see more, and is 70', () => {
    for (const bug of [new TypeError('x is undefined'), systemError('ERR_INVALID_ARG_TYPE'), 'x']) {
      const { exitCode, text } = failureOf(bug);
      expect(exitCode).to.equal(70);
      expect(text).to.match(/^This is a bug of hactl: .*HACTL_DEBUG=1[^\n]*\.$/);
    }
  });

  it('has an exit code that the manual page explains', async () => {
    const page = await readFile('packaging/man/hactl.8', 'utf8');
    const status = page.slice(page.indexOf('.SH EXIT STATUS'), page.indexOf('.SH EXAMPLES'));
    for (const code of [0, 1, 2, 70, 141])
      expect(status).to.match(new RegExp(`^\\.B ${code}$`, 'm'));
  });
});
