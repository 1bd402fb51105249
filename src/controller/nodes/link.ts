// Long because the parts of one connection share its state.
import { setTimeout as sleep } from 'node:timers/promises';

import type { KeepalivedReport, Orders } from '../../keepalived/report.ts';
import type { WantedKeepalived } from '../../keepalived/wanted.ts';
import { makeChangeDetector } from '../../kit/log-changes.ts';
import { Fault } from '../../kit/fault.ts';
import type { Log } from '../../kit/log.ts';
import { nodeCommonName } from '../certificates/own.ts';
import type { KeyPair, Signer } from '../certificates/signer.ts';
import type { StoreIdentity } from '../store/store.ts';
import { type NodeFacts, readFacts, readOrdered, readReport, readRequest } from './answers.ts';
import { makeNodeClient, type NodeClient, NodeRefused, type NodeRequest } from './client.ts';
import type { LinkTimes } from './link-times.ts';
import type { NodeAnswer, NodeTextRequest, NodeWord } from './nodes.ts';
import { makeRequester } from './requester.ts';
import { wordOf } from './contradiction.ts';
import { isAboutStore, lacksNodePart, refusalOf } from './refusals.ts';
import type { Registration, Registrations } from './registry.ts';

export interface LinkParts {
  identity: StoreIdentity;
  registrations: Registrations;
  signer: Signer;
  authority: KeyPair;
  /** The certificate by which nodes know the controller. */
  client: () => KeyPair;
  log: Log;
  times: LinkTimes;
}

/** The connection to one node. It asks for reports all the time. */
export interface NodeLink {
  node(): Registration;
  word(): NodeWord | undefined;
  isReachable(): boolean;
  refusal(): string | undefined;
  /** Why the last request was not answered. */
  failure(): string | undefined;
  /** Faults: `node_unreachable`, `node_refused` */
  order(orders: Orders, wanted: WantedKeepalived): Promise<void>;
  /** See NodeLinks. */
  request(request: NodeTextRequest, deadlineMs: number, signal?: AbortSignal): Promise<NodeAnswer>;
  isAnswering(): boolean;
  /** See NodeLinks. */
  hasNodePart(): boolean | undefined;
  /** Has the node stop keepalived and forget this controller. Faults: as order */
  leave(): Promise<void>;
  /** Connects again, with the present certificate of the controller. */
  reconnect(): void;
  /** Asks for a report now, because another node's word contradicts the last one. */
  confirm(): void;
  /** Returns when nothing is under way. */
  stop(): Promise<void>;
}

/** @param onWord called after each report, and when the node becomes reachable or not */
export function openLink(
  parts: LinkParts,
  registration: Registration,
  onWord: () => void,
): NodeLink {
  const { identity, registrations, times, log } = parts;
  const stopping = new AbortController();
  const hasChanged = makeChangeDetector();
  let confirming: Promise<void> | undefined;
  const state: {
    node: Registration;
    client: NodeClient | undefined;
    word: NodeWord | undefined;
    isReachable: boolean;
    refusal: string | undefined;
    failure: string | undefined;
    adopted: NodeFacts['adopted'];
    isOrderRefused: boolean;
    /** Whether the last question of this link got any answer; undefined before the first. */
    isAnswering: boolean | undefined;
    hasNodePart: boolean | undefined;
    factsAt: number;
    renewedAt: number;
  } = {
    node: registration,
    client: undefined,
    word: undefined,
    isReachable: false,
    refusal: undefined,
    failure: undefined,
    adopted: null,
    isOrderRefused: false,
    isAnswering: undefined,
    hasNodePart: undefined,
    factsAt: -Infinity,
    renewedAt: -Infinity,
  };

  const client = (): NodeClient => {
    state.client ??= makeNodeClient({
      host: state.node.host,
      port: state.node.port,
      authority: parts.authority.certificate,
      client: parts.client(),
      judge,
    });
    return state.client;
  };
  const ask = async (request: NodeRequest, deadlineMs: number): Promise<unknown> =>
    client().ask(request, deadlineMs, stopping.signal);
  const requester = makeRequester({
    client,
    failure: () => (state.isAnswering === false ? state.failure : undefined),
    stopping: stopping.signal,
  });

  /** Other certificates of the same authority belong to other nodes, or were revoked. */
  function judge(fingerprint: string, common: string): string | undefined {
    const { node } = state;
    if (common !== nodeCommonName(node.id)) {
      return `it shows the certificate of ${common || 'nobody'}, which belongs to another node`;
    }
    if (fingerprint === node.fingerprint) return undefined;
    // After a restore, the store may not know the latest certificate of a node.
    const isKnown = fingerprint === node.nextFingerprint || node.pinnedEpoch < identity.epoch;
    if (!isKnown) return 'it shows a certificate that was revoked or replaced; let it join again';
    state.node = {
      ...node,
      fingerprint,
      nextFingerprint: undefined,
      pinnedEpoch: identity.epoch,
    };
    registrations.pin(node.id, fingerprint).catch((error: unknown) => {
      log.error({ node: node.name, error: String(error) }, 'its certificate was not written down');
    });
    return undefined;
  }

  function setReachable(isReachable: boolean, why?: Error): void {
    const before = state.isReachable;
    state.isAnswering = isReachable || why instanceof NodeRefused;
    if (isReachable) state.hasNodePart = true;
    else if (lacksNodePart(why)) state.hasNodePart = false;
    state.isReachable = isReachable;
    state.failure = why?.message;
    const { name: node } = state.node;
    if (hasChanged(node, isReachable ? 'yes' : why?.message)) {
      if (isReachable) log.info({ node }, 'the node answers');
      else log.warn({ node, why: why?.message }, 'the node gives no answer');
    }
    if (before !== isReachable) onWord();
  }

  function refuse(sentence: string | undefined): void {
    if (state.refusal === sentence) return;
    state.refusal = sentence;
    const { name: node } = state.node;
    if (sentence !== undefined) log.warn({ node, why: sentence }, 'the node takes no orders');
    else log.info({ node }, 'the node takes orders');
    onWord();
  }

  async function learnFacts(): Promise<void> {
    const facts = readFacts(await ask({ method: 'GET', path: '/node/1.0' }, times.answerMs));
    state.factsAt = performance.now();
    if (facts.machine !== state.node.machine) {
      throw new Fault(
        'node_unreachable',
        `Another machine answers with the certificate of node '${state.node.name}', such as a clone. Remove the clone's /etc/ha-agent/node.json and /etc/ha-agent/node, and let it join by itself.`,
      );
    }
    const why = refusalOf(facts, state.node.name, identity);
    // What the node has said to an order counts until it takes one, or runs the orders of somebody else.
    const hasAdopted = JSON.stringify(facts.adopted) !== JSON.stringify(state.adopted);
    if (why !== undefined || hasAdopted || !state.isOrderRefused) {
      state.isOrderRefused = false;
      refuse(why);
    }
    state.adopted = facts.adopted;
    const interfaces = facts.interfaces.map(({ name, addresses }) => ({ name, addresses }));
    if (JSON.stringify(interfaces) === JSON.stringify(state.node.interfaces)) return;
    state.node = { ...state.node, interfaces };
    await registrations.setInterfaces(state.node.id, interfaces);
    onWord();
  }

  async function poll(): Promise<void> {
    const report = state.isReachable ? state.word?.report : undefined;
    const after = report ? `?after=${report.sequence}&boot=${encodeURIComponent(report.boot)}` : '';
    const path = `/node/1.0/keepalived${after}`;
    const next = readReport(await ask({ method: 'GET', path }, times.pollMs));
    hear(next);
  }

  function hear(report: KeepalivedReport): void {
    state.word = wordOf(report, state.word);
    if (!state.isReachable) setReachable(true);
    else onWord();
  }

  async function confirm(): Promise<void> {
    const request = { method: 'GET', path: '/node/1.0/keepalived' } as const;
    try {
      const report = readReport(await ask(request, times.confirmMs));
      const former = state.word?.report;
      // The long poll may have brought a later one meanwhile.
      if (report.boot !== former?.boot || report.sequence >= former.sequence) hear(report);
    } catch (error) {
      if (isStopped()) return;
      setReachable(false, error as Error);
      // The long poll would wait for its whole time.
      disconnect();
    }
  }

  /** The node makes a key, and the certificate for it counts when the node has shown it. */
  async function renew(): Promise<void> {
    const { node } = state;
    const request = { method: 'POST', path: '/node/1.0/certificate-request' } as const;
    const csr = readRequest(await ask({ ...request, body: {} }, times.answerMs));
    const common = nodeCommonName(node.id);
    const names = [`${common}.ha-agent.internal`];
    const subject = { common, names, addresses: [], usage: 'serverAuth' } as const;
    const certificate = await parts.signer.sign(parts.authority, csr, subject);
    await registrations.expect(node.id, certificate);
    state.node = (await registrations.get(node.id)) ?? node;
    const body = { certificate, authority: parts.authority.certificate };
    await ask({ method: 'PUT', path: '/node/1.0/certificate', body }, times.answerMs);
    log.info({ node: node.name }, 'the certificate of the node was renewed');
    disconnect();
  }

  async function renewIfDue(): Promise<void> {
    const now = performance.now();
    if (Date.now() < state.node.renewAt || now - state.renewedAt < times.renewMs) return;
    state.renewedAt = now;
    await renew().catch((error: unknown) => {
      const why = (error as Error).message;
      log.error({ node: state.node.name, why }, 'the certificate of the node was not renewed');
    });
  }

  function disconnect(): void {
    const { client } = state;
    state.client = undefined;
    void client?.close().catch(() => undefined);
  }

  async function converse(): Promise<void> {
    const age = performance.now() - state.factsAt;
    const isDue = age >= (state.refusal === undefined ? times.factsMs : times.refusedFactsMs);
    if (!state.isReachable || isDue) {
      await learnFacts();
      await renewIfDue();
    }
    await poll();
  }

  async function follow(): Promise<void> {
    let failures = 0;
    while (!isStopped()) {
      try {
        await converse();
        failures = 0;
        await pause(times.minPollMs);
      } catch (error) {
        if (isStopped()) return;
        setReachable(false, error as Error);
        if (!(error instanceof Fault)) log.error({ error: String(error) }, 'a link failed');
        // A new connection has to show the certificate again. An agent that knows no nodes, such as that of Octavia, has
        // shown it, and may be at work for a family.
        if (!(error instanceof NodeRefused)) disconnect();
        // Nodes that failed together do not come back together.
        const ms = Math.min(times.pauseMs * 2 ** failures, times.maxPauseMs);
        await pause(ms * (0.75 + Math.random() / 2));
        failures = Math.min(failures + 1, 10);
      }
    }
  }

  const isStopped = () => stopping.signal.aborted;
  const pause = (ms: number) =>
    sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  const following = follow();

  return {
    node: () => state.node,
    word: () => state.word,
    isReachable: () => state.isReachable,
    refusal: () => state.refusal,
    failure: () => state.failure,
    async order(orders, wanted) {
      const watch = state.node.interfaces.map(({ name }) => name).filter((name) => name !== 'lo');
      const body = { orders, wanted, watch };
      const request = { method: 'PUT', path: '/node/1.0/keepalived', body } as const;
      const digest = await ask(request, times.orderMs).then(readOrdered, (error: unknown) => {
        if (isAboutStore(error)) {
          state.isOrderRefused = true;
          refuse(error.message);
        }
        throw error;
      });
      if (digest === orders.digest) {
        state.isOrderRefused = false;
        refuse(undefined);
        return;
      }
      throw new Fault(
        'node_refused',
        `Node '${state.node.name}' runs another configuration than it was sent. It gets it again.`,
      );
    },
    request: (request, deadlineMs, signal) => requester(request, deadlineMs, signal),
    isAnswering: () => state.isAnswering === true,
    hasNodePart: () => state.hasNodePart,
    async leave() {
      const running = state.word?.report.running;
      const orders: Orders = {
        store: identity.id,
        epoch: identity.epoch,
        revision: (running?.revision ?? 0) + 1,
        digest: '0'.repeat(64),
      };
      await ask({ method: 'POST', path: '/node/1.0/leave', body: { orders } }, times.orderMs);
    },
    reconnect: disconnect,
    confirm() {
      if (!state.isReachable) return;
      confirming ??= confirm().finally(() => {
        confirming = undefined;
      });
    },
    async stop() {
      stopping.abort();
      disconnect();
      await Promise.all([following, confirming]);
    },
  };
}
