import { banResource, clearResource } from '../../src/cluster/edits/catalogue/bans.ts';
import type { Suite } from '../lab/root.ts';
import type { Case } from './edits.ts';
import { startResource, stopResource } from '../../src/cluster/edits/catalogue/resource-states.ts';
import { addOrder, addOrderGroup } from '../../src/cluster/edits/catalogue/constraints/orders.ts';
import {
  addColocation,
  addColocationGroup,
} from '../../src/cluster/edits/catalogue/constraints/colocations.ts';
import type { SetOfResources } from '../../src/cluster/edits/catalogue/constraints/sets.ts';
import { addLocation } from '../../src/cluster/edits/catalogue/constraints/locations.ts';
import { addTicket } from '../../src/cluster/edits/catalogue/constraints/tickets.ts';
import { deleteConstraint } from '../../src/cluster/edits/catalogue/constraints/delete.ts';

const node = 'ae82a9a2';
const other = '5e7638bc';

type Options = Readonly<Record<string, string>>;
const valuesOf = (options: Options) =>
  Object.entries(options).map(([name, value]) => `${name}=${value}`);

/** An action and a resource, or a resource and its role. */
type Acting = readonly [action: string, resource: string];

function order(first: Acting, then: Acting, kind: string, options: Options = {}): Case {
  const acting = ([operation, resource]: Acting) => ({ operation, resource });
  return {
    what: `order ${[...first, ...then, kind, ...valuesOf(options)].join(' ')}`,
    ours: () => addOrder({ first: acting(first), then: acting(then), kind, options }),
    pcs: ['constraint', 'order', ...first, 'then', ...then, `kind=${kind}`, ...valuesOf(options)],
  };
}

function sets(
  type: 'order' | 'colocation',
  name: string,
  all: readonly SetOfResources[],
  options: Options,
): Case {
  const resourceSets = all.flatMap(({ resources, options: more = {} }) => [
    'set',
    ...resources,
    ...valuesOf(more),
  ]);
  const { score } = options;
  return {
    what: `${type} ${[...resourceSets, ...valuesOf(options)].join(' ')}`,
    ours: () =>
      type === 'order'
        ? addOrderGroup({ name, sets: all, options })
        : addColocationGroup({ name, sets: all, score }),
    pcs: ['constraint', type, ...resourceSets, 'setoptions', `id=${name}`, ...valuesOf(options)],
  };
}

function colocation(rsc: string, withRsc: string, score: string, roles?: Acting): Case {
  const [role, withRole] = roles ?? [];
  const options = roles && { 'rsc-role': roles[0], 'with-rsc-role': roles[1] };
  return {
    what: `colocate ${rsc} with ${withRsc} ${score} ${roles?.join(' ') ?? ''}`.trim(),
    ours: () => addColocation({ first: rsc, then: withRsc, score, options }),
    pcs: (suite) => [
      'constraint',
      'colocation',
      'add',
      ...(role ? [role] : []),
      rsc,
      'with',
      ...(withRole ? [withRole] : []),
      withRsc,
      suite === 'trixie' ? `score=${score}` : score,
    ],
  };
}

function location(resource: string, kind: 'prefers' | 'avoids', on: string, score: string): Case {
  return {
    what: `locate ${resource} ${kind} ${on} ${score}`,
    ours: () => addLocation({ resource, kind, locations: [on], score }),
    pcs: ['constraint', 'location', resource, kind, `${on}=${score}`],
  };
}

function ticket(name: string, resource: string, role?: string, lossPolicy?: string): Case {
  return {
    what: `ticket ${[name, resource, role, lossPolicy].filter(Boolean).join(' ')}`,
    ours: () => addTicket({ ticket: name, resource, role, lossPolicy }),
    pcs: [
      'constraint',
      'ticket',
      'add',
      name,
      ...(role ? [role] : []),
      resource,
      ...(lossPolicy ? [`loss-policy=${lossPolicy}`] : []),
    ],
  };
}

const withdraw = (id: string): Case => ({
  what: `delete constraint ${id}`,
  ours: () => deleteConstraint(id),
  pcs: ['constraint', 'delete', id],
});
const ban = (resource: string, on: string): Case => ({
  what: `ban ${resource} from ${on}`,
  ours: () => banResource(resource, on),
  pcs: ['resource', 'ban', resource, on],
});
const clear = (resource: string, on?: string): Case => ({
  what: `clear ${resource} ${on ?? ''}`.trim(),
  ours: () => clearResource(resource, on),
  pcs: ['resource', 'clear', resource, ...(on === undefined ? [] : [on])],
});
const stop = (resource: string): Case => ({
  what: `stop ${resource}`,
  ours: () => stopResource(resource),
  pcs: ['resource', 'disable', resource],
});
const start = (resource: string): Case => ({
  what: `start ${resource}`,
  ours: () => startResource(resource),
  pcs: ['resource', 'enable', resource],
});

/** A role by its name in the schema and pcs of a Debian. */
export function promoted(suite: Suite): string {
  return suite === 'bullseye' ? 'Master' : 'Promoted';
}

/** Edits of constraints. Each says the same as another one, its opposite, or something else. */
export function constraintEdits(suite: Suite): Case[] {
  const role = promoted(suite);
  return [
    order(['start', 'Bare'], ['start', 'Tagged'], 'Mandatory'),
    order(['start', 'Bare'], ['start', 'Tagged'], 'Optional'),
    order(['start', 'Bare'], ['start', 'Tagged'], 'Serialize'),
    order(['start', 'Bare'], ['start', 'Tagged'], 'Mandatory', { symmetrical: 'false' }),
    order(['start', 'Tagged'], ['start', 'Bare'], 'Mandatory'),
    order(['stop', 'Tagged'], ['stop', 'Bare'], 'Mandatory'),
    order(['start', 'Bare'], ['promote', 'C-clone'], 'Optional'),
    order(['start', 'Bare'], ['start', 'G'], 'Mandatory'),
    sets('order', 'os1', [{ resources: ['Bare', 'Tagged'] }], { kind: 'Mandatory' }),
    sets(
      ...(['order', 'os2'] as const),
      [
        { resources: ['Bare', 'Tagged'], options: { sequential: 'false', action: 'start' } },
        { resources: ['C-clone'], options: { 'require-all': 'false' } },
      ],
      { kind: 'Optional', symmetrical: 'true' },
    ),
    colocation('Bare', 'Tagged', 'INFINITY'),
    colocation('Bare', 'Tagged', '100'),
    colocation('Bare', 'Tagged', '-INFINITY'),
    colocation('Tagged', 'Bare', '-INFINITY'),
    colocation('Tagged', 'Bare', '5'),
    colocation('Bare', 'C-clone', '7', ['Started', role]),
    sets('colocation', 'cs1', [{ resources: ['Bare', 'Tagged', 'M'] }], { score: '5' }),
    sets(
      ...(['colocation', 'cs2'] as const),
      [{ resources: ['Bare'] }, { resources: ['Tagged'], options: { sequential: 'false' } }],
      { score: '-INFINITY' },
    ),
    location('Bare', 'prefers', node, '100'),
    location('Bare', 'prefers', node, '50'),
    location('Bare', 'avoids', node, 'INFINITY'),
    location('Bare', 'prefers', other, '1'),
    location('G', 'prefers', node, '7'),
    location('L', 'avoids', node, '3'),
    {
      what: 'locate M with an id, probed there alone',
      ours: () =>
        addLocation({
          name: 'own',
          resource: 'M',
          locations: [node],
          score: '4',
          discovery: 'exclusive',
        }),
      pcs: [
        'constraint',
        'location',
        'add',
        'own',
        'M',
        node,
        suite === 'trixie' ? 'score=4' : '4',
        'resource-discovery=exclusive',
      ],
    },
    ticket('T', 'Bare'),
    ticket('T', 'Bare', undefined, 'fence'),
    ticket('T', 'C-clone', role),
    ticket('T', 'Bare', undefined, 'stop'),
    ticket('U', 'Bare', undefined, 'freeze'),
    withdraw('o-set'),
    withdraw('l-G'),
    withdraw('t-L'),
    withdraw('c-set'),
    ban('Bare', node),
    ban('Bare', other),
    ban('G', node),
    stop('Bare'),
    stop('G'),
    stop('U-clone'),
  ];
}

/** Edits of constraints that other edits made. */
export const laterConstraintEdits: readonly Case[] = [
  clear('Bare'),
  clear('Bare', node),
  clear('G'),
  ban('New', node),
  clear('New'),
  location('New', 'avoids', node, '9'),
  colocation('New', 'G', '9'),
  order(['start', 'G'], ['start', 'New'], 'Mandatory'),
  ticket('T', 'New'),
  stop('New'),
  start('New'),
  start('Bare'),
  start('G'),
  start('U-clone'),
];
