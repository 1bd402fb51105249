import { Fault, type FaultCode } from '../../src/kit/fault.ts';
import { ofChanges, ofCluster, ofTools } from '../../src/routes/common/codes.ts';
import { ofCibChanges, ofClusterChanges } from '../../src/routes/ha/codes.ts';
import { codesOf } from '../../src/server/table/codes.ts';
import type { Family } from '../../src/server/table/family.ts';
import { code, table } from './markdown.ts';
import type { Route } from './routes.ts';

/** Codes that many routes have together, the larger sets first, by what a route's list says instead of them. */
const sets: readonly (readonly [name: string, codes: readonly FaultCode[]])[] = [
  ['of a change of the CIB', ofCibChanges],
  ['of a change of the cluster', ofClusterChanges],
  ['of a change', ofChanges],
  ['of the cluster', ofCluster],
  ['of a tool', ofTools],
];

/** Writes the codes of the routes of a family, each as briefly as can be. */
export interface CodesTexts {
  /** What stands before the routes: the codes of all, and those that are named together. */
  intro: () => string[];
  /** The other codes of a route; undefined if there are none. */
  text: (route: Route) => string | undefined;
}

export function makeCodesTexts(family: Family, routes: readonly Route[]): CodesTexts {
  const ofAll = routes.map(codesIn);
  const common = (ofAll[0] ?? []).filter((each) => ofAll.every((codes) => codes.includes(each)));
  const used = new Set<string>();
  const texts = new Map(routes.map((route) => [route, textOf(route)]));

  function textOf(route: Route): string | undefined {
    let left = codesIn(route).filter((each) => !common.includes(each));
    const named = sets.flatMap(([name, codes]) => {
      if (!codes.every((each) => left.includes(each))) return [];
      left = left.filter((each) => !codes.includes(each));
      used.add(name);
      return [`those ${name}`];
    });
    const all = [...named, ...(left.length > 0 ? [byStatus(family, left)] : [])];
    return all.length === 0 ? undefined : all.join('; ');
  }

  return {
    intro: () => [
      ...(common.length > 0 ? [`Any route may answer ${byStatus(family, common)}.`] : []),
      ...(used.size === 0
        ? []
        : [
            table(
              ['Errors', 'Codes'],
              sets
                .filter(([name]) => used.has(name))
                .map(([name, codes]) => [
                  `those ${name}`,
                  byStatus(
                    family,
                    codes.filter((each) => !common.includes(each)),
                  ),
                ]),
            ),
          ]),
    ],
    text: (route) => texts.get(route),
  };
}

function codesIn({ family, rows }: Route): FaultCode[] {
  const all = rows.flatMap((each) =>
    each.methods.flatMap((method) => codesOf(family, each, method)),
  );
  return [...new Set(all)];
}

/** Such as `400 invalid_request; 503 overloaded, stopping`. */
function byStatus({ answerFault }: Family, codes: readonly FaultCode[]): string {
  const found = new Map<number, string[]>();
  for (const each of codes) {
    const { status } = answerFault(new Fault(each, ''));
    found.set(status, [...(found.get(status) ?? []), code(each)]);
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([status, each]) => `${status} ${each.join(', ')}`)
    .join('; ');
}
