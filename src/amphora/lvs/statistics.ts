import { hostAndPort } from '../../kit/addresses.ts';
import { parseIp } from '../../kit/ip.ts';
import {
  type LvsServer,
  type LvsService,
  parseLvsServices,
  parseLvsStats,
} from '../../parsers/ipvsadm.ts';
import type { LvsConfig, LvsMember } from '../../parsers/keepalived/lvs.ts';
import { plainFileIfThere, readPlainFile } from '../haproxies/plain-files.ts';
import type { LvsBeat } from '../heartbeat/listeners.ts';
import type { BeatPool, Counters } from '../heartbeat/payload.ts';
import type { AmphoraPaths } from '../paths.ts';
import { lvsPlacesOf } from './places.ts';

export interface LvsStatisticsParts {
  paths: Pick<AmphoraPaths, 'base'>;
  /** The ids of the listeners whose process runs. */
  running: () => Promise<readonly string[]>;
  read: (text: string) => Omit<LvsConfig, 'problems'>;
  /** What `ipvsadm -Ln` prints with further options, in the namespace of the listeners; empty if it cannot be asked. */
  ipvsadm: (...options: readonly string[]) => Promise<string>;
}

/** What ipvsadm shows of all listeners. */
interface Tables {
  services: readonly LvsService[];
  stats: ReturnType<typeof parseLvsStats>;
}

const monitors = /MISC_CHECK|HTTP_GET|TCP_CHECK/;

/**
 * Makes a function that reads the running LVS listeners for a heartbeat, with the states that Octavia's agent gives their
 * members (keepalivedlvs_query.py of 16.0). A disabled listener is left out, as there. One that the kernel does not have is
 * reported, because receivers count listeners.
 */
export function makeLvsStatistics(parts: LvsStatisticsParts): () => Promise<readonly LvsBeat[]> {
  const { paths, running, read, ipvsadm } = parts;
  return async () => {
    const ids = await running();
    if (ids.length === 0) return [];
    const [services, stats] = await Promise.all([ipvsadm(), ipvsadm('--stats', '--exact')]);
    const tables = { services: parseLvsServices(services), stats: parseLvsStats(stats) };
    const found = ids.map(async (id): Promise<LvsBeat[]> => {
      const text = (await readPlainFile(lvsPlacesOf(paths, id).config))?.toString('utf8');
      const config = text === undefined ? undefined : read(text);
      if (text === undefined || config?.isEnabled !== true) return [];
      const isRestarting = await isBeingRestarted(paths, id);
      const states = { hasMonitor: monitors.test(text), isRestarting };
      return [{ id, pools: poolsOf(config, tables, states), counters: countersOf(config, tables) }];
    });
    return (await Promise.all(found)).flat();
  };
}

/** Whether the configuration is newer than the process that checks members. */
async function isBeingRestarted(paths: Pick<AmphoraPaths, 'base'>, id: string): Promise<boolean> {
  const { config, pids } = lvsPlacesOf(paths, id);
  const [written, started] = await Promise.all([
    plainFileIfThere(config),
    plainFileIfThere(pids[2] ?? ''),
  ]);
  return written !== undefined && started !== undefined && written.mtimeMs > started.mtimeMs;
}

interface States {
  hasMonitor: boolean;
  isRestarting: boolean;
}

/** keepalived takes a member that is down out of the kernel. */
function poolsOf(
  config: Omit<LvsConfig, 'problems'>,
  { services }: Tables,
  { hasMonitor, isRestarting }: States,
): BeatPool[] {
  const { pool, members, disabledMembers } = config;
  if (pool?.isEnabled !== true) return [];
  const present = services.filter(isOf(config)).flatMap(({ servers }) => servers);
  const absent = hasMonitor || present.length > 0;
  const away = isRestarting ? 'RESTARTING' : 'DOWN';
  const statusOf = (server: LvsServer | undefined): string => {
    if (server === undefined) return absent ? away : 'no check';
    if (server.weight === 0) return 'DRAIN';
    return hasMonitor ? 'UP' : 'no check';
  };
  const isDown = hasMonitor && members.length > 0 && present.length === 0;
  return [
    {
      name: pool.id,
      status: isDown ? 'DOWN' : 'UP',
      members: [
        ...members.map((member) => ({
          id: member.id,
          status: statusOf(present.find((server) => placeOf(server) === placeOf(member))),
        })),
        ...disabledMembers.map((id) => ({ id, status: 'MAINT' })),
      ],
    },
  ];
}

function countersOf(config: Omit<LvsConfig, 'problems'>, { services, stats }: Tables): Counters {
  const servers = services.filter(isOf(config)).flatMap((service) => service.servers);
  const own = stats.filter(isOf(config));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    tx: sum(own.map(({ outBytes }) => outBytes)),
    rx: sum(own.map(({ inBytes }) => inBytes)),
    conns: sum(servers.map(({ active }) => active)),
    totconns: sum(own.map(({ conns }) => conns)),
    ereq: 0,
  };
}

type Place = Pick<LvsMember, 'address' | 'port'>;

/** Whether a service of the kernel is one of this listener. */
function isOf({ protocol, vips }: Pick<LvsConfig, 'protocol' | 'vips'>) {
  const places = new Set(vips.map(placeOf));
  return (service: Place & { protocol: string }): boolean =>
    service.protocol === protocol && places.has(placeOf(service));
}

/** An IPv6 address has several spellings. */
function placeOf({ address, port }: Place): string {
  return hostAndPort(parseIp(address)?.text ?? address, port);
}
