import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import type { Run } from '../../kit/exec.ts';
import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import type { WantedKeepalived } from '../../keepalived/wanted.ts';
import { replaceTable } from '../../netlink/nft.ts';
import { ensureSysctls } from '../../netlink/sysctl.ts';
import { filterOf, filterTable } from './filter.ts';

/** What the kernel needs for keepalived and its services. What fails is a trouble, and stops nothing. */
export interface Surroundings {
  prepare(wanted: WantedKeepalived): Promise<void>;
  /** Does the last of it again from time to time, because `flush ruleset` takes the table away. */
  start(): void;
  troubles(): readonly string[];
  /** Removes what it has made. */
  clear(): Promise<void>;
  stop(): void;
}

const repeatMs = 60_000;
const withoutNft =
  "nftables is not installed on this node, so that VRRP is let in from everybody: 'apt-get install nftables'.";

/** @param hasOthers whether keepalived has instances of the administrator, whose peers nobody knows */
export function makeSurroundings(run: Run, log: Log, hasOthers: boolean): Surroundings {
  const troubles = new Map<string, string>();
  const oneByOne = makeSerializer();
  let timer: NodeJS.Timeout | undefined;
  /** It may be that of an order which is not over yet, whose new peers have to be let in. */
  let last: WantedKeepalived | undefined;

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
    const filter = hasOthers ? '' : filterOf(wanted);
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
    prepare(wanted) {
      last = wanted;
      return oneByOne(() => prepare(wanted));
    },
    start() {
      timer = setInterval(() => {
        if (isMissing()) return;
        void oneByOne(async () => {
          if (last !== undefined) await prepare(last);
        });
      }, repeatMs);
    },
    troubles: () => [...troubles.values()],
    clear() {
      last = undefined;
      return oneByOne(() => attempt('nftables', () => replaceTable(run, filterTable, '')));
    },
    stop() {
      clearInterval(timer);
    },
  };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Fault)) return String(error);
  return error.code === 'tool_missing' ? withoutNft : error.message;
}
