import type { BalancerDomain } from '../../balancer/domain.ts';
import type { FaultCode } from '../../kit/fault.ts';
import type { Fields, ValuesOf } from '../../server/table/field.ts';
import { type Row, row } from '../../server/table/row.ts';
import type { MakeChange } from './change.ts';
import { monitorDocument } from './documents/objects.ts';
import { monitorSchema } from './documents/schemas.ts';
import { argument, pathId } from './fields/checking.ts';
import { projectIn } from './fields/common.ts';
import {
  checkMonitor,
  monitorChange,
  monitorChangeOf,
  newMonitor,
  newMonitorOf,
} from './fields/pool.ts';
import { idOf, ofLoadBalancer } from './load-balancers.ts';
import { objectRow, placeOf } from './reading.ts';

/** The spelling of the document, and that of the recorded service. */
const spellings = ['health_monitor', 'healthmonitor'] as const;

/** The routes of the monitor of a pool. It has no id, because a pool has one or none. */
export function monitorRows(
  domain: BalancerDomain,
  changing: MakeChange,
  pool: string,
  abovePool: Fields,
): Row[] {
  const { monitors } = domain;
  const above: Fields = { ...ofLoadBalancer, ...abovePool };
  const placeIn = (values: object) => placeOf(values as Parameters<typeof placeOf>[0]);
  const loadBalancer = (values: object) => idOf(values as { loadbalancer: string });
  const codes: readonly FaultCode[] = ['balancer_invalid', 'balancer_conflict'];
  const fieldsOfNew = argument('health_monitor', newMonitor, (values) => {
    checkMonitor(values);
    projectIn(values);
  });
  const fieldsOfChange = argument('health_monitor', monitorChange, checkMonitor);
  return spellings.flatMap((spelling) => {
    const path = `${pool}/${spelling}`;
    return [
      objectRow<Fields>(domain, {
        path,
        summary: 'The health monitor of a pool.',
        fields: above,
        schema: monitorSchema,
        get: async (values, scope) => monitorDocument(await monitors.get(scope, placeIn(values))),
      }),
      changing<Fields>({
        methods: ['POST'],
        path,
        summary: 'Makes the health monitor of a pool that has none.',
        fields: { ...above, ...fieldsOfNew },
        schema: monitorSchema,
        codes: [...codes, 'balancer_quota_met'],
        loadBalancer,
        async carryOut(values, { scope, condition }) {
          const place = placeIn(values);
          const wanted = newMonitorOf(values as ValuesOf<typeof fieldsOfNew>);
          const made = await monitors.create(scope, place, wanted, condition);
          return {
            body: monitorDocument(made),
            again: async () => monitorDocument(await monitors.get(scope, place)),
          };
        },
      }),
      changing<Fields>({
        methods: ['PUT'],
        path,
        summary: 'Changes the health monitor of a pool. What is not sent stays.',
        fields: { ...above, ...fieldsOfChange },
        schema: monitorSchema,
        codes,
        loadBalancer,
        async carryOut(values, { scope, condition }) {
          const place = placeIn(values);
          const change = monitorChangeOf(values);
          const changed = await monitors.change(scope, place, change, condition);
          return {
            body: monitorDocument(changed),
            again: async () => monitorDocument(await monitors.get(scope, place)),
          };
        },
      }),
      changing<Fields>({
        methods: ['DELETE'],
        path,
        summary: 'Removes the health monitor of a pool.',
        fields: above,
        schema: 'nothing',
        codes: ['balancer_conflict'],
        loadBalancer,
        async carryOut(values, { scope, condition }) {
          await monitors.remove(scope, placeIn(values), condition);
          return {};
        },
      }),
      // The recorded service knows the path below a monitor, and no method of it.
      row<Fields>({
        methods: [],
        path: `${path}/:monitor`,
        role: 'viewer',
        summary: 'Nothing: a monitor has no id.',
        fields: { ...above, monitor: pathId('Health Monitor') },
        answers: {},
        codes: [],
        handle: () => ({}),
      }),
    ];
  });
}
