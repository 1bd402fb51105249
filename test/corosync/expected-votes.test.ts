import { expect } from 'chai';

import { lowerExpectedVotes } from '../../src/corosync/expected-votes.ts';
import { noPaths } from '../support/app-bench.ts';

/** A corosync that reports these votes in successive readings, and the calls that it received. */
function corosync(...expected: readonly number[]) {
  const calls: string[] = [];
  let reading = 0;
  const host = {
    run: ({ argv }: { argv: readonly string[] }) => {
      calls.push(argv.slice(1).join(' '));
      const votes = expected[Math.min(reading, expected.length - 1)] ?? 0;
      if (argv[1] === '-s') reading += 1;
      const stdout = `Quorate: Yes\nExpected votes: ${votes}\n`;
      return Promise.resolve({ exitCode: 0, stdout, stderr: '' });
    },
    paths: noPaths,
    readDeadlineMs: 1000,
    changeDeadlineMs: 1000,
  };
  return { host, calls };
}

describe('lowerExpectedVotes', () => {
  it('does not change expected votes that are not too high', async () => {
    for (const votes of [2, 1]) {
      const { host, calls } = corosync(votes);
      expect(await lowerExpectedVotes(host, 2, 0)).to.equal(votes);
      expect(calls).to.deep.equal(['-s']);
    }
  });

  it('lowers expected votes until they stay low', async () => {
    const { host, calls } = corosync(4, 3, 2);
    expect(await lowerExpectedVotes(host, 2, 0)).to.equal(2);
    expect(calls).to.deep.equal(['-s', '-e 2', '-s', '-e 2', '-s']);
  });

  it('gives up after ten attempts, and returns the votes that remain', async () => {
    const { host, calls } = corosync(3);
    expect(await lowerExpectedVotes(host, 2, 0)).to.equal(3);
    expect(calls.filter((each) => each === '-e 2')).to.have.lengthOf(10);
  });
});
