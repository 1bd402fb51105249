import type { AuditLog } from '../../changes/audit/audit.ts';
import { inQuery, type Rule, rule } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { read } from '../common/read.ts';
import { auditEntries } from './answers/host.ts';

const maxEntries = 1000;

/** The route of the audit log: who read what from this node, or changed it. */
export function auditRows(audit: Pick<AuditLog, 'list'>): Row[] {
  return [
    read({
      path: '/audit',
      summary: 'The audit log of this node, newest first: changes, and reads of secrets.',
      role: 'admin',
      fields: { limit: inQuery(limit) },
      schema: auditEntries,
      codes: [],
      handle: async ({ limit: max = 100 }) => ({ body: await audit.list(max) }),
    }),
  ];
}

const limit: Rule<number> = rule(
  { type: 'integer', minimum: 1, maximum: maxEntries, default: 100 },
  (chain) =>
    chain
      .custom(
        (value: unknown) =>
          typeof value === 'string' && /^[1-9]\d{0,3}$/.test(value) && Number(value) <= maxEntries,
      )
      .withMessage(`must be a number, 1 to ${maxEntries}`)
      .bail()
      .customSanitizer(Number),
);
