import type { KeepalivedReport, Orders } from '../../keepalived/report.ts';
import type { WantedKeepalived } from '../../keepalived/wanted.ts';
import type { Transaction } from '../store/store.ts';

/** An interface of a node, as the node has reported it. */
export interface NodeInterface {
  name: string;
  /** With prefix lengths, such as 10.0.0.2/24. Virtual addresses are not among them. */
  addresses: readonly string[];
}

/** A host that has joined. */
export interface ControllerNode {
  id: number;
  /** Unique, `^[A-Za-z0-9_.-]{1,64}$`. */
  name: string;
  /** Where its agent answers. */
  host: string;
  port: number;
  interfaces: readonly NodeInterface[];
}

/** The hosts that this controller configures. One registry serves all families. */
export interface NodeRegistry {
  list(): Promise<readonly ControllerNode[]>;
  find(id: number): Promise<ControllerNode | undefined>;
}

/** The last word of a node. */
export interface NodeWord {
  report: KeepalivedReport;
  /** Milliseconds of a clock that only goes forward (`performance.now()`). */
  receivedAt: number;
  /** For each instance that is MASTER, when a word of the node first said so, by the same clock. */
  masterSince?: ReadonlyMap<string, number>;
}

/** A request to the agent of a node, besides those of keepalived. */
export interface NodeTextRequest {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With its query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** The body; none if undefined. */
  text?: string;
  /** The media type of the body. Some routes of agents expect none. */
  type?: string;
}

/** What an agent has answered. */
export interface NodeAnswer {
  status: number;
  /** By their names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** At most 8 MiB. */
  text: string;
}

/** The open connections to all nodes. */
export interface NodeLinks {
  /** The last report, or undefined before the first since this controller started. */
  word(node: number): NodeWord | undefined;
  /** Whether the last request to it was answered. */
  isReachable(node: number): boolean;
  /** Why the node takes no orders from this store, in one sentence; undefined if it does. */
  refusal(node: number): string | undefined;
  /**
   * Has a node run this configuration. Returns when keepalived runs it.
   * Faults: `node_unreachable`, `node_refused` with the node's sentence
   */
  order(node: number, orders: Orders, wanted: WantedKeepalived): Promise<void>;
  /**
   * Asks the agent of a node, by the connections of its link: its certificate is the pinned one. Requests wait while four
   * are under way, and their waiting counts.
   * @param deadlineMs until the whole answer is there
   * @returns the answer, whatever its status is
   * Faults: `node_unreachable`, at once if the link has just failed to reach it
   */
  request(
    node: number,
    request: NodeTextRequest,
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<NodeAnswer>;
  /** Whether the agent answers at all, even if it knows no controller. */
  isAnswering(node: number): boolean;
  /** Whether its agent takes orders for keepalived, which that of Octavia does not; undefined before its first answer. */
  hasNodePart(node: number): boolean | undefined;
  /** Calls the listener with the id of a node after each word, and when it becomes reachable or not. @returns an end */
  onWord(listener: (node: number) => void): () => void;
}

/** Families that use a node say so, so that it is emptied before it is removed. */
export interface NodeUse {
  /** What on this node would have to go first, one sentence each. Nothing if it is free. */
  uses(node: number, transaction: Transaction): Promise<readonly string[]>;
  /** Removes the rows about a node that is removed. */
  forget?(node: number, transaction: Transaction): Promise<void>;
}
