import { expect } from 'chai';
import fc from 'fast-check';

import {
  parseScores,
  parseTransition,
  type PlannedAction,
} from '../../src/parsers/crm-simulate.ts';

// Formats as rsc_action_default and node actions print them in Pacemaker 2.0 (libpe_status) and since
// 2.1 (libpacemaker, pcmk_output.c).
const lines: readonly [line: string, action: PlannedAction][] = [
  [
    '  * Start      ZFS     (             ae82a9a2 )',
    { action: 'start', resource: 'ZFS', node: 'ae82a9a2' },
  ],
  [' * Start      ZFS     ( ae82a9a2 )  ', { action: 'start', resource: 'ZFS', node: 'ae82a9a2' }],
  [
    '  * Stop       ZFS     ( ae82a9a2 )  due to node availability',
    { action: 'stop', resource: 'ZFS', node: 'ae82a9a2', detail: 'due to node availability' },
  ],
  [
    '  * Move       ZFS     ( 5e7638bc -> ae82a9a2 )',
    { action: 'move', resource: 'ZFS', node: 'ae82a9a2', from: '5e7638bc' },
  ],
  [
    '  * Restart    NFS     ( ae82a9a2 )  due to required ZFS start',
    { action: 'restart', resource: 'NFS', node: 'ae82a9a2', detail: 'due to required ZFS start' },
  ],
  [
    '  * Recover    NFS     ( 5e7638bc -> ae82a9a2 )',
    { action: 'recover', resource: 'NFS', node: 'ae82a9a2', from: '5e7638bc' },
  ],
  [
    '  * Promote    DB:0    ( Slave -> Master ae82a9a2 )',
    { action: 'promote', resource: 'DB:0', node: 'ae82a9a2', detail: 'Slave -> Master' },
  ],
  [
    '  * Promote    DB:1    ( Stopped -> Promoted ae82a9a2 )',
    { action: 'promote', resource: 'DB:1', node: 'ae82a9a2', detail: 'Stopped -> Promoted' },
  ],
  [
    '  * Demote     DB:0    ( Promoted -> Unpromoted 5e7638bc )',
    { action: 'demote', resource: 'DB:0', node: '5e7638bc', detail: 'Promoted -> Unpromoted' },
  ],
  [
    '  * Stop       DB:0    ( Promoted 5e7638bc )  due to node availability',
    {
      action: 'stop',
      resource: 'DB:0',
      node: '5e7638bc',
      detail: 'Promoted due to node availability',
    },
  ],
  [
    '  * Move       DB:0    ( Promoted 5e7638bc -> ae82a9a2 )',
    { action: 'move', resource: 'DB:0', node: 'ae82a9a2', from: '5e7638bc', detail: 'Promoted' },
  ],
  [
    "  * Fence (reboot) 5e7638bc 'peer is no longer part of the cluster'",
    { action: 'fence', node: '5e7638bc', detail: 'reboot: peer is no longer part of the cluster' },
  ],
  ['  * Fence (off) 5e7638bc', { action: 'fence', node: '5e7638bc', detail: 'off' }],
  ['  * Shutdown 5e7638bc', { action: 'shutdown', node: '5e7638bc' }],
  [
    '  * something that future ones say',
    { action: 'other', detail: 'something that future ones say' },
  ],
];

describe('parseTransition', () => {
  for (const [line, action] of lines) {
    it(`reads '${line.trim()}'`, () => {
      expect(parseTransition(`Transition Summary:\n${line}\n`)).to.deep.equal([action]);
    });
  }

  it('reads only the summary, to its end', () => {
    const text = [
      'Current cluster status:',
      '  * Online: [ ae82a9a2 ]',
      '',
      'Transition Summary:',
      '  * Start      A     ( ae82a9a2 )',
      '  * Stop       B     ( ae82a9a2 )',
      '',
      'Executing Cluster Transition:',
      '  * Resource action: A               start on ae82a9a2',
    ].join('\n');
    expect(parseTransition(text).map(({ resource }) => resource)).to.deep.equal(['A', 'B']);
  });

  it('returns nothing if there is nothing to do', () => {
    expect(parseTransition('Transition Summary:\n\nExecuting Cluster Transition:\n')).to.deep.equal(
      [],
    );
    expect(parseTransition('')).to.deep.equal([]);
  });

  it('keeps each line, whatever it contains', () => {
    const action = fc.stringMatching(/^[^\n*]{0,20}$/);
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const text = actions.map((each) => `  * ${each}\n`).join('');
        expect(parseTransition(`Transition Summary:\n${text}`)).to.have.lengthOf(actions.length);
      }),
    );
  });
});

describe('parseScores', () => {
  it('reads the scores of primitives as each generation prints them', () => {
    const text = [
      'Current cluster status:',
      ' ZFS\t(ocf::pacemaker:Dummy):\t Started 5e7638bc',
      // 2.0, 2.1, 3.0
      'pcmk__native_allocate: ZFS allocation score on 5e7638bc: 500',
      'pcmk__primitive_assign: SMB allocation score on ae82a9a2: -INFINITY',
      '  * pcmk__primitive_assign: A:1 allocation score on ae82a9a2: 0',
      'pcmk__group_assign: G allocation score on 5e7638bc: 0',
    ].join('\n');
    expect(parseScores(text)).to.deep.equal([
      { resource: 'ZFS', node: '5e7638bc', score: '500' },
      { resource: 'SMB', node: 'ae82a9a2', score: '-INFINITY' },
      { resource: 'A', node: 'ae82a9a2', score: '0' },
    ]);
  });
});
