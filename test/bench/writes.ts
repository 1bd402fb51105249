import https from 'node:https';

import type { Suite } from '../lab/root.ts';
import { ask, type Bench, type Findings } from './subject.ts';
import { median, ms, timed, timedInside } from './timing.ts';

/** How often each change is measured; more often if a bar is narrow. */
const rounds = { plain: 5, others: 3 } as const;
/** For changes that Pacemaker's own tools can make as well, without starting Python. */
const minSpeedup = 4;
/** For all changes. */
const maxRatio = 1.1;

/** A change by the API and by pcs. */
interface Change {
  what: string;
  method?: 'GET' | 'POST';
  route: string;
  body?: object;
  pcs: readonly [string, ...string[]];
  /** Whether Pacemaker's own tools can make the change as well. */
  plain?: boolean;
}

/** A change and the one that undoes it. */
type DoAndUndo = readonly [Change, Change];

/** The changes to measure, on a cluster in the storage topology. */
function changesOf(suite: Suite, active: string, passive: string): DoAndUndo[] {
  const since012 = suite === 'trixie';
  const score = since012 ? 'score=10' : '10';
  const device = 'failoverMeasure_ipmi_bitcoin';
  const level = { level: 5, node_name: active, stonith_name: device };
  const removeLevel =
    suite === 'bullseye' ? ['5', active, device] : ['5', 'target', active, 'stonith', device];
  return [
    [
      {
        ...post('property/batch-limit/set', { value: '5' }),
        what: 'property set',
        pcs: ['property', 'set', 'batch-limit=5'],
        plain: true,
      },
      {
        ...get('property/batch-limit/delete'),
        what: 'property unset',
        pcs: ['property', 'set', 'batch-limit='],
        plain: true,
      },
    ],
    [
      {
        ...get(`node/${passive}/standby`),
        what: 'standby',
        pcs: ['node', 'standby', passive],
        plain: true,
      },
      {
        ...get(`node/${passive}/online`),
        what: 'end of standby',
        pcs: ['node', 'unstandby', passive],
        plain: true,
      },
    ],
    [
      {
        ...get(`node/${passive}/maintenance`),
        what: 'maintenance',
        pcs: ['node', 'maintenance', passive],
        plain: true,
      },
      {
        ...get(`node/${passive}/unmaintenance`),
        what: 'end of maintenance',
        pcs: ['node', 'unmaintenance', passive],
        plain: true,
      },
    ],
    [
      {
        ...get('resource/SMB/stop'),
        what: 'resource stop',
        pcs: ['resource', 'disable', 'SMB'],
        plain: true,
      },
      {
        ...get('resource/SMB/start'),
        what: 'resource start',
        pcs: ['resource', 'enable', 'SMB'],
        plain: true,
      },
    ],
    [
      {
        ...get('resource/NFS/cleanup'),
        what: 'cleanup',
        pcs: ['resource', 'cleanup', 'NFS'],
        plain: true,
      },
      {
        ...get('resource/SMB/cleanup'),
        what: 'cleanup of another',
        pcs: ['resource', 'cleanup', 'SMB'],
        plain: true,
      },
    ],
    [
      {
        ...post('constraint/location', { resource: 'SMB', score: '10', location: active }),
        what: 'location',
        pcs: ['constraint', 'location', 'SMB', 'prefers', `${active}=10`],
      },
      {
        ...post(`constraint/location-SMB-${active}-10/delete`),
        what: 'deleting a location',
        pcs: ['constraint', 'remove', `location-SMB-${active}-10`],
        plain: true,
      },
    ],
    [
      {
        ...post('constraint/order', {
          name: 'bench',
          first: { resource: 'ZFS' },
          then: { resource: 'Alphorn' },
        }),
        what: 'order',
        pcs: ['constraint', 'order', 'ZFS', 'then', 'Alphorn', 'id=bench'],
      },
      {
        ...post('constraint/bench/delete'),
        what: 'deleting an order',
        pcs: ['constraint', 'remove', 'bench'],
        plain: true,
      },
    ],
    [
      {
        ...post('constraint/colocation', { name: 'bench', first: 'NFS', then: 'SMB', score: '10' }),
        what: 'colocation',
        pcs: ['constraint', 'colocation', 'add', 'NFS', 'with', 'SMB', score, 'id=bench'],
      },
      {
        ...post('constraint/bench/delete'),
        what: 'deleting a colocation',
        pcs: ['constraint', 'remove', 'bench'],
        plain: true,
      },
    ],
    [
      {
        ...post('stonith/level/create', level),
        what: 'fencing level',
        pcs: ['stonith', 'level', 'add', '5', active, device],
      },
      {
        ...post('stonith/level/5/delete', level),
        what: 'deleting a fencing level',
        pcs: ['stonith', 'level', 'remove', ...removeLevel],
      },
    ],
    [
      {
        ...post('resource/SMB/ban', { node: passive }),
        what: 'ban',
        pcs: ['resource', 'ban', 'SMB', passive],
      },
      { ...post('resource/SMB/clear'), what: 'clear', pcs: ['resource', 'clear', 'SMB'] },
    ],
    [
      { ...post('resource/SMB/unmanage'), what: 'unmanage', pcs: ['resource', 'unmanage', 'SMB'] },
      { ...post('resource/SMB/manage'), what: 'manage', pcs: ['resource', 'manage', 'SMB'] },
    ],
    [
      {
        ...post('resource', {
          name: 'bench',
          resource_agent: 'ocf:pacemaker:Dummy',
          operations: { interval: '30s' },
        }),
        what: 'resource create',
        pcs: [
          'resource',
          'create',
          'bench',
          'ocf:pacemaker:Dummy',
          'op',
          'monitor',
          'interval=30s',
        ],
      },
      {
        ...get('resource/bench/delete'),
        what: 'resource delete',
        pcs: ['resource', 'delete', 'bench'],
      },
    ],
    [
      {
        ...post('resource/SMB/update', { params: { fake: 'bench' } }),
        what: 'resource update',
        pcs: ['resource', 'update', 'SMB', 'fake=bench'],
      },
      {
        ...post('resource/SMB/update', { params: { fake: '' } }),
        what: 'resource update back',
        pcs: ['resource', 'update', 'SMB', 'fake='],
      },
    ],
    [
      {
        ...post('resource/group/set', { groupName: 'bench', resources: ['Alphorn'] }),
        what: 'group',
        pcs: ['resource', 'group', 'add', 'bench', 'Alphorn'],
      },
      {
        ...post('resource/group/remove', { groupName: 'bench', resources: ['Alphorn'] }),
        what: 'out of the group',
        pcs: ['resource', 'ungroup', 'bench'],
      },
    ],
    [
      {
        ...post('stonith/create', {
          name: 'bench',
          agent: 'fence_lab',
          params: { pcmk_host_list: passive },
        }),
        what: 'stonith create',
        pcs: ['stonith', 'create', 'bench', 'fence_lab', `pcmk_host_list=${passive}`],
      },
      {
        ...post('stonith/bench/delete'),
        what: 'stonith delete',
        pcs: ['stonith', 'delete', 'bench'],
      },
    ],
  ];
}

function get(route: string): Pick<Change, 'method' | 'route'> {
  return { method: 'GET', route };
}

function post(route: string, body: object = {}): Pick<Change, 'method' | 'route' | 'body'> {
  return { method: 'POST', route, body };
}

/** Each change and the command of pcs that does the same; they alternate, each from the same state of the cluster. */
export async function measureWrites(bench: Bench): Promise<Findings> {
  const { node } = bench;
  const { resources } = await node.cluster();
  const active = resources.find(({ id }) => id === 'ZFS')?.node ?? '';
  const passive = active === 'ae82a9a2' ? '5e7638bc' : 'ae82a9a2';
  const agent = new https.Agent({ keepAlive: true });
  // A busy cluster would take CPU time from the measurement.
  const settle = () => node.run(['crm_resource', '--wait', '--timeout=60'], { deadlineMs: 70_000 });
  const rows: { change: Change; ours: number; theirs: number }[] = [];
  for (const pair of changesOf(bench.suite, active, passive)) {
    const taken = pair.map((change) => ({ change, ours: [] as number[], theirs: [] as number[] }));
    const times = pair.some(({ plain }) => plain) ? rounds.plain : rounds.others;
    for (let round = 0; round < times; round += 1) {
      for (const { change, ours } of taken) {
        ours.push(await timed(() => ask(bench, change, agent)));
        await settle();
      }
      for (const { change, theirs } of taken) {
        theirs.push((await timedInside(node, ['pcs', ...change.pcs])) ?? NaN);
        await settle();
      }
    }
    for (const { change, ours, theirs } of taken) {
      rows.push({ change, ours: median(ours), theirs: median(theirs) });
    }
  }
  agent.destroy();

  const plain = rows.filter(({ change }) => change.plain);
  const smallestGain = Math.min(...plain.map(({ ours, theirs }) => theirs / ours));
  const largestRatio = Math.max(...rows.map(({ ours, theirs }) => ours / theirs));
  const named = (value: number, of: (row: (typeof rows)[number]) => number) =>
    rows.find((row) => of(row) === value)?.change.what ?? '';
  return {
    figures: [
      {
        what: `simple changes, which Pacemaker's own tools make too, compared with pcs (medians of ${rounds.plain} pairs): the smallest gain of ${plain.length}`,
        measured: `${smallestGain.toFixed(1)} times faster (${named(smallestGain, ({ ours, theirs }) => theirs / ours)})`,
        bar: `at least ${minSpeedup} times`,
        held: smallestGain >= minSpeedup,
      },
      {
        what: `all changes, compared with pcs: the slowest of ${rows.length}`,
        measured: `${largestRatio.toFixed(2)} of its time (${named(largestRatio, ({ ours, theirs }) => ours / theirs)})`,
        bar: `at most ${maxRatio}`,
        held: largestRatio <= maxRatio,
      },
    ],
    table: [
      '| Change | agent | pcs | pcs / agent |',
      '|---|---|---|---|',
      ...rows.map(
        ({ change, ours, theirs }) =>
          `| ${change.what} \`${change.method ?? 'GET'} ${change.route}\` | ${ms(ours)} | ${ms(theirs)} \`pcs ${change.pcs.join(' ')}\` | ${(theirs / ours).toFixed(1)} |`,
      ),
    ],
  };
}
