import { Fault } from '../../kit/fault.ts';
import { readTextIfThere } from '../../kit/files/files.ts';
import type { Host } from '../../kit/host.ts';
import { readUnits } from '../../systemd/units.ts';
import type { NodePaths } from '../paths.ts';

/** The keepalived of the administrator on this host. Its file is never written. */
export interface HostKeepalived {
  /**
   * The path of its file if it is to be a part of ours; undefined if there is none, or it is not to be. While
   * keepalived.service runs the file, it is no part: two processes would send adverts of one instance, and keepalived 2.1.5
   * crashes in the reload that takes it in (measured). Faults: those of Run
   */
  include(): Promise<string | undefined>;
  /** Faults: `node_keepalived_configured`, those of Run */
  refuse(): Promise<void>;
}

const unit = 'keepalived.service';

export function makeHostKeepalived(
  host: Host<Pick<NodePaths, 'hostKeepalived'>>,
  isIncluding: boolean,
): HostKeepalived {
  const file = host.paths.hostKeepalived;
  const read = async () => ((await readTextIfThere(file)) ?? '').trim();
  return {
    async include() {
      if (!isIncluding || (await read()) === '') return undefined;
      const [found] = await readUnits(host, [unit]);
      return found?.activeState === 'active' ? undefined : file;
    },
    async refuse() {
      const content = await read();
      if (content === '') return;
      if (!isIncluding) {
        throw configured(
          `${file} configures keepalived on this host already. Remove it, or let it become a part of this configuration: set include_keepalived in /etc/ha-agent/node.json, then 'systemctl disable --now keepalived' and 'systemctl restart ha-amphora'.`,
        );
      }
      // Our unit runs VRRP only.
      if (/^[ \t]*virtual_server\b/m.test(content)) {
        throw configured(
          `${file} has virtual servers, which cannot become a part of this configuration. Move them to another host, then try again.`,
        );
      }
      const [found] = await readUnits(host, [unit]);
      if (found?.activeState !== 'active' && found?.unitFileState !== 'enabled') return;
      throw configured(
        `${unit} still runs ${file}, which is to be a part of this configuration. Run 'systemctl disable --now keepalived' on this host, then try again.`,
      );
    },
  };
}

function configured(message: string): Fault {
  return new Fault('node_keepalived_configured', message);
}
