import type { Reading, Row, Value } from '../../controller/store/store.ts';
import type { Page } from '../domain.ts';
import type { LoadBalancer } from '../objects.ts';
import { invalid } from '../sentences.ts';
import { loadBalancerOf } from './objects.ts';
import { pageOf } from './pages.ts';

/** The keys of a list of load balancers that are columns. The others are inside of `settings`. */
const columns: Readonly<Record<string, string>> = {
  id: 'id',
  project_id: 'project',
  provisioning_status: 'provisioning',
  operating_status: 'operating',
  created_at: 'created_ms',
  updated_at: 'updated_ms',
};

type Sort = NonNullable<Page['sort']>;

/**
 * A page of the load balancers that are there. It reads only the rows of the page, unless it is sorted by a setting.
 * @param projects which all have to be that of the load balancer
 * Faults: `balancer_invalid`, those of Store
 */
export async function listBalancers(
  reading: Reading,
  projects: readonly string[],
  page: Partial<Page>,
): Promise<LoadBalancer[]> {
  const { sort = [], limit, marker, isReverse = false } = page;
  const conditions = projects.map((_each, at) => ` AND project = $${at + 1}`).join('');
  const where = `provisioning <> 'DELETED'${conditions}`;
  const order = orderOf(sort, isReverse);
  if (order === undefined) {
    const rows = await select(reading, { where, order: 'created_ms, id' }, projects);
    return pageOf(rows.map(loadBalancerOf), page);
  }
  if (marker === undefined) {
    const rows = await select(reading, { where, order, limit }, projects);
    return rows.map(loadBalancerOf);
  }
  const from = await rankAfter(reading, { where, order, marker }, projects);
  const rows = await select(reading, { where, order, limit, from }, projects);
  return rows.map(loadBalancerOf);
}

interface Selection {
  where: string;
  order: string;
  limit?: number | undefined;
  from?: number;
}

/** More than there are. SQLite takes an OFFSET only after a LIMIT. */
const all = 1_000_000_000;

function select(
  reading: Reading,
  { where, order, limit = all, from = 0 }: Selection,
  values: readonly Value[],
): Promise<Row[]> {
  return reading.all(
    `SELECT * FROM balancer_load_balancers WHERE ${where} ORDER BY ${order} LIMIT ${limit} OFFSET ${from}`,
    values,
  );
}

/** How many come up to the marker. Faults: `balancer_invalid` if it is not in the list */
async function rankAfter(
  reading: Reading,
  { where, order, marker }: { where: string; order: string; marker: string },
  values: readonly Value[],
): Promise<number> {
  const id = marker.toLowerCase();
  const row = await reading.one(
    `SELECT place FROM (
       SELECT id, ROW_NUMBER() OVER (ORDER BY ${order}) AS place FROM balancer_load_balancers WHERE ${where}
     ) AS placed WHERE id = $${values.length + 1}`,
    [...values, id],
  );
  if (row === undefined) throw invalid(`Supplied pagination marker '${marker}' is not valid.`);
  return Number(row['place']);
}

/** What follows ORDER BY; undefined if a key is no column. Nothing comes before everything else, as in other lists. */
function orderOf(sort: Sort, isReverse: boolean): string | undefined {
  const keys = sort.map(({ key, isDescending }) => ({ column: columns[key], isDescending }));
  if (keys.some(({ column }) => column === undefined)) return undefined;
  const ties = ['created_ms', 'id'].map((column) => ({ column, isDescending: false }));
  return [...keys, ...ties]
    .map(({ column, isDescending }) =>
      isDescending === isReverse ? `${column} ASC NULLS FIRST` : `${column} DESC NULLS LAST`,
    )
    .join(', ');
}
