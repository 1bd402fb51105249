import type { AgentConfig } from '../../../amphora/agent/config.ts';
import { debianAmphoraPaths } from '../../../amphora/paths.ts';
import { ifThere, removeFile, statIfThere } from '../../../kit/files/files.ts';

/**
 * Decides what becomes of ha-amphora when this host has left its controller. As an amphora of OpenStack it goes on, by
 * the certificates of that controller. Without these, its configuration came by joining, and the service could not start
 * with it; so the file goes.
 * @param agentConfig undefined if this host carries no load balancers
 * @returns what systemd has to do with the service
 */
export async function endAsNode(
  agentConfig: AgentConfig | undefined,
  file = debianAmphoraPaths.agentConfig,
): Promise<'restart' | 'stop'> {
  if (agentConfig === undefined) return 'stop';
  const { serverCertificate, serverCa } = agentConfig;
  const found = await Promise.all([serverCertificate, serverCa].map(statIfThere));
  if (found.every((each) => each !== undefined)) return 'restart';
  await ifThere(removeFile(file));
  return 'stop';
}
