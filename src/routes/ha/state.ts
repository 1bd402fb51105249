import type { ConfigurationReader } from '../../cluster/reading/configuration.ts';
import { ofCluster } from '../common/codes.ts';
import { listFencingHistory } from './documents/fencing-history.ts';
import { locate } from './documents/location.ts';
import { makeStatusWriter } from './documents/status.ts';
import type { StateReader } from '../../cluster/reading/state.ts';
import type { StatusReader } from '../../cluster/reading/status.ts';
import { inPath } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import { resourceName } from './fields/names.ts';
import { ageHeader } from '../common/headers.ts';
import { age, read, readAsOf } from '../common/read.ts';
import { rawWanted } from './cib-rows.ts';
import { fencingHistory, location, status as whole } from './answers/state.ts';

/** What the routes need that answer from the cluster's state. */
export interface StateDomain {
  state: StateReader;
  status: StatusReader;
  configuration: ConfigurationReader;
}

/** The routes that read the cluster's state. They need a running cluster. */
export function stateRows({ state, status, configuration }: StateDomain): Row[] {
  const write = makeStatusWriter();
  return [
    read({
      path: '/status',
      summary: 'The state of the cluster, from crm_mon and pcs.',
      fields: rawWanted,
      schema: whole,
      codes: ofCluster,
      headers: age,
      async handle({ raw }) {
        const now = await (raw === 'false' ? status.withoutText() : status.whole.get());
        const headers = { ETag: `"${now.digest}"`, ...ageHeader(now.readAt) };
        return { text: write(now), headers };
      },
    }),
    readAsOf({
      path: '/resource/:name/locate',
      summary: 'The nodes that a resource runs on.',
      fields: { name: inPath(resourceName) },
      schema: location,
      codes: [...ofCluster, 'resource_not_found'],
      async readBody({ name }) {
        const [reading, { cib, readAt }] = await Promise.all([state.get(), configuration.get()]);
        const oldest = Math.min(reading.readAt, readAt);
        return { body: locate(reading.state, cib, name), readAt: oldest };
      },
    }),
    readAsOf({
      path: '/fence_history',
      summary: 'The fencing actions that the cluster remembers.',
      schema: fencingHistory,
      codes: ofCluster,
      async readBody() {
        const { state: now, readAt } = await state.get();
        return { body: listFencingHistory(now), readAt };
      },
    }),
  ];
}
