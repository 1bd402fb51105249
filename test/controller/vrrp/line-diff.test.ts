import { expect } from 'chai';

import { diffOfLines } from '../../../src/controller/vrrp/line-diff.ts';

describe('the diff of two files', () => {
  it('is empty if they are the same', () => {
    expect(diffOfLines('a\nb\n', 'a\nb\n')).to.equal('');
  });

  it('has three lines around each difference', () => {
    const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].join('\n');
    expect(diffOfLines(before, before.replace('6', 'six'))).to.equal(
      '@@ -3 +3 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n',
    );
  });

  it('shows lines that come in between as added, and no other', () => {
    expect(diffOfLines('a\n}\n', 'a\nb\n}\n')).to.equal('@@ -1 +1 @@\n a\n+b\n }\n');
    expect(diffOfLines('', 'a\n')).to.equal('@@ -1 +1 @@\n+a\n');
  });

  it('shows a part that is too large to compare as removed and added', () => {
    const lines = (letter: string) =>
      Array.from({ length: 3000 }, (_, at) => `${letter}${at}`).join('\n');
    const diff = diffOfLines(lines('a'), lines('b')).split('\n');
    expect(diff).to.have.length(6002);
    expect([diff[1], diff[3001]]).to.deep.equal(['-a0', '+b0']);
  });
});
