import { join } from 'node:path';

import { makeUnitProcesses } from '../../../amphora/haproxies/units.ts';
import { type HostLvs, makeLvsListeners } from '../../../amphora/lvs/lvs.ts';
import type { AmphoraPaths } from '../../../amphora/paths.ts';
import { checkKeepalivedConfig } from '../../../keepalived/check.ts';
import { readIpvs } from '../../../keepalived/ipvs.ts';
import type { Host } from '../../../kit/host.ts';
import { memoryFolder } from '../../../kit/paths.ts';
import type { Namespace } from '../../../netlink/namespaces.ts';
import { readLvsConfig } from '../../../parsers/keepalived/lvs.ts';
import { namespacePrefix } from './network.ts';

/** The LVS processes of keepalived. */
export function makeAmphoraLvs(host: Host<AmphoraPaths>, namespace: Namespace): HostLvs {
  const folder = join(host.paths.base, 'lvs');
  const inNamespace = namespacePrefix(namespace);
  return makeLvsListeners({
    paths: host.paths,
    processes: makeUnitProcesses(host, 'amphora-lvs'),
    read: (text) => readLvsConfig(text, { folder, namespace }),
    tables: () => readIpvs(host.run, inNamespace, host.readDeadlineMs),
    check: (file) =>
      checkKeepalivedConfig({ run: host.run, memory: memoryFolder, inNamespace }, file),
  });
}
