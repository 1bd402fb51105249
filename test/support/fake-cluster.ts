import { readFile, writeFile } from 'node:fs/promises';

import type { Command, Outcome, Run } from '../../src/kit/exec.ts';
import { parseCib } from '../../src/parsers/cib/cib.ts';
import { versionOfCib, withoutStatus, withStatusOf } from '../../src/parsers/cib/text.ts';
import type { Cib } from '../../src/parsers/cib/cib.ts';
import { parseEditableXml, walk, writeXml } from '../../src/parsers/xml-edit.ts';
import { cibChanges } from './cib-changes.ts';
import { generations, type Generation, recorded } from './fixtures.ts';
import { elementAt, patchedCib } from './patched-cib.ts';

/**
 * A cluster that consists only of a CIB. Tools read and change it as the real ones do, and their calls are recorded. The
 * system tests show what the real tools do with a change.
 */
export interface FakeCluster {
  run: Run;
  /** All commands that were started. */
  calls: (readonly string[])[];
  /** The CIBs that were put in place, one after another. */
  cibs: string[];
  /** The current CIB. */
  cib: () => Cib;
  xml: () => string;
  /** Functions that answer instead of the cluster, by the tool's name; undefined lets the cluster answer. */
  answers: Map<string, (command: Command) => Promise<Outcome> | Outcome | undefined>;
  /**
   * The commands that changed the cluster. Commands that only read, and dry runs on a CIB in a file, are not among
   * them.
   */
  changes: () => (readonly string[])[];
  /** The differences from the first CIB, see cibChanges. */
  cibChanges: () => string[];
}

/** The generation that the CIBs come from. */
const generation = generations.find(({ suite }) => suite === 'bookworm') as Generation;

const reading = [
  'cibadmin --query',
  'crm_mon',
  'crm_resource --list',
  'crm_resource --wait',
  'crm_resource --show-metadata',
  'crm_simulate',
  'crmadmin --dc_lookup',
  'systemctl show',
  'crm_node --name',
  'crm_node --list',
  'corosync-cfgtool -s',
  'corosync-quorumtool -s',
  'corosync-cmapctl',
];

/**
 * A model of how Pacemaker's own escaping changes a patch on its way, as measured on each generation.
 * test/system/characters.ts shows that it is correct.
 */
export type Escaping = (patch: string) => string;

/** 3.0 */
export const keepsAll: Escaping = (patch) => patch;

/** 2.1: escapes nothing after the first character outside ASCII, and libxml recovers what it can. */
export const stopsBeyondAscii: Escaping = (patch) =>
  withValues(patch, (value) => {
    const [, before = '', behind = ''] = /^([\0-\u007f]*)(.*)$/su.exec(value) ?? [];
    const recovered = behind
      .replaceAll('&', '')
      .replaceAll('\t', ' ')
      .replace(/[<"].*/s, '');
    return before.replaceAll('\t', '    ') + recovered;
  });

/** 2.0: each byte outside ASCII becomes the octal text of a negative number. */
export const writesOctal: Escaping = (patch) =>
  withValues(patch, (value) =>
    value
      .replaceAll('\t', '    ')
      .replace(/[^\0-\u007f]/gu, (sign) =>
        [...Buffer.from(sign)]
          .map((byte) => `\\${(0x1_0000_0000 + byte - 256).toString(8)}`)
          .join(''),
      ),
  );

function withValues(patch: string, damaged: (value: string) => string): string {
  const root = parseEditableXml(patch);
  for (const { element } of walk(root)) {
    for (const [name, value] of Object.entries(element.attributes)) {
      element.attributes[name] = damaged(value);
    }
  }
  return writeXml(root);
}

/** @param xml the first CIB */
export function fakeCluster(xml: string, escaping: Escaping = keepsAll): FakeCluster {
  const calls: (readonly string[])[] = [];
  const onFiles = new Set<readonly string[]>();
  const cibs = [xml];
  const answers: FakeCluster['answers'] = new Map();
  const now = () => cibs.at(-1) ?? '';
  const stateNow = ofLatest(stateOf);

  async function onFile(file: string, { argv, input = '' }: Command): Promise<Outcome> {
    onFiles.add(argv);
    const text = await readFile(file, 'utf8');
    if (argv.includes('--query')) return success(text);
    await writeFile(file, writeXml(patchedCib(parseEditableXml(text), escaping(input))));
    return success('');
  }

  const run: Run = async (command) => {
    const { argv } = command;
    calls.push(argv);
    const [tool, ...args] = argv;
    const answer = await answers.get(tool)?.(command);
    if (answer) return answer;
    switch (tool) {
      case 'cibadmin': {
        if (args.includes('--xpath')) return elementIn(now(), args.at(-1) ?? '');
        const file = command.env?.['CIB_file'];
        if (file !== undefined) return onFile(file, command);
        // The new CIB has no status, and the present status stays.
        if (args.includes('--query')) return success(withStatusOf(withoutStatus(now()), xml));
        const patch = escaping(command.input ?? '');
        // CRM_EX_OLD
        if (!isOfVersion(patch, now())) return { exitCode: 103, stdout: '', stderr: '' };
        const patched = patchedCib(parseEditableXml(withoutStatus(now())), patch);
        cibs.push(withNextEpoch(writeXml(patched)));
        return success('');
      }
      case 'crmadmin':
        return success('Designated Controller is: 5e7638bc\n');
      case 'crm_simulate': {
        if (args.includes('--live-check')) return success('');
        await writeFile(args.at(-1) ?? '', await readFile(args.at(-3) ?? '', 'utf8'));
        return success(
          'Transition Summary:\n  * Stop       ZFS     ( ae82a9a2 )  due to node availability\n',
        );
      }
      case 'crm_resource':
        return args[0] === '--show-metadata' ? metadataOf(args[1]) : success(agentsOf(args));
      case 'pcs':
      case 'crm_mon':
        return success(tool === 'crm_mon' ? stateNow(now()) : '');
      case 'crm_node':
        return success('5e7638bc\n');
      case 'corosync-cfgtool':
        return success(args[0] === '-s' ? 'Local node ID 2, transport knet\n' : '');
      case 'corosync-quorumtool':
        return success('Quorate: Yes\nExpected votes: 1\n');
      case 'corosync-cmapctl':
      case 'stonith_admin':
      case 'systemctl':
        return success(args[0] === 'show' ? units : '');
      default:
        if (tool.endsWith('fenced')) return recorded(generation, 'pacemaker-fenced', 'metadata');
        if (tool.includes('pacemaker-')) return success(metadata);
        throw new Error(`not expected: ${argv.join(' ')}`);
    }
  };

  return {
    run,
    calls,
    cibs,
    answers,
    xml: now,
    cib: () => parseCib(now()),
    cibChanges: () => cibChanges(xml, now()),
    changes: () =>
      calls.filter((argv) => {
        const line = argv.join(' ');
        const isReading = reading.some((start) => line.startsWith(start));
        return !isReading && !line.includes('metadata') && !onFiles.has(argv);
      }),
  };
}

function elementIn(xml: string, path: string): Outcome {
  try {
    return success(writeXml(elementAt(parseEditableXml(xml), path).element));
  } catch {
    return { exitCode: 105, stdout: '', stderr: 'No such device or address\n' };
  }
}

export const success = (stdout: string): Outcome => ({ exitCode: 0, stdout, stderr: '' });

const units = ['pacemaker', 'pcsd', 'corosync']
  .map(
    (name) => `Id=${name}.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n`,
  )
  .join('\n');

const metadata = `<?xml version="1.0"?><resource-agent><parameters>
<parameter name="stonith-enabled"><content type="boolean" default="true"/></parameter>
<parameter name="cluster-delay"><content type="time" default="60s"/></parameter>
<parameter name="batch-limit"><content type="integer" default="0"/></parameter>
<parameter name="load-threshold"><content type="percentage" default="80%"/></parameter>
<parameter name="no-quorum-policy"><content type="select" default="stop"><option value="stop"/><option value="freeze"/></content></parameter>
</parameters></resource-agent>`;

/** Whether a patch was made from the present configuration, whose version it names. */
function isOfVersion(patch: string, xml: string): boolean {
  const [version] = parseEditableXml(patch).children;
  const source = version?.children.find(({ name }) => name === 'source')?.attributes;
  return `${source?.['admin_epoch'] ?? ''}.${source?.['epoch'] ?? ''}` === versionOfCib(xml);
}

function withNextEpoch(xml: string): string {
  return xml.replace(/ epoch="(\d+)"/, (_all, epoch: string) => ` epoch="${Number(epoch) + 1}"`);
}

function agentsOf(args: readonly string[]): string {
  if (args.includes('--list-ocf-providers')) return 'heartbeat\npacemaker\n';
  if (!args.includes('--list-agents')) return '';
  const lists: Readonly<Record<string, string>> = {
    'ocf:heartbeat': 'Dummy\nIPaddr2\n',
    'ocf:pacemaker': 'Dummy\nStateful\n',
    systemd: 'smbd\n',
    stonith: 'fence_dummy\nfence_ipmilan\n',
  };
  return lists[args.at(-1) ?? ''] ?? '';
}

const agentsRecorded: Readonly<Record<string, string>> = {
  'ocf:pacemaker:Dummy': 'dummy',
  // It has no parameter that the other agent lacks.
  'ocf:heartbeat:Dummy': 'dummy',
  'ocf:heartbeat:IPaddr2': 'ipaddr2',
  'ocf:pacemaker:Stateful': 'stateful',
  'systemd:smbd': 'unit',
  'stonith:fence_lab': 'lab',
  // The contract's name for an agent like the one in the lab.
  'stonith:fence_dummy': 'lab',
  'stonith:fence_ipmilan': 'ipmilan',
};

function metadataOf(agent = ''): Outcome {
  return recorded(generation, 'crm_resource', `metadata-${agentsRecorded[agent] ?? 'none'}`);
}

/** The same function with a cache of its latest answer, because the same CIB is asked about several times. */
function ofLatest(answer: (xml: string) => string): (xml: string) => string {
  let latest = { xml: '', text: '' };
  return (xml) => {
    if (latest.xml !== xml) latest = { xml, text: answer(xml) };
    return latest.text;
  };
}

/** All nodes are online, and all primitives run on the first one. */
function stateOf(xml: string): string {
  const { nodes, resources } = parseCib(xml);
  const nodesXml = nodes.map(
    ({ name, id }) =>
      `<node name="${name}" id="${id}" online="true" standby="false" type="member"/>`,
  );
  const names = resources.map(({ id }) => id);
  const running = names.map((id) => {
    const isStopped = xml.includes(`id="${id}-meta_attributes-target-role"`);
    const where = isStopped ? '' : `<node name="${nodes[0]?.name ?? ''}" id="1" cached="true"/>`;
    return `<resource id="${id}" role="Started">${where}</resource>`;
  });
  return `<crm_mon version="2.1.5"><summary/><nodes>${nodesXml.join('')}</nodes><resources>${running.join('')}</resources></crm_mon>`;
}
