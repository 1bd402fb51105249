import type { PacemakerHost } from './paths.ts';
import type { KnownSecrets } from '../kit/secrets/known-secrets.ts';
import { type ClusterState, parseCrmMon } from '../parsers/crm-mon.ts';
import { maskPairs } from '../kit/secrets/masking.ts';
import { parseOutput, runPacemakerTool } from './tool.ts';

/** What crm_mon prints for people: the state, and the warnings on stderr. */
export interface StateText {
  text: string;
  warnings: readonly string[];
}

/**
 * The cluster's current state, with inactive resources and fencing history (crm_mon(8)). All versions print the same
 * format for `--as-xml`, but different ones for `--output-as=xml`. Secrets in the nodes' attributes are masked, and known
 * secrets also in messages of agents.
 * Faults: those of parseOutput.
 */
export function readState(
  host: PacemakerHost,
  secrets?: Pick<KnownSecrets, 'maskXml'>,
): Promise<ClusterState> {
  const masked = (xml: string) => secrets?.maskXml(maskPairs(xml)) ?? maskPairs(xml);
  return parseOutput(host, ['crm_mon', '--as-xml'], (xml) => parseCrmMon(masked(xml)));
}

/**
 * The cluster's current state, as text for people.
 * Faults: those of runPacemakerTool.
 */
export async function readStateText(host: PacemakerHost): Promise<StateText> {
  const argv = ['crm_mon', '--one-shot', '--inactive'] as const;
  const { stdout, stderr } = await runPacemakerTool(host, argv);
  return { text: stdout.trim(), warnings: stderr.trim() === '' ? [] : stderr.trim().split('\n') };
}
