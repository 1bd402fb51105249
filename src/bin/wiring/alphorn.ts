import { dirname } from 'node:path';

import { makeAlphorn as makeDomain } from '../../alphorn/alphorn.ts';
import { addAlphornMetrics } from '../../alphorn/metrics.ts';
import { removeTemporaries } from '../../kit/files/files.ts';
import { alphornRows } from '../../routes/alphorn/liferafts.ts';
import { changeRows } from '../../routes/common/change.ts';
import { hostChanges } from '../../routes/common/described.ts';
import type { Row } from '../../server/table/row.ts';
import type { Config } from './config.ts';
import type { Kit } from './kit.ts';
import { makeLiferaftStore } from './stores.ts';

/** The routes by which the agent shows and controls Alphorn. Alphorn's services run without the agent. */
export interface Alphorn {
  /** The contract has them below the base path of the High Availability API. */
  rows: readonly Row[];
  /** See Agent. */
  prepare: () => Promise<void>;
}

export function makeAlphorn(kit: Kit, config: Config): Alphorn {
  const { paths } = kit.host;
  const alphorn = makeDomain(kit.host, makeLiferaftStore(config, paths));
  addAlphornMetrics(kit.registry, () => alphorn.status());
  return {
    rows: alphornRows(alphorn, changeRows(kit, hostChanges)),
    prepare: () => removeTemporaries(dirname(paths.alphorn.settings)),
  };
}
