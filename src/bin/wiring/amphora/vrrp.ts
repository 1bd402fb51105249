import type { AmphoraPaths } from '../../../amphora/paths.ts';
import { keepalivedDump, vrrpFiles } from '../../../amphora/vrrp/files.ts';
import { makeVrrpService } from '../../../amphora/vrrp/service.ts';
import { type HostVrrp, makeVrrp } from '../../../amphora/vrrp/vrrp.ts';
import { checkKeepalivedConfig } from '../../../keepalived/check.ts';
import { makeKeepalivedProcess } from '../../../keepalived/state.ts';
import type { Host } from '../../../kit/host.ts';
import { memoryFolder } from '../../../kit/paths.ts';
import { readVrrpConfig } from '../../../parsers/keepalived/conf.ts';

/** The keepalived of the VIP. */
export function makeAmphoraVrrp(
  host: Host<AmphoraPaths>,
  inNamespace: readonly string[],
): HostVrrp {
  const { base } = host.paths;
  const files = vrrpFiles(base);
  return makeVrrp({
    base,
    problemsOf: (config) => readVrrpConfig(config, { checkScript: files.checkScript }).problems,
    check: (file) =>
      checkKeepalivedConfig({ run: host.run, memory: memoryFolder, inNamespace }, file),
    keepalived: makeKeepalivedProcess({
      pidFile: files.pidFile,
      dump: keepalivedDump,
    }),
    service: makeVrrpService(host),
  });
}
