import type { AgentConfig } from '../../../amphora/agent/config.ts';
import type { AmphoraDomain } from '../../../amphora/amphora.ts';
import { ownersWithoutCertificates } from '../../../amphora/haproxies/owner-configs.ts';
import type { OwnerHaproxies } from '../../../amphora/haproxies/haproxies.ts';
import type { Heartbeats } from '../../../amphora/heartbeat/make.ts';
import type { AmphoraNetwork } from '../../../amphora/network/network.ts';
import type { AmphoraPaths } from '../../../amphora/paths.ts';
import { type AmphoraStatus, makeAmphoraStatus } from '../../../amphora/status.ts';
import { configuredVips } from '../../../amphora/vrrp/vips.ts';

/** What `hactl amphora status` shows. */
export function makeStatus(
  domain: Pick<AmphoraDomain, 'lvs' | 'vrrp' | 'topologies' | 'info'>,
  {
    paths,
    agentConfig,
    haproxies,
    network,
    heartbeats,
  }: {
    paths: AmphoraPaths;
    agentConfig: AgentConfig;
    haproxies: Pick<OwnerHaproxies, 'owners' | 'listenersWithPools' | 'uploads'>;
    network: AmphoraNetwork;
    heartbeats: Heartbeats;
  },
): () => Promise<AmphoraStatus> {
  const ports = async () =>
    (await network.interfaces()).map(({ name, mac, state, isComplete }) => ({
      interface: name,
      mac,
      addresses: state.addresses.map(({ address, prefix }) => `${address}/${prefix}`),
      isUp: isComplete,
    }));
  return makeAmphoraStatus({
    ...domain,
    haproxies: { owners: haproxies.owners, listeners: haproxies.listenersWithPools },
    paths,
    agentCertificates: () => [agentConfig.serverCertificate, agentConfig.serverCa],
    uuid: () => agentConfig.amphoraId,
    async vips() {
      const plugged = (await network.interfaces()).flatMap(({ vips }) => vips);
      // On a host that was set up by hand, keepalived alone knows of it.
      return plugged.length > 0 ? plugged : configuredVips(paths.base);
    },
    ports,
    heartbeat() {
      const last = heartbeats.last();
      const error = heartbeats.problem();
      if (last === undefined && error === undefined) return undefined;
      return { at: last?.at.toISOString() ?? null, to: last?.to ?? null, error: error ?? null };
    },
    problems: async () => {
      const [info, lacking] = await Promise.all([
        domain.info(),
        haproxies.uploads().then(ownersWithoutCertificates),
      ]);
      return [...missingTools(info), ...lacking.map(certificatesGone)];
    },
  });
}

function certificatesGone(id: string): string {
  return `The certificates of ${id} are gone, as after a reboot, and no heartbeat is sent. The controller has to upload them again.`;
}

function missingTools({
  haproxyVersion,
  keepalivedVersion,
}: {
  haproxyVersion: string;
  keepalivedVersion: string;
}): string[] {
  const tools = { haproxy: haproxyVersion, keepalived: keepalivedVersion };
  return Object.entries(tools)
    .filter(([, version]) => version === '')
    .map(([tool]) => `${tool} is not installed: 'apt-get install ${tool}'.`);
}
