import { expect } from 'chai';

import type { Suite } from '../lab/root.ts';
import { asking, type Bench } from './asking.ts';
import { type Canonical, canonical } from './canonical-cib.ts';

type Arguments = readonly string[];

interface Case {
  what: string;
  /** The change by HTTP. */
  request: readonly [method: string, path: string, body?: object];
  /** The arguments of pcs, whose syntax differs between the Debians. */
  pcs: (suite: Suite) => Arguments;
  /** Commands of pcs that prepare both. */
  prepare?: readonly Arguments[];
}

/** The other node of the topology, not the one that gets the requests. */
const other = '5e7638bc';
const levelDevice = 'failoverMeasure_ipmi_dolores_openlab_com';

const resource = (
  what: string,
  action: string,
  pcs: Arguments,
  prepare: readonly Arguments[],
): Case => ({
  what,
  request: ['POST', `resource/SMB/${action}`],
  pcs: () => pcs,
  prepare,
});

const disable = ['resource', 'disable', 'SMB'];
const standby = ['node', 'standby', other];
const maintenance = ['node', 'maintenance', other];
const addLevel = ['stonith', 'level', 'add', '5', other, levelDevice];

const cases: readonly Case[] = [
  resource('stops a resource', 'stop', disable, []),
  resource('starts a resource', 'start', ['resource', 'enable', 'SMB'], [disable]),
  {
    what: 'sets a node standby',
    request: ['POST', `node/${other}/standby`],
    pcs: () => standby,
  },
  {
    what: 'ends standby',
    request: ['POST', `node/${other}/online`],
    pcs: () => ['node', 'unstandby', other],
    prepare: [standby],
  },
  {
    what: 'sets a node into maintenance',
    request: ['POST', `node/${other}/maintenance`],
    pcs: () => maintenance,
  },
  {
    what: 'ends maintenance',
    request: ['POST', `node/${other}/unmaintenance`],
    pcs: () => ['node', 'unmaintenance', other],
    prepare: [maintenance],
  },
  {
    what: 'sets a property',
    request: ['PUT', 'property/batch-limit', { value: '17' }],
    pcs: () => ['property', 'set', 'batch-limit=17'],
  },
  {
    what: 'unsets a property',
    request: ['DELETE', 'property/batch-limit'],
    pcs: () => ['property', 'unset', 'batch-limit'],
    prepare: [['property', 'set', 'batch-limit=17']],
  },
  {
    what: 'adds a location',
    request: [
      'POST',
      'constraint/location',
      { name: 'here', resource: 'SMB', location: other, kind: 'prefers', score: '50' },
    ],
    pcs: (suite) => [
      'constraint',
      'location',
      'add',
      'here',
      'SMB',
      other,
      suite === 'trixie' ? 'score=50' : '50',
    ],
  },
  {
    what: 'adds an order',
    request: [
      'POST',
      'constraint/order',
      {
        name: 'then',
        kind: 'Optional',
        first: { operation: 'start', resource: 'SMB' },
        then: { operation: 'start', resource: 'NFS' },
      },
    ],
    pcs: () => [
      'constraint',
      'order',
      'start',
      'SMB',
      'then',
      'start',
      'NFS',
      'kind=Optional',
      'id=then',
    ],
  },
  {
    what: 'adds a colocation',
    request: [
      'POST',
      'constraint/colocation',
      { name: 'near', first: 'SMB', then: 'NFS', score: '50' },
    ],
    pcs: (suite) => [
      'constraint',
      'colocation',
      'add',
      'SMB',
      'with',
      'NFS',
      suite === 'trixie' ? 'score=50' : '50',
      'id=near',
    ],
  },
  {
    what: 'deletes a constraint',
    request: ['DELETE', 'constraint/startingSMB'],
    pcs: () => ['constraint', 'delete', 'startingSMB'],
  },
  {
    what: 'adds a fencing level',
    request: [
      'POST',
      'stonith/level/create',
      { level: 5, node_name: other, stonith_name: levelDevice },
    ],
    pcs: () => addLevel,
  },
  {
    what: 'removes a fencing level',
    request: ['DELETE', 'stonith/level/5', { node_name: other, stonith_name: levelDevice }],
    pcs: (suite) =>
      suite === 'bullseye'
        ? ['stonith', 'level', 'remove', '5', other, levelDevice]
        : ['stonith', 'level', 'remove', '5', 'target', other, 'stonith', levelDevice],
    prepare: [addLevel],
  },
];

/** Compares the CIB after changes by the agent and by pcs. */
export function describeOutcomes(bench: Bench): void {
  describe('compared with pcs', () => {
    const { node, change, configuration, restore } = asking(bench);
    const pcs = (args: Arguments) => node().run(['pcs', ...args]);
    let base = '';

    before(async () => {
      // In maintenance mode, the cluster does nothing after each change.
      await pcs(['property', 'set', 'maintenance-mode=true']);
      base = await configuration();
    });

    for (const { what, request, pcs: argumentsOn, prepare = [] } of cases) {
      it(`leave the same CIB when the agent ${what}`, async () => {
        const from = async () => {
          await restore(base);
          for (const each of prepare) await pcs(each);
          return meant(await configuration());
        };
        const before = await from();
        await change(...request);
        const byHttp = meant(await configuration());
        expect(byHttp).not.to.deep.equal(before);
        expect(await from()).to.deep.equal(before);
        await pcs(argumentsOn(bench().lab.suite));
        expect(byHttp).to.deep.equal(meant(await configuration()));
      });
    }
  });
}

/** The meaning of a configuration, without generated ids, which differ between the tools. */
function meant(xml: string): Canonical[] {
  return canonical(xml, { generatedIds: false });
}
