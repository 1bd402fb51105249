import * as z from 'zod';

import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Networks } from './networks.ts';

/** Asks hosts of a network whether one of them has an address, which the store cannot know. */
export interface Prober {
  /**
   * @returns the link-layer address of the host that has it; undefined if nobody answers, or if no node could ask in time
   * Faults: those of Store
   */
  userOf(network: string, address: string): Promise<string | undefined>;
}

export interface ProberParts {
  registry: Pick<NodeRegistry, 'list'>;
  links: Pick<NodeLinks, 'request' | 'isReachable'>;
  networks: Pick<Networks, 'interfaceOn'>;
  /** Milliseconds after which a node that has not answered counts as one that cannot ask. */
  deadlineMs?: number;
}

/** A node takes less than a second for it, and a request may wait for the one before. */
const usualDeadlineMs = 3000;
/** What a node takes in one request. */
const maxAddresses = 64;
/** A node may be cut off from a part of its link. */
const maxNodes = 2;

const answerSchema = z.object({
  used: z
    .array(z.object({ address: z.string().max(45), by: z.string().max(32) }))
    .max(maxAddresses),
});

type Used = ReadonlyMap<string, string>;

/** What is to be asked on one link of one node. */
interface Link {
  isBusy: boolean;
  waiting: { address: string; answer: (used: Used) => void }[];
}

/**
 * INVARIANTS
 * - A link of a node has one request at a time. What comes meanwhile goes together into the next one.
 * - A node that is too old for the question, or does not answer, keeps nobody waiting beyond the deadline.
 */
export function makeProber(parts: ProberParts): Prober {
  const { registry, links, networks, deadlineMs = usualDeadlineMs } = parts;
  const all = new Map<string, Link>();

  function ask(node: number, device: string, address: string): Promise<string | undefined> {
    const key = `${node} ${device}`;
    const link = all.get(key) ?? { isBusy: false, waiting: [] };
    all.set(key, link);
    return new Promise((resolve) => {
      const end = (user: string | undefined) => {
        clearTimeout(timer);
        resolve(user);
      };
      const timer = setTimeout(end, deadlineMs, undefined);
      link.waiting.push({
        address,
        answer: (used) => {
          end(used.get(address));
        },
      });
      if (!link.isBusy) void work(key, link, node, device);
    });
  }

  async function work(key: string, link: Link, node: number, device: string): Promise<void> {
    link.isBusy = true;
    while (link.waiting.length > 0) {
      const asked = link.waiting.splice(0, maxAddresses);
      const used = await usedOn(
        node,
        device,
        asked.map(({ address }) => address),
      );
      for (const { answer } of asked) answer(used);
    }
    all.delete(key);
  }

  async function usedOn(node: number, device: string, addresses: readonly string[]): Promise<Used> {
    const text = JSON.stringify({ interface: device, addresses });
    const path = '/node/1.0/address-probe';
    const request = { method: 'POST', path, text, type: 'application/json' } as const;
    try {
      const answer = await links.request(node, request, deadlineMs);
      if (answer.status !== 200) return new Map();
      const { used } = answerSchema.parse(JSON.parse(answer.text));
      return new Map(used.map(({ address, by }) => [address, by]));
    } catch {
      // Without an answer nothing is known, as before there was this question.
      return new Map();
    }
  }

  return {
    async userOf(network, address) {
      const nodes = await registry.list();
      const asking = nodes.flatMap((node) => {
        const device = links.isReachable(node.id) ? networks.interfaceOn(network, node) : undefined;
        return device === undefined || device === '' ? [] : [{ node: node.id, device }];
      });
      const found = await Promise.all(
        asking.slice(0, maxNodes).map(({ node, device }) => ask(node, device, address)),
      );
      return found.find((user) => user !== undefined);
    },
  };
}
