import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import { execa } from 'execa';

import { temporaryFolder } from '../support/temporary-folder.ts';

interface Outcome {
  /** Free pages on the disk. */
  pages: number;
  keyed: boolean;
  outcome: [status: number, code?: string];
  isMade: boolean;
  /** Whether the inverse of the change is stored. */
  hasUndo: boolean;
  /** The answer to the same request with the same key, while the disk was still as full. */
  repeated: [status: number, code?: string];
  /** The statuses of a read and of a dry run. */
  reading: number;
  tried: number;
  left: string[];
  latest: string;
  /** The answer to the refused change, or to another change, once there was room. */
  again: [status: number];
  /** The answer of another agent to the same request with the same key. */
  afterwards: [status: number];
}

// Nobody else sees this mount, and it ends with the process.
const isRoot = process.getuid?.() === 0;
const unshare = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--mount'];

describe('an agent whose own disk is full', () => {
  const folder = temporaryFolder();
  let during: { isSame: boolean; recorded: string[]; next: string } | undefined;
  let outcomes: Outcome[] = [];

  beforeEach(async () => {
    if (outcomes.length > 0) return;
    const script = fileURLToPath(new URL('fill-agent-disk.ts', import.meta.url));
    const [file = '', ...args] = unshare;
    const { stdout } = await execa(
      file,
      [...args, process.execPath, '--import', 'tsx', script, folder.path],
      { timeout: 100_000 },
    );
    const [first = '', ...lines] = stdout.split('\n');
    during = JSON.parse(first) as typeof during;
    outcomes = lines.map((line) => JSON.parse(line) as Outcome);
  });

  const each = (check: (outcome: Outcome, what: string) => void) => () => {
    for (const outcome of outcomes) check(outcome, JSON.stringify(outcome));
  };

  it('refuses a change with 507, or makes it and reports success', () => {
    for (const { outcome, isMade } of outcomes)
      expect(outcome).to.deep.equal(isMade ? [200] : [507, 'no_space']);
    expect(outcomes.some(({ isMade }) => isMade)).to.equal(true);
    expect(outcomes.some(({ isMade }) => !isMade)).to.equal(true);
  });

  it(
    'repeats the answer of a change that was made, as does the next agent',
    each(({ outcome, isMade, repeated, afterwards }, what) => {
      expect(repeated, what).to.deep.equal(outcome);
      if (isMade) expect(afterwards, what).to.deep.equal([200]);
    }),
  );

  it('records the end of a change during which the disk became full, and stores its answer', () => {
    expect(during).to.deep.equal({
      isSame: true,
      recorded: ['success', 'success', 'success', 'success'],
      next: 'no_space',
    });
  });

  it(
    'has the inverse of each change that was made',
    each(({ isMade, hasUndo }, what) => {
      if (isMade) expect(hasUndo, what).to.equal(true);
    }),
  );

  it(
    'still serves reads and dry runs',
    each(({ reading, tried }, what) => {
      expect([reading, tried], what).to.deep.equal([200, 200]);
    }),
  );

  it(
    'keeps the recorded end of each change that was made',
    each(({ isMade, latest }, what) => {
      if (isMade) expect(latest, what).to.equal('success');
    }),
  );

  it(
    'leaves no partial file, and accepts changes once there is room',
    each(({ left, again }, what) => {
      expect(left, what).to.deep.equal([]);
      expect(again, what).to.deep.equal([200]);
    }),
  );
});
