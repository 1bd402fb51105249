import type { Family } from '../../src/server/table/family.ts';
import type { Row } from '../../src/server/table/row.ts';
import { documents, families } from './families.ts';
import { code, table } from './markdown.ts';

/** A route with all of its paths: rows that say the same of themselves are one route. */
export interface Route {
  family: Family;
  rows: readonly Row[];
}

export function routesOf(family: Family): Route[] {
  const routes = new Map<string, Row[]>();
  // A row without a method only keeps its path known.
  for (const each of family.rows.filter(({ methods }) => methods.length > 0)) {
    const same = routes.get(each.summary) ?? [];
    routes.set(each.summary, [...same, each]);
  }
  return [...routes.values()].map((rows) => ({ family, rows }));
}

/** Such as `GET or POST resource/$NAME/stop`, below the base of the HA API, or with the base of another. */
export function nameOf({ bases: [base = ''], name }: Family, { methods, path }: Row): string {
  const shown = path.replace(/[:*](\w+)/g, (_all, field: string) => `$${field.toUpperCase()}`);
  const whole = name === 'ha' ? shown.slice(1) : `${base}${shown}`.replace(/(.)\/$/, '$1');
  return `${methods.join(' or ')} ${whole}`;
}

/** The tables of the README: what can be read, and what can be changed. */
export function routeTables(): { reads: string; changes: string } {
  const shown = [families.ha, families.metrics, documents, families.probes];
  const routes = shown.flatMap(routesOf);
  const linesOf = (chosen: readonly Route[]) =>
    chosen.map(({ family, rows }) => [
      rows.map((each) => code(nameOf(family, each))).join(', '),
      rows[0]?.summary ?? '',
      rows[0]?.role ?? '',
    ]);
  const isChange = ({ rows }: Route) => rows[0]?.isChange === true;
  // The row that refuses unknown types of constraints answers nothing.
  const isShown = ({ rows }: Route) => Object.keys(rows[0]?.answers ?? {}).length > 0;
  return {
    reads: table(
      ['Route', 'Answer', 'Role'],
      linesOf(routes.filter((each) => !isChange(each) && isShown(each))),
    ),
    changes: table(['Route', 'What it does', 'Role'], linesOf(routes.filter(isChange))),
  };
}
