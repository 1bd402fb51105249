import { join } from 'node:path';

import type { LvsListeners } from '../../../amphora/amphora.ts';
import { makeUnitProcesses } from '../../../amphora/haproxies/units.ts';
import type { LvsBeat } from '../../../amphora/heartbeat/listeners.ts';
import { makeLvsListeners } from '../../../amphora/lvs/lvs.ts';
import { makeLvsStatistics } from '../../../amphora/lvs/statistics.ts';
import type { AmphoraPaths } from '../../../amphora/paths.ts';
import { checkKeepalivedConfig } from '../../../keepalived/check.ts';
import type { Host } from '../../../kit/host.ts';
import { memoryFolder } from '../../../kit/paths.ts';
import type { Namespace } from '../../../netlink/namespaces.ts';
import { readLvsConfig } from '../../../parsers/keepalived/lvs.ts';
import { namespacePrefix } from './network.ts';

/** The LVS processes of keepalived. */
export function makeAmphoraLvs(host: Host<AmphoraPaths>, namespace: Namespace): LvsListeners {
  const folder = join(host.paths.base, 'lvs');
  const inNamespace = namespacePrefix(namespace);
  return makeLvsListeners({
    paths: host.paths,
    processes: makeUnitProcesses(host, 'amphora-lvs'),
    read: (text) => readLvsConfig(text, { folder, namespace }),
    check: (file) =>
      checkKeepalivedConfig({ run: host.run, memory: memoryFolder, inNamespace }, file),
  });
}

/** The running LVS listeners, as heartbeats report them. */
export function makeLvsBeats(
  host: Host<AmphoraPaths>,
  namespace: Namespace,
  lvs: Pick<LvsListeners, 'listeners'>,
): () => Promise<readonly LvsBeat[]> {
  const folder = join(host.paths.base, 'lvs');
  const [tool, ...args] = [...namespacePrefix(namespace), 'ipvsadm', '-Ln'];
  return makeLvsStatistics({
    paths: host.paths,
    running: async () =>
      (await lvs.listeners()).flatMap(({ id, status }) => (status === 'ACTIVE' ? [id] : [])),
    read: (text) => readLvsConfig(text, { folder, namespace }),
    async ipvsadm(...options) {
      const argv = [tool, ...args, ...options] as const;
      // Without the tool or the kernel's module, listeners are reported without counters.
      const asked = host.run({ argv, deadlineMs: host.readDeadlineMs });
      const { exitCode, stdout } = await asked.catch(() => ({ exitCode: 1, stdout: '' }));
      return exitCode === 0 ? stdout : '';
    },
  });
}
