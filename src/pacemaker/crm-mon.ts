import type { PacemakerHost } from './paths.ts';
import type { KnownSecrets } from '../kit/secrets/known-secrets.ts';
import { Fault } from '../kit/fault.ts';
import { type ClusterState, hasOnlyPacemakerd, parseCrmMon } from '../parsers/crm-mon.ts';
import { maskPairs } from '../kit/secrets/masking.ts';
import { parseOutput, runPacemakerTool } from './tool.ts';

/** What crm_mon prints for people: the state, and the warnings on stderr. */
export interface StateText {
  text: string;
  warnings: readonly string[];
}

// On the way down, crm_mon of Pacemaker 3.0 ends with 0 and shows only what pacemakerd does.
const showsNoState = () =>
  new Fault(
    'cluster_not_running',
    'Pacemaker on this node is starting or stopping, so it shows no state. Try again in a few seconds.',
  );

/**
 * The cluster's current state, with inactive resources and fencing history (crm_mon(8)). All versions print the same
 * format for `--as-xml`, but different ones for `--output-as=xml`. Secrets in the nodes' attributes are masked, and known
 * secrets also in messages of agents.
 * Faults: `cluster_not_running` also while Pacemaker shows no state, those of parseOutput.
 */
export function readState(
  host: PacemakerHost,
  secrets?: Pick<KnownSecrets, 'maskXml'>,
): Promise<ClusterState> {
  const masked = (xml: string) => secrets?.maskXml(maskPairs(xml)) ?? maskPairs(xml);
  return parseOutput(host, ['crm_mon', '--as-xml'], (xml) => {
    const state = parseCrmMon(masked(xml));
    if (hasOnlyPacemakerd(state)) throw showsNoState();
    return state;
  });
}

/**
 * The cluster's current state, as text for people.
 * Faults: as readState, except `unreadable_output`.
 */
export async function readStateText(host: PacemakerHost): Promise<StateText> {
  const argv = ['crm_mon', '--one-shot', '--inactive'] as const;
  const { stdout, stderr } = await runPacemakerTool(host, argv);
  if (/^Status of pacemakerd: .*$/.test(stdout.trim())) throw showsNoState();
  return { text: stdout.trim(), warnings: stderr.trim() === '' ? [] : stderr.trim().split('\n') };
}
