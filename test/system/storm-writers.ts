import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LabNode } from '../lab/lab.ts';
import type { Random } from '../support/random.ts';
import { type Answer, callHa } from './client.ts';

export type Kind = 'property' | 'constraint' | 'resource';

/** A part of the configuration that only one writer changes. */
export interface Subject {
  kind: Kind;
  name: string;
  /** The values that it may have according to the answers; undefined if it may be absent. */
  allowed: Set<string | undefined>;
  /** Values of writes without a known outcome, which may still take the place of later ones. */
  unresolved: Set<string | undefined>;
  /** Requests and answers, for the message of a failure. */
  log: string[];
}

/** A change that a writer requests. */
interface Write {
  subject: Subject;
  method: string;
  path: string;
  body: object;
  /** The value of the subject afterwards. */
  value: string | undefined;
}

/** A write that was sent, and what the caller finally knows about it. */
export interface SentWrite {
  method: string;
  path: string;
  value: string | undefined;
  /** The node that got the request. */
  node: string;
  keyed: boolean;
  /** `lost` means that a write without a key got no answer. */
  outcome: 'made' | 'refused' | 'outcome_unknown' | 'lost';
  /** Whether an answer was lost and the request repeated. */
  repeated: boolean;
  code: string | undefined;
}

export interface Writers {
  subjects: readonly Subject[];
  sent: readonly SentWrite[];
  /** Repeats of answered writes that got another answer than the write itself. */
  differentRepeats: readonly string[];
  /** Writes until `isOver` says so. */
  run: (isOver: () => boolean) => Promise<void>;
}

export interface WritersParts {
  random: Random;
  token: string;
  nodes: readonly LabNode[];
  /** Whether a node can get requests now, as far as the test knows. */
  isUp: (node: LabNode) => boolean;
}

/** Options of the cluster whose values have no effect in this test. */
const properties = [
  'pe-error-series-max',
  'pe-warn-series-max',
  'pe-input-series-max',
  'cluster-recheck-interval',
  'node-health-base',
  'cluster-ipc-limit',
];
const writerCount = 6;
const maxConstraints = 4;
const maxResources = 2;
export const baseResource = 'storm-base';

/** The write that creates or sets a subject. */
export function createWrite(kind: Kind, name: string, value: string): Omit<Write, 'subject'> {
  switch (kind) {
    case 'property':
      return { method: 'POST', path: `property/${name}/set`, body: { value }, value };
    case 'constraint': {
      const body = { name, ticket: value, resource: baseResource, 'loss-policy': 'stop' };
      return { method: 'POST', path: 'constraint/ticket', body, value };
    }
    case 'resource': {
      const agent = 'ocf:pacemaker:Dummy';
      // Disabled, so that the cluster only probes it.
      const options = { params: { fake: value }, meta: { 'target-role': 'Stopped' } };
      return {
        method: 'POST',
        path: 'resource',
        body: { name, resource_agent: agent, ...options },
        value,
      };
    }
  }
}

function deleteWrite({ kind, name }: Subject): Omit<Write, 'subject'> {
  const none = { body: {}, value: undefined };
  if (kind === 'constraint') return { method: 'POST', path: `constraint/${name}/delete`, ...none };
  return { method: 'DELETE', path: `${kind}/${name}`, ...none };
}

/**
 * Callers that write to the agents of all nodes, each one change after another. About half of the writes have an
 * `Idempotency-Key`; such a write is repeated until it is answered.
 */
export function makeWriters({ random, token, nodes, isUp }: WritersParts): Writers {
  const subjects: Subject[] = [];
  const sent: SentWrite[] = [];
  const differentRepeats: string[] = [];
  let lastNumber = 0;

  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

  /** A value that no other write has; a number, for most options of the cluster are one. */
  function newValue(kind: Kind): string {
    lastNumber += 1;
    return kind === 'property' ? String(100_000 + lastNumber) : `storm-value-${lastNumber}`;
  }

  function newSubject(kind: Kind, name = `storm-${kind}-${lastNumber + 1}`): Subject {
    const none = new Set([undefined]);
    const subject = { kind, name, allowed: none, unresolved: new Set<undefined>(), log: [] };
    subjects.push(subject);
    return subject;
  }

  /** Sends a write to a node that is up. If the connection fails, the write was not sent. */
  async function send(write: Write, keyed: boolean): Promise<SentWrite> {
    const { method, path, body, value } = write;
    const headers = keyed ? { 'Idempotency-Key': randomUUID() } : undefined;
    const options = { token, method, body: JSON.stringify(body), ...(headers && { headers }) };
    let node = await nodeThatIsUp();
    let repeated = false;
    const ended = (outcome: SentWrite['outcome'], code?: string): SentWrite => {
      write.subject.log.push(
        `${new Date().toISOString()} ${node.name} ${keyed ? 'keyed' : 'plain'} ${method} ${path} ${value ?? ''}: ${outcome} ${code ?? ''}${repeated ? ' (repeated)' : ''}`,
      );
      return { method, path, value, node: node.name, keyed, outcome, repeated, code };
    };
    for (;;) {
      let answer: Answer;
      try {
        answer = await callHa(node, path, { ...options, timeoutMs: 30_000 });
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (!repeated && ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code)) {
          await sleep(100);
          node = await nodeThatIsUp();
          continue;
        }
        if (!keyed) return ended('lost', code);
        repeated = true;
        await sleep(300);
        continue;
      }
      const { code } = (answer.json ?? {}) as { code?: string };
      if (answer.status < 300) {
        if (keyed && random() < 0.1) await checkRepeat(node, path, options, answer);
        return ended('made');
      }
      return ended(code === 'outcome_unknown' ? code : 'refused', code ?? String(answer.status));
    }
  }

  async function nodeThatIsUp(): Promise<LabNode> {
    for (;;) {
      const up = nodes.filter(isUp);
      if (up.length > 0) return pick(up);
      await sleep(100);
    }
  }

  /** Repeats an answered write. The answer has to be the same, unless the agent has just been killed. */
  async function checkRepeat(
    node: LabNode,
    path: string,
    options: object,
    first: Answer,
  ): Promise<void> {
    const again = await callHa(node, path, { ...options, timeoutMs: 30_000 }).catch(
      () => undefined,
    );
    if (again === undefined || (again.status === first.status && again.text === first.text)) return;
    differentRepeats.push(`${path}: ${first.text}, then ${again.status} ${again.text}`);
  }

  async function perform(write: Write): Promise<void> {
    const { subject, value } = write;
    const before = subject.allowed;
    // The outcome if the run ends before the answer.
    subject.allowed = new Set([...before, value]);
    const result = await send(write, random() < 0.5);
    sent.push(result);
    switch (result.outcome) {
      case 'made':
        subject.allowed = new Set([value, ...subject.unresolved]);
        break;
      case 'refused':
        subject.allowed = before;
        break;
      case 'outcome_unknown':
      case 'lost':
        subject.unresolved.add(value);
        break;
    }
  }

  function nextWrite(own: Subject[], property: string | undefined): Write {
    const isKnown = ({ allowed }: Subject) => allowed.size === 1;
    const isThere = (subject: Subject) => isKnown(subject) && !subject.allowed.has(undefined);
    const there = (kind: Kind) => own.filter((each) => each.kind === kind && isThere(each));
    const create = (kind: Kind): Write => {
      const value = newValue(kind);
      const subject = newSubject(kind);
      own.push(subject);
      return { subject, ...createWrite(kind, subject.name, value) };
    };
    const dice = random();
    if (property !== undefined && dice < 0.4) {
      const subject = own.find(({ name }) => name === property) ?? newSubject('property', property);
      if (!own.includes(subject)) own.push(subject);
      if (isThere(subject) && random() < 0.3) return { subject, ...deleteWrite(subject) };
      return { subject, ...createWrite('property', property, newValue('property')) };
    }
    if (dice < 0.5) {
      // Few resources, because the cluster probes each one and a delete waits until it is idle.
      const resources = there('resource');
      const subject = pick(resources);
      if (resources.length === 0 || (resources.length < maxResources && random() < 0.2)) {
        return create('resource');
      }
      if (random() < 0.1) return { subject, ...deleteWrite(subject) };
      const value = newValue('resource');
      const path = `resource/${subject.name}/update`;
      return { subject, method: 'POST', path, body: { params: { fake: value } }, value };
    }
    const constraints = there('constraint');
    if (constraints.length >= maxConstraints || (constraints.length > 0 && random() < 0.4)) {
      const subject = pick(constraints);
      return { subject, ...deleteWrite(subject) };
    }
    return create('constraint');
  }

  return {
    subjects,
    sent,
    differentRepeats,
    async run(isOver) {
      const writer = async (_none: unknown, index: number) => {
        const own: Subject[] = [];
        while (!isOver()) await perform(nextWrite(own, properties[index]));
      };
      await Promise.all(Array.from({ length: writerCount }, writer));
    },
  };
}
