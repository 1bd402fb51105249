import { expect } from 'chai';

import type { DestinationStatus } from '../../../src/alphorn/sending/daemon-status.ts';
import type { ListedRestore, RestoreState } from '../../../src/alphorn/restoring/saved-restores.ts';
import { findingsOf, type JudgedStatus } from '../../../src/bin/hactl/alphorn/verdict.ts';

const destination = (state: string, detail?: string) =>
  ({
    destination: `${state}.example`,
    state,
    lastSuccess: null,
    lagMs: null,
    digest: null,
    bytes: null,
    lastError: detail === undefined ? null : { at: 'T', code: 'peer_refused', detail },
  }) as DestinationStatus;
const leftOut = { path: '/etc/x', why: 'It is a fifo.', essential: false, kept: false };
const liferaft = {
  generation: 1,
  digest: '',
  bytes: 1,
  madeAt: '',
  files: 1,
  whole: true,
  leftOut: [],
  leftOutMore: 0,
};
const well = {
  running: true,
  enabled: true,
  interval: 1000,
  host: null,
  liferaft,
  error: null,
  destinations: [destination('synced'), destination('self')],
} satisfies JudgedStatus;
const restore = (state: RestoreState): ListedRestore => ({
  id: '1',
  state,
  folder: '/x',
  problem: 'Undo it.',
});

describe('the verdict on Alphorn', () => {
  const levelsOf = (status: object) => findingsOf({ ...well, ...status }).map(({ level }) => level);

  it('is well when every destination has the current liferaft', () => {
    expect(findingsOf(well)).to.deep.equal([]);
  });

  for (const [what, status, level] of [
    ['sending is not enabled', { enabled: false, destinations: [] }, 'warning'],
    [
      'the sender does not run here, and is not enabled',
      { running: false, enabled: false, liferaft: null, destinations: [] },
      'warning',
    ],
    [
      'the sender does not run here, but is enabled',
      { running: false, liferaft: null, destinations: [] },
      'unknown',
    ],
    ['there is no destination', { destinations: [] }, 'warning'],
    ['a path is left out', { liferaft: { ...liferaft, leftOut: [leftOut] } }, 'warning'],
    ['a destination is pending', { destinations: [destination('pending')] }, 'warning'],
    ['a destination fails', { destinations: [destination('failing', 'No.')] }, 'failing'],
    [
      'a destination fails and does not say why',
      { destinations: [destination('failing')] },
      'failing',
    ],
    [
      'the liferaft at a destination is not whole',
      { destinations: [destination('lacking')] },
      'failing',
    ],
    [
      'a destination is in a state of a later version',
      { destinations: [destination('new')] },
      'unknown',
    ],
    [
      'something essential is lacking, or the host was cloned',
      { error: { code: 'liferaft_lacking', detail: 'It lacks /etc/passwd.' } },
      'failing',
    ],
    [
      'a restore was killed half way',
      { unfinishedRestores: [restore('half_restored')] },
      'failing',
    ],
    ['an undo was killed half way', { unfinishedRestores: [restore('half_undone')] }, 'failing'],
    ['a journal of a restore is damaged', { unfinishedRestores: [restore('damaged')] }, 'failing'],
    ['a restore is under way', { unfinishedRestores: [restore('under_way')] }, 'warning'],
    ['a restore was undone in part', { unfinishedRestores: [restore('partly_undone')] }, 'warning'],
  ] as const) {
    it(`is ${level} when ${what}`, () => {
      const [first, ...more] = findingsOf({ ...well, ...status });
      expect(more).to.deep.equal([]);
      expect(first?.level).to.equal(level);
      expect(first?.text).to.match(/\.$/);
    });
  }

  it('names failures before unknown states, and those before warnings', () => {
    const states = ['pending', 'new', 'failing', 'synced'].map((state) =>
      destination(state, 'No.'),
    );
    expect(levelsOf({ destinations: states })).to.deep.equal(['failing', 'unknown', 'warning']);
  });

  it('includes the reason why a destination fails', () => {
    const [finding] = findingsOf({
      ...well,
      destinations: [destination('failing', 'No.\nNever.')],
    });
    expect(finding?.text).to.equal('failing.example is failing: No.\nNever.');
  });
});
