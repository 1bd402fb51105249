import type { Reading, Store, Transaction } from '../../controller/store/store.ts';
import type { BalancerDomain, Scope } from '../domain.ts';
import { type Quota, type QuotaKind, quotaKinds } from '../objects.ts';
import { tables } from '../rows/objects.ts';
import { notFound, quotaMet } from '../sentences.ts';

/** Max number of objects of a kind that means no limit. */
const unlimited = -1;

/**
 * Refuses one more object than a project may have. What goes counts until it is gone.
 * Faults: `balancer_quota_met`
 */
export async function demandQuota(
  transaction: Transaction,
  defaults: Quota,
  project: string,
  kind: QuotaKind,
): Promise<void> {
  const row = await transaction.one(
    'SELECT max_count FROM balancer_quotas WHERE project = $1 AND kind = $2',
    [project, kind],
  );
  const max = row ? Number(row['max_count']) : defaults[kind];
  if (max === unlimited) return;
  const counted = await transaction.one(
    `SELECT COUNT(*) AS count FROM ${tables[kind].table} WHERE project = $1 AND provisioning <> 'DELETED'`,
    [project],
  );
  if (Number(counted?.['count']) >= max) throw quotaMet(kind);
}

/** Quotas of projects. A caller that is bound to a tenant sees those of that tenant only. */
export function makeQuotas(store: Store, defaults: Quota): BalancerDomain['quotas'] {
  const read = async (reading: Reading, project: string): Promise<Quota> => {
    const rows = await reading.all(
      'SELECT kind, max_count FROM balancer_quotas WHERE project = $1',
      [project],
    );
    const own = rows.map((row) => [String(row['kind']), Number(row['max_count'])] as const);
    return { ...defaults, ...(Object.fromEntries(own) as Partial<Quota>) };
  };
  return {
    async list({ tenant }) {
      const rows = await store.all('SELECT DISTINCT project FROM balancer_quotas ORDER BY project');
      const projects = rows.map((row) => String(row['project']));
      const seen = projects.filter((each) => tenant === undefined || each === tenant);
      return Promise.all(
        seen.map(async (project) => ({ ...(await read(store, project)), project })),
      );
    },
    async get(scope, project) {
      demandOwn(scope, project);
      return read(store, project);
    },
    defaults: () => defaults,
    async set(scope, project, quota) {
      demandOwn(scope, project);
      return store.write(async (transaction) => {
        for (const kind of quotaKinds) {
          const max = quota[kind];
          if (max === undefined) continue;
          await transaction.run(
            `INSERT INTO balancer_quotas (project, kind, max_count) VALUES ($1, $2, $3)
             ON CONFLICT (project, kind) DO UPDATE SET max_count = excluded.max_count`,
            [project, kind, max],
          );
        }
        return read(transaction, project);
      });
    },
    async reset(scope, project) {
      demandOwn(scope, project);
      await store.write((transaction) =>
        transaction.run('DELETE FROM balancer_quotas WHERE project = $1', [project]),
      );
    },
  };
}

/** The quotas of another tenant are hidden, as its objects are. Faults: `balancer_object_not_found` */
function demandOwn({ tenant }: Scope, project: string): void {
  if (tenant !== undefined && tenant !== project) throw notFound('Quotas', project);
}
