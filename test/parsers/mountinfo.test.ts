import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { parseMountinfo } from '../../src/parsers/mountinfo.ts';

describe('the list of mounts', () => {
  it('has the path and type of each mount, whatever is between the two', () => {
    // The example in proc_pid_mountinfo(5), and one without optional fields.
    const text =
      '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n' +
      '40 35 0:50 / /srv/a\\040b\\134c rw - nfs4 server:/export rw,hard\n';
    expect(parseMountinfo(text)).to.deep.equal([
      { path: '/mnt2', type: 'ext3' },
      { path: '/srv/a b\\c', type: 'nfs4' },
    ]);
  });

  it('has only the last of several mounts at one path', () => {
    const text = '1 0 0:1 / /a rw - autofs x rw\n2 0 0:2 / /a rw - nfs4 s:/ rw\n';
    expect(parseMountinfo(text)).to.deep.equal([{ path: '/a', type: 'nfs4' }]);
  });

  it('agrees with findmnt on this host', () => {
    const printed = execFileSync('findmnt', ['--raw', '--noheadings', '--output', 'TARGET,FSTYPE']);
    const expected = new Map(
      printed
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );
    const read = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
    expect(new Map(read.map(({ path, type }) => [path, type]))).to.deep.equal(expected);
  });

  it('is empty for any other text', () => {
    expect(parseMountinfo('')).to.deep.equal([]);
    expect(parseMountinfo('a b c\n- - -\n1 2 3 4 /x rw')).to.deep.equal([]);
  });
});
