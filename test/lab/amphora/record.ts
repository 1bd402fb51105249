import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabRecord } from '../record.ts';

/** Whose agent runs in a node: this project's, Octavia's own, or none. */
export type AgentKind = 'ours' | 'octavia' | 'none';

/** Whose agents run in a lab. With `both`, Octavia's own is in the first node, and this project's in the others. */
export type LabAgents = AgentKind | 'both';

/** Whose agent runs in a node of a lab. */
export function agentIn(agents: LabAgents, index: number): AgentKind {
  if (agents !== 'both') return agents;
  return index === 0 ? 'octavia' : 'ours';
}

/** What a lab of amphorae has beside its nodes. */
export interface AmphoraRecord {
  readonly agent: LabAgents;
  readonly topology: 'SINGLE' | 'ACTIVE_STANDBY';
  readonly heartbeatKey: string;
}

const fileOf = (lab: LabRecord): string => join(lab.folder, 'amphora.json');

/** The folder of the certificates of a lab. */
export const trustFolder = (lab: LabRecord): string => join(lab.folder, 'trust');

/** The id of the amphora in a node, the same in each lab. */
export const amphoraId = (index: number): string =>
  `5f0e0001-aaaa-4000-8000-00000000000${index + 1}`;

export const writeAmphoraRecord = (lab: LabRecord, record: AmphoraRecord): Promise<void> =>
  writeFile(fileOf(lab), JSON.stringify(record, null, 2));

/** Throws if the lab is none of amphorae. */
export async function readAmphoraRecord(lab: LabRecord): Promise<AmphoraRecord> {
  return JSON.parse(await readFile(fileOf(lab), 'utf8')) as AmphoraRecord;
}
