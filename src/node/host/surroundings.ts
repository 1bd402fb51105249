import type { Run } from '../../kit/exec.ts';
import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { WantedKeepalived } from '../../keepalived/wanted.ts';
import { replaceTable } from '../../netlink/nft.ts';
import { ensureSysctls } from '../../netlink/sysctl.ts';
import { filterOf, filterTable } from './filter.ts';

/** What the kernel needs for keepalived and its services. What fails is a trouble, and stops nothing. */
export interface Surroundings {
  /** @param hasOthers whether keepalived has instances of the administrator, whose peers nobody knows */
  prepare(wanted: WantedKeepalived, hasOthers: boolean): Promise<void>;
  /** Does it again from time to time, because `flush ruleset` takes the table away. */
  start(wanted: () => WantedKeepalived | undefined): void;
  troubles(): readonly string[];
  /** Removes what it has made. */
  clear(): Promise<void>;
  stop(): void;
}

const repeatMs = 60_000;
const withoutNft =
  "nftables is not installed on this node, so that VRRP is let in from everybody: 'apt-get install nftables'.";

export function makeSurroundings(run: Run, log: Log): Surroundings {
  const troubles = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let hasOtherInstances = false;

  async function attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      troubles.delete(what);
    } catch (error) {
      const message = messageOf(error);
      if (!troubles.has(what)) log.warn({ error: message }, what);
      troubles.set(what, message);
    }
  }

  async function prepare(wanted: WantedKeepalived): Promise<void> {
    const filter = hasOtherInstances ? '' : filterOf(wanted);
    const names = ['ipv4/ip_nonlocal_bind', 'ipv6/ip_nonlocal_bind'];
    // Services may listen on a virtual address before this node has it.
    if (wanted.instances.length > 0) {
      await attempt('sysctl', () => ensureSysctls(run, null, names, '1'));
    }
    await attempt('nftables', () => replaceTable(run, filterTable, filter));
  }

  /** A tool that is missing would be logged each minute. */
  const isMissing = () => troubles.get('nftables') === withoutNft;

  return {
    async prepare(wanted, hasOthers) {
      hasOtherInstances = hasOthers;
      await prepare(wanted);
    },
    start(wanted) {
      timer = setInterval(() => {
        const now = wanted();
        if (now !== undefined && !isMissing()) void prepare(now);
      }, repeatMs);
    },
    troubles: () => [...troubles.values()],
    clear: () => attempt('nftables', () => replaceTable(run, filterTable, '')),
    stop() {
      clearInterval(timer);
    },
  };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Fault)) return String(error);
  return error.code === 'tool_missing' ? withoutNft : error.message;
}
