import type { Host } from '../kit/host.ts';
import type { KnownSecrets } from '../kit/secrets/known-secrets.ts';
import { type ClusterState, parseCrmMon } from '../parsers/crm-mon.ts';
import { maskPairs } from '../kit/secrets/masking.ts';
import { parseOutput, runPacemakerTool } from './tool.ts';

/** What crm_mon prints for people: the state, and the warnings that it had on stderr. */
export interface StateText {
  text: string;
  warnings: readonly string[];
}

/**
 * The cluster's state now, inactive resources and fencing history included (crm_mon(8)). All
 * generations print one shape for `--as-xml`; `--output-as=xml` differs between them. Secrets among the
 * nodes' attributes are masked, and those that are known in whatever agents said.
 * Faults: those of parseOutput.
 */
export function readState(
  host: Host,
  secrets?: Pick<KnownSecrets, 'maskXml'>,
): Promise<ClusterState> {
  const masked = (xml: string) => secrets?.maskXml(maskPairs(xml)) ?? maskPairs(xml);
  return parseOutput(host, ['crm_mon', '--as-xml'], (xml) => parseCrmMon(masked(xml)));
}

/**
 * The cluster's state now, as text for people.
 * Faults: those of runPacemakerTool.
 */
export async function readStateText(host: Host): Promise<StateText> {
  const argv = ['crm_mon', '--one-shot', '--inactive'] as const;
  const { stdout, stderr } = await runPacemakerTool(host, argv);
  return { text: stdout.trim(), warnings: stderr.trim() === '' ? [] : stderr.trim().split('\n') };
}
