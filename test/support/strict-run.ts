import { expect } from 'chai';

import type { Run } from '../../src/kit/exec.ts';
import type { Recorded } from './fixtures.ts';

/** A runner that expects an exact list of calls, in order, and starts nothing. */
export interface StrictRun {
  run: Run;
  /** Fails unless exactly the expected calls were made. */
  done: () => void;
}

export function strictRun(...expected: readonly Recorded[]): StrictRun {
  const made: (readonly string[])[] = [];
  return {
    run: ({ argv }) => {
      const answer = expected[made.length];
      made.push(argv);
      if (answer === undefined || answer.argv.join('\0') !== argv.join('\0')) {
        return Promise.reject(new Error(`not expected: ${argv.join(' ')}`));
      }
      const { exitCode, stdout, stderr } = answer;
      return Promise.resolve({ exitCode, stdout, stderr });
    },
    done: () => {
      expect(made).to.deep.equal(expected.map(({ argv }) => argv));
    },
  };
}
