import type { KnownBalancer, KnownObject, OperatingChange } from '../deploying.ts';
import type { OperatingStatus } from '../objects.ts';
import type { Beat } from './beat.ts';

/** What one node has said of itself, and so of a load balancer on it. */
export interface NodeSaid {
  node: number;
  /** Whether it has the VIP. */
  isMaster: boolean;
  /** `waiting` if it has not been heard yet, and need not have been. */
  hearing: 'heard' | 'waiting' | 'lost';
  /** Its last heartbeat; undefined unless it is heard. */
  last: Beat | undefined;
  /** The one before, if both came after the last change of the load balancer. */
  former: Beat | undefined;
}

type Status = OperatingStatus | undefined;

/**
 * What the heartbeats of its nodes say of a load balancer and what is below it.
 *
 * The word of the node with the VIP counts, because it has the traffic; that of another one only while it is silent. A
 * listener or pool that is missing in one heartbeat may be in a reload, so only two of them count.
 *
 * The statuses are those of the documented API (octavia 4.1.4, update_db.py), with two additions: a listener that does not
 * serve makes its load balancer ERROR, and one that has lost a node is DEGRADED.
 * @returns the statuses that differ from the present ones
 */
export function operatingChanges(
  balancer: KnownBalancer,
  said: readonly NodeSaid[],
): readonly OperatingChange[] {
  const { provisioning } = balancer;
  // What was never deployed has no status of its own, and what is being deleted needs none.
  if (['PENDING_CREATE', 'PENDING_DELETE', 'DELETED'].includes(provisioning)) return [];
  const present = presentStatuses(balancer);
  return statusesOf(balancer, said).filter(
    ({ kind, id, operating }) => present.get(`${kind} ${id}`) !== operating,
  );
}

function statusesOf(balancer: KnownBalancer, said: readonly NodeSaid[]): OperatingChange[] {
  const heard = said.filter((each) => each.hearing === 'heard');
  const speaker = heard.find(({ isMaster }) => isMaster) ?? heard[0];
  if (speaker?.last === undefined) {
    const isLost = said.length > 0 && said.every(({ hearing }) => hearing === 'lost');
    return isLost ? lostStatuses(balancer) : [];
  }
  const { last, former } = speaker;
  const listeners = balancer.listeners.map((each) =>
    changeOf('listener', each, listenerStatus(balancer, each, { last, former })),
  );
  const pools = balancer.pools.map((each) =>
    changeOf('pool', each, poolStatus(balancer, each, { last, former })),
  );
  const members = balancer.pools.flatMap((pool) =>
    pool.members.map((each) =>
      changeOf('member', each, memberStatus({ balancer, pool, member: each }, { last, former })),
    ),
  );
  const isShort = said.some(({ hearing }) => hearing === 'lost');
  const own = ownStatus(balancer, [...listeners, ...pools], isShort);
  return [changeOf('load_balancer', balancer, own), ...listeners, ...pools, ...members];
}

/** Nobody has heard of it: that is no guess about its members, but the API has no other word. */
function lostStatuses(balancer: KnownBalancer): OperatingChange[] {
  const isUp = ({ isEnabled }: { isEnabled: boolean }) => balancer.isEnabled && isEnabled;
  const error = (kind: OperatingChange['kind'], object: KnownObject): OperatingChange =>
    changeOf(kind, object, isUp(object) ? 'ERROR' : 'OFFLINE');
  return [
    error('load_balancer', balancer),
    ...balancer.listeners.map((each) => error('listener', each)),
    ...balancer.pools.flatMap((pool) => [
      error('pool', pool),
      ...pool.members.map((each) =>
        changeOf('member', each, isUp(pool) && each.isEnabled ? 'ERROR' : 'OFFLINE'),
      ),
    ]),
  ];
}

function listenerStatus(
  { isEnabled, provisioning }: KnownBalancer,
  listener: KnownObject,
  { last, former }: Beats,
): Status {
  if (!isEnabled || !listener.isEnabled) return 'OFFLINE';
  const inOne = (beat: Beat | undefined): Status => {
    const status = beat?.listeners.get(listener.id)?.status;
    if (status === 'OPEN') return 'ONLINE';
    return status === 'FULL' ? 'DEGRADED' : undefined;
  };
  const status = inOne(last);
  if (status !== undefined) return status;
  const isMissing = former !== undefined && inOne(former) === undefined;
  return isMissing ? absent(provisioning, 'ERROR') : undefined;
}

/** While a change is under way, what is missing may be what comes or what goes. */
function absent(provisioning: KnownBalancer['provisioning'], status: OperatingStatus): Status {
  if (provisioning === 'PENDING_UPDATE') return undefined;
  return provisioning === 'ACTIVE' ? status : 'OFFLINE';
}

type KnownPool = KnownBalancer['pools'][number];

interface Beats {
  last: Beat;
  former: Beat | undefined;
}

function poolStatus(balancer: KnownBalancer, pool: KnownPool, { last, former }: Beats): Status {
  if (!balancer.isEnabled || !pool.isEnabled) return 'OFFLINE';
  const uses = last.pools.get(pool.id);
  if (uses === undefined) {
    const isMissing = former !== undefined && !former.pools.has(pool.id);
    return isMissing ? absent(balancer.provisioning, 'OFFLINE') : undefined;
  }
  if (uses.some(({ status }) => status.startsWith('DOWN'))) return 'ERROR';
  const isShort = pool.members.some(({ id, isEnabled }) =>
    uses.some(({ members }) => isEnabled && members.get(id)?.startsWith('DOWN') === true),
  );
  return isShort ? 'DEGRADED' : 'ONLINE';
}

/** From the worst to the best: a pool that two listeners use is checked twice. */
const worstFirst = ['ERROR', 'OFFLINE', 'DRAINING', 'NO_MONITOR', 'ONLINE'] as const;

function memberStatus(
  of: { balancer: KnownBalancer; pool: KnownPool; member: KnownPool['members'][number] },
  { last, former }: Beats,
): Status {
  const { balancer, pool, member } = of;
  if (!balancer.isEnabled || !pool.isEnabled || !member.isEnabled) return 'OFFLINE';
  const inOne = (beat: Beat) =>
    (beat.pools.get(pool.id) ?? []).flatMap(({ members }) => members.get(member.id) ?? []);
  const words = inOne(last);
  if (words.length === 0) {
    const isMissing = former !== undefined && inOne(former).length === 0;
    if (!isMissing || member.operating === 'NO_MONITOR') return undefined;
    return absent(balancer.provisioning, 'OFFLINE');
  }
  const found = new Set(words.map(wordOfMember));
  const worst = worstFirst.find((each) => found.has(each));
  const isDrained = member.weight === 0 && (worst === 'ONLINE' || worst === 'NO_MONITOR');
  return isDrained ? 'DRAINING' : worst;
}

/** haproxy writes `UP 1/3` of a server that is going down, and `DOWN 1/2` of one that is coming up. */
function wordOfMember(word: string): Status {
  if (word.startsWith('UP')) return 'ONLINE';
  if (word.startsWith('DOWN')) return 'ERROR';
  if (word.startsWith('DRAIN')) return 'DRAINING';
  if (word.startsWith('MAINT')) return 'OFFLINE';
  return word === 'no check' ? 'NO_MONITOR' : undefined;
}

/** @param isShort whether one of its nodes is lost */
function ownStatus(
  balancer: KnownBalancer,
  below: readonly OperatingChange[],
  isShort: boolean,
): OperatingStatus {
  if (!balancer.isEnabled) return 'OFFLINE';
  const has = (status: OperatingStatus) => below.some(({ operating }) => operating === status);
  if (has('ERROR')) return 'ERROR';
  return has('DEGRADED') || isShort ? 'DEGRADED' : 'ONLINE';
}

/** @param status undefined leaves the present one */
function changeOf(
  kind: OperatingChange['kind'],
  { id, operating }: KnownObject,
  status: Status,
): OperatingChange {
  return { kind, id, operating: status ?? operating };
}

/** The present statuses by kind and id. */
function presentStatuses(balancer: KnownBalancer): ReadonlyMap<string, OperatingStatus> {
  const { listeners, pools } = balancer;
  const all: [OperatingChange['kind'], readonly KnownObject[]][] = [
    ['load_balancer', [balancer]],
    ['listener', listeners],
    ['pool', pools],
    ['member', pools.flatMap(({ members }) => members)],
  ];
  return new Map(
    all.flatMap(([kind, objects]) =>
      objects.map(({ id, operating }) => [`${kind} ${id}`, operating] as const),
    ),
  );
}
