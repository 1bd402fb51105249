import { Fault } from '../../kit/fault.ts';
import { makeChangeDetector } from '../../kit/log-changes.ts';
import type { Log } from '../../kit/log.ts';
import type { AcceptedLineage } from './accepted.ts';
import type { OwnLiferaft } from '../collecting/own-liferaft.ts';
import type { DestinationStatus } from './daemon-status.ts';
import { openLiferaft } from '../format/liferaft-file.ts';
import { isWhole } from '../format/manifest.ts';
import type { PeerClient, Pushing } from './peer-client.ts';
import type { HeartbeatAnswer } from '../peers/peer-protocol.ts';

/**
 * Keeps one destination up to date. Each destination has its own sender, so one that is dead or hangs delays no other.
 *
 * INVARIANTS
 * - At most one attempt is under way at a time.
 * - A failed attempt is followed by a pause, which doubles from `firstPauseMs` to `maxPauseMs`. A random part of up to
 *   a half is subtracted, so that many senders do not retry at once. Only `sync` cuts it short, not a new liferaft.
 * - After an attempt that succeeds, the destination has the liferaft that was offered last.
 * - The log has a line when attempts begin to fail, fail for another reason, or succeed again.
 */
export interface Sender {
  /**
   * Sets the liferaft that the destination is to have.
   * @param ask whether to ask the destination even if it is known to have it; that renews its time there
   */
  offer(liferaft: OwnLiferaft, ask: boolean): void;
  /** Tries now, regardless of the pause. Returns when the attempt has succeeded or failed. */
  sync(): Promise<void>;
  status(): DestinationStatus;
  /** Cancels what is under way. */
  stop(): Promise<void>;
}

export interface SenderParts {
  /** As written in the settings. */
  destination: string;
  isThisHost: () => Promise<boolean>;
  /** @param hostId the id of this host */
  connect: (hostId: string) => PeerClient;
  accepted: AcceptedLineage;
  log: Log;
  /** From 0 to 1. */
  random?: () => number;
}

export const firstPauseMs = 1000;
export const maxPauseMs = 300_000;

export function makeSender({
  destination,
  isThisHost,
  connect,
  accepted,
  log,
  random = Math.random,
}: SenderParts): Sender {
  let offered: OwnLiferaft | undefined;
  /** The liferaft of the last attempt. */
  let tried: OwnLiferaft | undefined;
  let client: { hostId: string; peer: PeerClient } | undefined;
  let underWay: Promise<void> | undefined;
  let pause: NodeJS.Timeout | undefined;
  let isStopped = false;

  let failures = 0;
  let isSelf = false;
  const hasChanged = makeChangeDetector();
  let lastSuccess: Date | undefined;
  let lastError: DestinationStatus['lastError'] = null;
  let heldDigest: string | null = null;
  let bytes: number | null = null;
  let behindSince: number | undefined;

  /** Tries until nothing newer was offered in the meantime, or until an attempt fails. */
  async function work(): Promise<void> {
    tried = undefined;
    while (offered !== undefined && offered.digest !== tried?.digest && !isStopped) {
      tried = offered;
      try {
        isSelf = await isThisHost();
        if (!isSelf) {
          const held = await bringUpToDate(tried);
          isSelf = held === undefined;
          heldDigest = held ?? null;
        }
        succeeded();
      } catch (error) {
        failed(error);
        return;
      }
    }
  }

  /** @returns the digest of what it has now; undefined if it is this host itself */
  async function bringUpToDate({
    digest,
    manifest,
    path,
    size,
  }: OwnLiferaft): Promise<string | undefined> {
    const { lineage, generation, host } = manifest;
    const peer = peerFor(host.id);
    const answer = await peer.heartbeat({ digest, lineage, generation });
    // This host can answer itself at an address that no interface has, such as 127.0.1.1, which Debian gives a host's
    // own name. Another host with this id never answers, because the two refuse each other.
    if (answer.host === host.id) return undefined;
    // Older versions do not say who they are.
    const answering = answer.host ?? destination;
    let held = digest;
    if (!answer.held) {
      heldDigest = null;
      const isOther = answer.lineage !== undefined && answer.lineage !== lineage;
      const isAccepted = await accepted.has(lineage, answering);
      const isNewer = !isOther && (answer.generation ?? 0) >= generation;
      if (isNewer || (isOther && isAccepted)) throw rolledBack(destination, generation, answer);
      // At least one byte is sent, so that there is an answer.
      const offset = Math.min(answer.partial ?? 0, size - 1);
      held = await send(peer, path, host.id, { rebuilt: isOther, offset });
    }
    await accepted.add(lineage, answering);
    return held;
  }

  async function send(
    peer: PeerClient,
    path: string,
    hostId: string,
    how: Pushing,
  ): Promise<string> {
    const file = await openLiferaft(path, hostId);
    if (file === undefined) {
      throw new Fault('liferaft_damaged', `${path} is gone. The next round makes it again.`);
    }
    try {
      await peer.push(file, how);
    } finally {
      await file.close();
    }
    bytes = file.size;
    const { generation } = file.manifest;
    log.debug({ destination, generation, bytes, ...how }, 'liferaft sent');
    return file.digest;
  }

  function peerFor(hostId: string): PeerClient {
    if (client?.hostId !== hostId) {
      client?.peer.close();
      client = { hostId, peer: connect(hostId) };
    }
    return client.peer;
  }

  function succeeded(): void {
    failures = 0;
    if (isSelf || heldDigest === offered?.digest) behindSince = undefined;
    if (!isSelf) lastSuccess = new Date();
    if (!hasChanged(destination, isSelf ? 'self' : 'synced')) return;
    if (isSelf)
      log.info({ destination }, 'the destination is this host itself; nothing is sent to it');
    else log.info({ destination }, 'the destination is up to date');
  }

  function failed(error: unknown): void {
    // A cancelled attempt says nothing about the destination.
    if (isStopped) return;
    failures += 1;
    const code = error instanceof Fault ? error.code : 'peer_unreachable';
    const detail = error instanceof Error ? error.message : String(error);
    lastError = { at: new Date().toISOString(), code, detail };
    const fullPauseMs = Math.min(firstPauseMs * 2 ** (failures - 1), maxPauseMs);
    pause = setTimeout(
      () => {
        pause = undefined;
        begin();
      },
      fullPauseMs * (1 - random() / 2),
    );
    if (!hasChanged(destination, `failing ${code}`)) return;
    log.warn({ destination, code, detail }, 'the destination does not get the liferaft');
    if (!(error instanceof Fault)) log.error({ destination, error: (error as Error).stack }, 'bug');
  }

  function begin(): void {
    if (underWay !== undefined || pause !== undefined || isStopped) return;
    underWay = work().finally(() => {
      underWay = undefined;
      // A newer one may have been offered just before the end.
      if (pause === undefined && offered?.digest !== tried?.digest) begin();
    });
  }

  return {
    offer(liferaft, ask) {
      offered = liferaft;
      if (liferaft.digest !== heldDigest && !isSelf) behindSince ??= Date.now();
      if (ask || liferaft.digest !== heldDigest) begin();
    },
    async sync() {
      const joined = underWay;
      await joined;
      if (joined !== undefined && pause === undefined) return;
      clearTimeout(pause);
      pause = undefined;
      begin();
      await underWay;
    },
    status() {
      const hasIt = heldDigest !== null && heldDigest === offered?.digest;
      const held = offered && !isWhole(offered.manifest) ? 'lacking' : 'synced';
      const state = isSelf ? 'self' : failures > 0 ? 'failing' : hasIt ? held : 'pending';
      return {
        destination,
        state,
        lastError,
        bytes,
        lastSuccess: lastSuccess?.toISOString() ?? null,
        lagMs: behindSince === undefined ? null : Math.max(0, Date.now() - behindSince),
        digest: heldDigest,
      };
    },
    async stop() {
      isStopped = true;
      clearTimeout(pause);
      client?.peer.close();
      await underWay;
    },
  };
}

/** The destination has a newer state, so this one is an earlier state of this host, or of another host. */
function rolledBack(
  destination: string,
  generation: number,
  { generation: theirs, lineage }: HeartbeatAnswer,
): Fault {
  return new Fault(
    'host_rolled_back',
    `${destination} has another state of this host: generation ${theirs ?? '?'} (of the count ${lineage?.slice(0, 8) ?? '?'}), where this host is at ${generation}. One of the two was rolled back to an earlier state, such as a snapshot, or another host has this host's id. Nothing was sent, and what is there stays. If the present state of this host counts, run 'hactl alphorn rebuilt' here as root.`,
  );
}
