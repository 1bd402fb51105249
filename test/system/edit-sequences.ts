import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import {
  type AgentMetadataReader,
  makeAgentMetadataReader,
} from '../../src/cluster/agents/agent-metadata.ts';
import { makeFenceAgents, makeResourceAgents } from '../../src/cluster/agents/agents.ts';
import { isFenceDevice } from '../../src/cluster/edits/engine/cib-elements.ts';
import { Fault } from '../../src/kit/fault.ts';
import { childToEdit, parseEditableXml, walk, writeXml } from '../../src/parsers/xml-edit.ts';
import type { LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { asking, type Bench } from './asking.ts';
import { constraintEdits, laterConstraintEdits } from './constraint-edits.ts';
import {
  type Case,
  configurationOf,
  differences,
  hostIn,
  isOn,
  loadedCib,
  loadedConfiguration,
  made,
  more,
  refused,
  valuesOf,
} from './edits.ts';
import { type Difference, explanationOf } from './accepted-differences.ts';
import { isFull, seed, seedOf } from './share.ts';
import { idsIn } from '../../src/cluster/edits/engine/cib-ids.ts';

const maxSteps = 4;
/** The number of pcs commands in one run. A larger batch saves no more time. */
const batchSize = 50;

/** Compares sequences of the agent's edits with those of pcs. */
export function describeEditSequences(bench: Bench, suite: Suite): void {
  describe('edits on top of other edits', () => {
    const { node } = asking(bench);
    const count = isFull ? 320 : 12;

    it(`differ from those of pcs only as the contract says (${count} sequences, HA_TEST_SEED=${seed})`, async function () {
      this.timeout((isFull ? 60 : 10) * 60_000);
      const ofConstraints = [...constraintEdits(suite), ...laterConstraintEdits];
      const all = [...made, ...more, ...refused, ...ofConstraints];
      const drawn = { suite, seed: seedOf(suite) };
      const sequences = [
        ...editSequences(
          all.filter((each) => isOn(each, suite)),
          { ...drawn, count: count * 0.75 },
        ),
        // Among all edits, contradictory ones would rarely meet.
        ...editSequences(ofConstraints, { ...drawn, count: count * 0.25 }),
      ];
      const host = hostIn(node());
      const agents = makeAgentMetadataReader(host, makeResourceAgents(host), makeFenceAgents(host));
      const found = await compareSequences(sequences, await loadedCib(node()), {
        suite,
        agents,
        node: node(),
      });
      const unexplained = found.filter(({ difference }) => !explanationOf(difference));
      expect(unexplained).to.deep.equal([]);
    });
  });
}

/**
 * Sequences of edits that affect each other: each refers to an object of an earlier one. They are the same for the same
 * seed.
 */
export function editSequences(
  all: readonly Case[],
  { suite, seed, count }: { suite: Suite; seed: number; count: number },
): Case[][] {
  const configuration = childToEdit(
    parseEditableXml(`<cib>${loadedConfiguration}</cib>`),
    'configuration',
  );
  const ids = [...idsIn(configuration), 'New'];
  const subjects = new Map(
    all.map((each) => [each, ids.filter((id) => valuesOf(each, suite).includes(id))]),
  );
  const sequence = fc.array(fc.nat(), { minLength: 2, maxLength: maxSteps }).map((numbers) => {
    const steps: Case[] = [];
    for (const number of numbers) {
      const spoken = steps.flatMap((step) => subjects.get(step) ?? []);
      const near = all.filter((each) => subjects.get(each)?.some((id) => spoken.includes(id)));
      const from = near.length > 0 ? near : all;
      steps.push(from[number % from.length] as Case);
    }
    return steps;
  });
  return fc.sample(sequence, { seed, numRuns: count });
}

interface Found {
  sequence: readonly string[];
  difference: Difference;
}

interface Tools {
  node: Pick<LabNode, 'run'>;
  suite: Suite;
  agents: AgentMetadataReader;
}

/**
 * Makes each edit of each sequence with the agent and with pcs, on the agent's result of the edits before.
 * @param start the CIB at the beginning of each sequence
 */
export async function compareSequences(
  sequences: readonly (readonly Case[])[],
  start: string,
  tools: Tools,
): Promise<Found[]> {
  const found: Found[] = [];
  const cibs = sequences.map(() => start);
  for (let place = 0; place < maxSteps; place += 1) {
    const steps = sequences.flatMap((sequence, index) => {
      const step = sequence[place];
      return step ? [{ step, sequence, index, xml: cibs[index] ?? start }] : [];
    });
    for (let from = 0; from < steps.length; from += batchSize) {
      const batch = steps.slice(from, from + batchSize);
      const theirs = await byPcs(batch, tools);
      for (const [at, { step, sequence, index, xml }] of batch.entries()) {
        const ours = await byUs(step, xml, tools);
        const difference = differenceOf(step, xml, ours, theirs[at] as ByPcs);
        const names = sequence.map(({ what }) => what);
        if (difference) found.push({ sequence: names, difference });
        cibs[index] = ours.xml ?? xml;
      }
    }
  }
  return found;
}

interface ByPcs {
  exitCode: number;
  printed: string;
  xml: string;
}

async function byPcs(
  batch: readonly { step: Case; xml: string }[],
  { node, suite }: Tools,
): Promise<ByPcs[]> {
  const script = await readFile(join(import.meta.dirname, 'pcs-many.py'), 'utf8');
  const input = batch.map(({ step, xml }) => JSON.stringify({ args: valuesOf(step, suite), xml }));
  const printed = await node.run(['python3', '-c', script], {
    input: `${input.join('\n')}\n`,
    deadlineMs: 20 * 60_000,
  });
  return printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ByPcs);
}

async function byUs(
  step: Case,
  xml: string,
  { node, agents }: Tools,
): Promise<{ xml?: string; refusal?: string }> {
  const cib = parseEditableXml(xml);
  try {
    await step.ours(agents).edit?.(cib, { host: hostIn(node as LabNode), warn: () => undefined });
    return { xml: writeXml(cib) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { refusal: `${error.code}: ${error.message}` };
  }
}

function differenceOf(
  { what }: Case,
  before: string,
  { xml, refusal }: { xml?: string; refusal?: string },
  { exitCode, printed, xml: theirs }: ByPcs,
): Difference | undefined {
  const complaint = exitCode === 0 ? undefined : printed.trim() || `exit code ${exitCode}`;
  const lines =
    xml !== undefined && complaint === undefined
      ? differences(configurationOf(xml), configurationOf(theirs))
      : [];
  const isSame = (refusal === undefined) === (complaint === undefined) && lines.length === 0;
  if (isSame) return undefined;
  return { step: what, refusal, complaint, devices: devicesIn(before), lines };
}

/** The ids of the fence devices in a CIB. */
function devicesIn(xml: string): string[] {
  const configuration = childToEdit(parseEditableXml(xml), 'configuration');
  return [...walk(configuration)]
    .map(({ element }) => element)
    .filter((each) => each.name === 'primitive' && isFenceDevice(configuration, each))
    .map(({ attributes }) => attributes['id'] ?? '');
}
