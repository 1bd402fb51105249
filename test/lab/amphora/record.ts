import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabRecord } from '../record.ts';

/** Whose agent runs in the nodes: this project's, Octavia's own, or none. */
export type AgentKind = 'ours' | 'octavia' | 'none';

/** What a lab of amphorae has beside its nodes. */
export interface AmphoraRecord {
  readonly agent: AgentKind;
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
