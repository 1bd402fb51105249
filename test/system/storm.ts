import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { randomOf } from '../support/random.ts';
import { agentProcess, killAgentProcess } from './agent-process.ts';
import { asking, type Bench } from './asking.ts';
import { type Canonical, canonical } from './canonical-cib.ts';
import { call } from './client.ts';
import { isFull, shareOf } from './share.ts';
import {
  baseResource,
  createWrite,
  type Kind,
  makeWriters,
  type SentWrite,
  type Subject,
  type Writers,
} from './storm-writers.ts';

type Cut = 'power of the DC' | 'network of the DC' | 'network of the other node';

const size = isFull ? { writes: 2000, kills: 200, rounds: 5 } : { writes: 80, kills: 8, rounds: 1 };

/** Refusals that the test itself causes in the cluster. Any other refusal means that a write was made twice. */
const expectedRefusals: readonly string[] = [
  'cluster_not_running',
  'node_joining',
  'too_many_changes',
  'changed_meanwhile',
  'tool_timeout',
  'tool_failed',
  'tool_ended_by_signal',
  'resource_not_stopped',
];

/** Each answer is true, even if an agent or a node ends while callers write. Leaves the cluster as it was. */
export function describeStorm(bench: Bench, suite: Suite): void {
  describe('a storm of writes during kills of agents and losses of nodes', () => {
    const { ask, change, configuration, restore, settle } = asking(bench);
    const seed = Number(process.env['HA_TEST_SEED'] ?? Date.now() % 1_000_000);
    const random = randomOf(seed);
    const nodes = () => bench().lab.nodes;
    const away = new Set<LabNode>();
    /** The shape of each kind of subject in the CIB after an undisturbed creation. */
    const shapes = new Map<Kind, string>();
    const found = new Map<string, Found>();
    let saved = '';
    let startedAt = '';
    let writers: Writers | undefined;
    const ended = () => {
      if (writers === undefined) throw new Error('Nothing was written.');
      return writers;
    };

    before(async function () {
      this.timeout(3 * 3600_000);
      saved = await configuration();
      await change('POST', 'resource', createWrite('resource', baseResource, 'base').body);
      await recordShapes();
      startedAt = new Date().toISOString();
      const parts = { random, token: bench().token, nodes: nodes() };
      writers = makeWriters({ ...parts, isUp: (node) => !away.has(node) });
      const { sent } = writers;
      let disturbing = true;
      const disturbed = disturb().finally(() => {
        disturbing = false;
      });
      // The writers end with the disturbance, even if it fails.
      disturbed.catch(() => undefined);
      await writers.run(() => !disturbing && sent.length >= size.writes);
      await disturbed;
      await untilComplete();
      for (const node of nodes()) {
        const xml = await node.run(['cibadmin', '--query', '--local', '--scope', 'configuration']);
        found.set(node.name, subjectsIn(xml));
      }
      console.log(`      seed ${seed}: ${figures(sent)}`);
    });

    after(async function () {
      this.timeout(600_000);
      if (saved === '') return;
      await untilComplete();
      await restore(saved);
      await settle();
      expect(canonical(await configuration())).to.deep.equal(canonical(saved));
    });

    /** Creates one subject of each kind, and deletes it again. */
    async function recordShapes(): Promise<void> {
      const names = { property: 'pe-input-series-max', constraint: 'storm-c', resource: 'storm-r' };
      for (const kind of ['property', 'constraint', 'resource'] as const) {
        const name = names[kind];
        const { method, path, body } = createWrite(kind, name, '99');
        await change(method, path, body);
        const [node] = nodes();
        const xml = await node?.run(['cibadmin', '--query', '--scope', 'configuration']);
        const element = subjectsIn(xml ?? '').subjects.get(name)?.[0];
        if (element === undefined) throw new Error(`${name} was not created.`);
        shapes.set(kind, shapeOf(element, name, '99'));
        await change('DELETE', `${kind}/${name}`);
      }
    }

    async function disturb(): Promise<void> {
      await Promise.all(nodes().map((node) => killAgain(node, size.kills / nodes().length)));
      const cuts = shareOf<Cut>(
        ['power of the DC', 'network of the DC', 'power of the DC', 'network of the other node'],
        1,
        suite,
      );
      const all = isFull
        ? Array.from({ length: size.rounds }, (_none, round): Cut[] => [
            'power of the DC',
            round % 2 === 0 ? 'network of the DC' : 'network of the other node',
          ]).flat()
        : cuts;
      for (const cut of all) await cutOff(cut);
    }

    async function killAgain(node: LabNode, count: number): Promise<void> {
      for (let index = 0; index < count; index += 1) {
        await untilAgentAnswers(node);
        await sleep(random() * 1500);
        await killAgentProcess(await agentProcess(bench().lab, node));
      }
      await untilAgentAnswers(node);
    }

    /** Cuts off a node during writes to it, and waits until the cluster is complete again. */
    async function cutOff(what: Cut): Promise<void> {
      const [first] = nodes();
      const { coordinator = '' } = (await first?.cluster()) ?? {};
      const ofDc = what !== 'network of the other node';
      const node = nodes().find(({ name }) => (name === coordinator) === ofDc) as LabNode;
      const other = nodes().find((each) => each !== node) as LabNode;
      await sleep(random() * 2000);
      const actionsBefore = (await bench().lab.powerLog()).length;
      if (what === 'power of the DC') await node.crash();
      else await node.cut();
      // The cut interrupts writes that are under way. Later ones go to the other node.
      await sleep(random() * 1000);
      away.add(node);
      if (what !== 'power of the DC') {
        await waitUntil(
          `${other.name} to fence ${node.name}`,
          async () =>
            (await bench().lab.powerLog())
              .slice(actionsBefore)
              .some((line) => line.includes(`asked: reboot ${node.name}`)),
          { deadlineMs: 300_000 },
        );
        await node.mend();
      }
      await untilComplete();
      away.delete(node);
      await sleep(random() * 3000);
    }

    /** Waits until both nodes are members and their agents answer. */
    async function untilComplete(): Promise<void> {
      for (const node of nodes()) {
        await waitUntil(
          `${node.name} to be in the cluster`,
          async () => (await node.cluster()).online.length === nodes().length,
          { deadlineMs: 300_000 },
        );
        await untilAgentAnswers(node);
      }
    }

    async function untilAgentAnswers(node: LabNode): Promise<void> {
      await waitUntil(
        `the agent of ${node.name} to answer`,
        async () => (await call(node, '/healthz')).status === 200,
        { deadlineMs: 300_000, everyMs: 50 },
      );
    }

    /** What is wrong with a subject in the CIB of a node. */
    function faultOf(subject: Subject, node: string): string[] {
      const { kind, name, allowed, log } = subject;
      const elements = found.get(node)?.subjects.get(name) ?? [];
      const wrong = (text: string) =>
        [
          [`On ${node}, ${name} ${text}`, ...elements.map((each) => JSON.stringify(each)), ...log],
        ].map((lines) => lines.join('\n  '));
      if (elements.length > 1) return wrong('is there twice');
      const [element] = elements;
      if (element === undefined) return allowed.has(undefined) ? [] : wrong('is missing');
      const values = [...allowed].filter((value) => value !== undefined);
      const isAllowed = values.some((each) => shapeOf(element, name, each) === shapes.get(kind));
      if (isAllowed) return [];
      return wrong(`is not one of ${[...allowed].join(', ')}`);
    }

    it('leaves each acknowledged write in the CIB of each node, and no refused or partial one', () => {
      const { subjects } = ended();
      const faults = nodes().flatMap((node) =>
        subjects.flatMap((subject) => faultOf(subject, node.name)),
      );
      expect(faults, `${faults.length} faults, seed ${seed}`).to.deep.equal([]);
    });

    it('leaves nothing else in the CIB', () => {
      const names = new Set([...ended().subjects.map(({ name }) => name), baseResource]);
      for (const { subjects, others } of found.values()) {
        expect([...subjects.keys()].filter((name) => !names.has(name))).to.deep.equal([]);
        expect(others).to.deep.equal(subjectsIn(saved).others);
      }
    });

    it('leaves all nodes with one configuration', () => {
      const [first, ...rest] = [...found.values()].map(({ xml }) => xml);
      for (const each of rest) expect(each).to.equal(first);
    });

    it('causes only refusals that the state of the cluster or the agent explains', () => {
      const unexpected = ended().sent.filter(
        ({ outcome, code = '' }) => outcome === 'refused' && !expectedRefusals.includes(code),
      );
      expect(unexpected, `seed ${seed}`).to.deep.equal([]);
    });

    it('gets the same answer for a repeated write', () => {
      expect(ended().differentRepeats).to.deep.equal([]);
    });

    it('leaves each acknowledged write in the audit log, made once', async () => {
      const entries = new Map<string, AuditLine[]>();
      for (const node of nodes()) {
        const all = await auditOf(node);
        entries.set(
          node.name,
          all.filter(({ at }) => at >= startedAt),
        );
      }
      const faults = alike(ended().sent).flatMap((writes) => {
        const [write] = writes as [SentWrite];
        const made = (entries.get(write.node) ?? []).filter((entry) => isOf(entry, write));
        const successes = made.filter(({ outcome }) => outcome === 'success').length;
        const minSuccesses = writes.filter(({ outcome }) => outcome === 'made').length;
        const refused = writes.filter(({ outcome }) => outcome === 'refused').length;
        // The agent may be killed after a change and before the record of its end.
        const isTrue = successes >= minSuccesses && successes <= writes.length - refused;
        return isTrue ? [] : [{ successes, writes }];
      });
      expect(faults, `seed ${seed}`).to.deep.equal([]);
    });

    it('leaves a cluster that answers as before', async () => {
      const { status, text } = await ask('GET', 'status');
      expect(status, text).to.equal(200);
    });
  });
}

/** The subjects of a storm in a configuration by name, and everything else. */
interface Found {
  xml: string;
  subjects: Map<string, Canonical[]>;
  others: Canonical[];
}

const options = /^(?:pe-|cluster-recheck-interval$|node-health-base$|cluster-ipc-limit$)/;

function subjectsIn(xml: string): Found {
  const subjects = new Map<string, Canonical[]>();
  const without = (elements: readonly Canonical[]): Canonical[] =>
    elements.flatMap(([name, attributes, children]): Canonical[] => {
      const { id = '', name: option = '' } = attributes;
      const isSubject =
        (['primitive', 'rsc_ticket'].includes(name) && id.startsWith('storm-')) ||
        (name === 'nvpair' && options.test(option));
      if (!isSubject) return [[name, attributes, without(children)]];
      const key = name === 'nvpair' ? option : id;
      subjects.set(key, [...(subjects.get(key) ?? []), [name, attributes, children]]);
      return [];
    });
  return { xml, others: without(canonical(xml)), subjects };
}

/** An element as text, without its name and value. */
function shapeOf(element: Canonical, name: string, value: string): string {
  return JSON.stringify(element).replaceAll(`"${value}"`, '"VALUE"').replaceAll(name, 'NAME');
}

interface AuditLine {
  at: string;
  method: string;
  route: string;
  outcome: string;
  changes?: object[];
}

async function auditOf(node: LabNode): Promise<AuditLine[]> {
  const text = await node.run(['sh', '-c', 'cat /var/lib/ha-agent/audit.jsonl*']);
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as AuditLine];
    } catch {
      // A line that a kill cut short.
      return [];
    }
  });
}

/** Groups of writes that the audit log can distinguish. Only deletions of one property share a group. */
function alike(sent: readonly SentWrite[]): SentWrite[][] {
  const groups = new Map<string, SentWrite[]>();
  for (const write of sent) {
    const key = [write.node, write.method, write.path, write.value].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), write]);
  }
  return [...groups.values()];
}

function isOf(
  { method, route, changes }: AuditLine,
  { path, value, ...write }: SentWrite,
): boolean {
  if (method !== write.method || !route.endsWith(`/ha/${path}`)) return false;
  return value === undefined || JSON.stringify(changes ?? []).includes(`"${value}"`);
}

function figures(sent: readonly SentWrite[]): string {
  const count = (isOne: (write: SentWrite) => boolean) => String(sent.filter(isOne).length);
  const codes = new Map<string, number>();
  for (const { outcome, code = '' } of sent) {
    if (outcome === 'refused') codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  return [
    `${sent.length} writes (${count(({ keyed }) => keyed)} keyed)`,
    `${size.kills} kills`,
    `${count(({ outcome }) => outcome === 'made')} acknowledged`,
    `${count(({ outcome }) => outcome === 'refused')} refused (${[...codes].map(([code, times]) => `${code} ${times}`).join(', ')})`,
    `${count(({ outcome }) => outcome === 'outcome_unknown')} outcome_unknown`,
    `${count(({ outcome }) => outcome === 'lost')} plain ones without an answer`,
    `${count(({ outcome, repeated }) => repeated && outcome === 'made')} resolved by their repeat`,
  ].join(', ');
}
