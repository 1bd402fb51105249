import { readCorosyncConf } from '../corosync/conf.ts';
import { runToSuccess } from '../kit/exec.ts';
import type { PcsHost } from './paths.ts';
import { readConfiguration } from '../pacemaker/cib/cib.ts';
import { readStateText } from '../pacemaker/crm-mon.ts';
import { corosyncSetting } from '../parsers/corosync/conf.ts';
import { children, child, descendants, type XmlElement } from '../parsers/xml.ts';
import { readUnits, type Unit } from '../systemd/units.ts';
import { readCapabilities } from './capabilities.ts';
import { pcsWarnings } from './status-warnings.ts';

/** The output of `pcs status`, and the cluster's name in it. */
export interface PcsStatus {
  clusterName: string;
  /** What `pcs status` prints, to the byte. */
  text: string;
}

/** The daemons at the end of `pcs status`. Those that are not `always` shown are shown if enabled or running. */
const daemons = [
  { name: 'corosync', always: true },
  { name: 'pacemaker', always: true },
  { name: 'pacemaker_remote', always: false },
  { name: 'pcsd', always: true },
  { name: 'sbd', always: false },
] as const;

// The states for which `systemctl is-enabled` and `is-active` exit with 0 (systemctl(1)), as pcs asks.
const enabledStates = ['enabled', 'enabled-runtime', 'static', 'alias', 'indirect', 'generated'];
const runningStates = ['active', 'reloading', 'refreshing'];

/**
 * What `pcs status` prints. It is composed from the answers of Pacemaker, corosync and systemd, which are asked at the
 * same time: pcs takes ten times as long, mostly to start Python. If the text cannot be derived from these (see
 * status-warnings.ts), pcs is asked.
 * Faults: `cluster_not_running`, `tool_failed`, `unreadable_output`, those of Run.
 */
export async function readPcsStatus(host: PcsHost): Promise<PcsStatus> {
  const [state, configuration, units, nameInConf] = await Promise.all([
    readStateText(host),
    readConfiguration(host),
    readUnits(
      host,
      daemons.map(({ name }) => `${name}.service`),
    ),
    clusterNameInConf(host),
  ]);
  const clusterName = nameInConf ?? clusterNameProperty(configuration);
  const ownWarnings = await pcsWarnings({
    configuration,
    sbdRunning: units.some((unit) => unit.id === 'sbd.service' && isRunning(unit)),
    readCapabilities: () => readCapabilities(host),
  });
  if (ownWarnings === 'only pcs knows') return { clusterName, text: await askPcs(host) };

  const warnings = [
    ...state.warnings.filter((line) => !line.startsWith('DEBUG: ')),
    ...ownWarnings,
  ];
  const lines = [
    `Cluster name: ${clusterName}`,
    ...(warnings.length > 0 ? ['', 'WARNINGS:', ...warnings, ''] : []),
    state.text,
    '',
    'Daemon Status:',
    ...daemonLines(units),
  ];
  return { clusterName, text: `${lines.join('\n')}\n` };
}

/**
 * The cluster's name.
 * Faults: as readPcsStatus.
 */
export async function readClusterName(host: PcsHost): Promise<string> {
  return (await clusterNameInConf(host)) ?? clusterNameProperty(await readConfiguration(host));
}

/** The name in corosync.conf, empty if it has none; undefined if there is no such file. */
async function clusterNameInConf(host: PcsHost): Promise<string | undefined> {
  const conf = await readCorosyncConf(host);
  return conf && (corosyncSetting(conf, 'totem', 'cluster_name') ?? '');
}

function daemonLines(units: readonly Unit[]): string[] {
  return daemons.flatMap(({ name, always }) => {
    const unit = units.find(({ id }) => id === `${name}.service`);
    const running = unit !== undefined && isRunning(unit);
    const enabled = unit !== undefined && enabledStates.includes(unit.unitFileState);
    if (!always && !running && !enabled) return [];
    return [`  ${name}: ${running ? 'active' : 'inactive'}/${enabled ? 'enabled' : 'disabled'}`];
  });
}

function isRunning({ activeState }: Unit): boolean {
  return runningStates.includes(activeState);
}

function clusterNameProperty(configuration: XmlElement): string {
  const crmConfig = child(configuration, 'crm_config');
  const pairs = children(crmConfig, 'cluster_property_set').flatMap((set) =>
    descendants(set, 'nvpair'),
  );
  return (
    pairs.find(({ attributes }) => attributes['name'] === 'cluster-name')?.attributes['value'] ?? ''
  );
}

function askPcs(host: PcsHost): Promise<string> {
  return runToSuccess(
    host.run,
    { argv: ['pcs', 'status'], deadlineMs: host.readDeadlineMs },
    // pcs exits with 1 on every failure.
    "pcs could not tell the status. Its own message is in 'stderr'; 'pcs status' on the node shows it as well.",
  );
}
