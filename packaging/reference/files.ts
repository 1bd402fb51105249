import type { AgentFolders } from '../../src/pacemaker/paths.ts';
import { amphoraConfigFile } from '../../src/amphora/config.ts';
import { debianNodePaths, type NodePaths } from '../../src/node/paths.ts';
import { type AmphoraPaths, amphoraSocket, debianAmphoraPaths } from '../../src/amphora/paths.ts';
import type { AlphornPaths } from '../../src/alphorn/paths.ts';
import { controllerConfigFile } from '../../src/controller/config.ts';
import { controllerSocket } from '../../src/controller/paths.ts';
import { type StorePaths, storePaths } from '../../src/controller/store/paths.ts';
import { configFile, memoryFolder } from '../../src/kit/paths.ts';
import { debianPaths, type Paths } from '../../src/bin/wiring/paths.ts';
import { controllerSchema } from '../../src/bin/wiring/controller/config.ts';
import { configSchema } from '../../src/bin/wiring/config.ts';

/** A file or folder, and what it is for. */
export interface DescribedFile {
  path: string;
  what: string;
}

const { state_directory: state, runtime_directory: run, socket } = configSchema.parse({});
const { alphorn, agents } = debianPaths;

// The types demand an entry for each path in src/bin/wiring/paths.ts. `root` is the host itself.

const alphornFiles: Readonly<Record<Exclude<keyof AlphornPaths, 'root'>, string>> = {
  settings: 'The settings of Alphorn: see ha-agent.json(5).',
  rules: 'The rules for what goes into a liferaft, in files *.json: see ha-agent.json(5).',
  key: 'The key for hosts outside of the cluster; it must be readable by root alone.',
  own: "This host's own liferaft.",
  liferafts: 'The liferafts of other hosts.',
  knownKeys: 'Former keys, which stay valid for one hour.',
  restores: 'What restores replaced, so that they can be undone.',
  socket: 'The socket by which hactl and the agent reach the service alphorn.',
  hostId: 'The id of this host; made from /etc/machine-id if there is none.',
  machineId: 'The machine id of this host.',
  passwd: 'The names of users.',
  group: 'The names of groups.',
};
const clusterFiles: Readonly<Record<Exclude<keyof Paths, 'alphorn' | 'agents'>, string>> = {
  corosyncConf: "Corosync's configuration.",
  corosyncKey: "Corosync's key, by which nodes of one cluster know each other.",
  pcsCapabilities: 'What the installed pcs can do.',
  cib: 'The CIB on the disk, which answers while the cluster is stopped.',
  pacemakerDaemons: "Pacemaker's daemons.",
};
const agentFolders: Readonly<Record<keyof AgentFolders, string>> = {
  ocf: 'OCF resource agents.',
  initScripts: 'LSB resource agents.',
  units: 'systemd resource agents.',
  fence: 'Fence agents (fence_*).',
  fencePlugins: 'Fence agents of cluster-glue.',
};

const amphoraFiles: Readonly<Record<keyof AmphoraPaths, string>> = {
  base: 'Configurations, sockets and states of load balancers. Controllers name it.',
  certificates: 'The certificates of tenants, in memory. Controllers name it.',
  agentConfig: 'The configuration of ha-amphora that the controller writes.',
  interfaces: 'What was plugged, so that it is there again after a reboot.',
  logSocket: 'The socket to which haproxy logs; a link to the journal unless there is one.',
};

const nodeFiles: Readonly<Record<keyof NodePaths, string>> = {
  config: 'What this host decides about itself as a node of a controller; joining writes it.',
  credentials: "A node's key, its certificate and the CA of its controller.",
  state: 'The orders that a node runs, and the addresses that its keepalived has set.',
  keepalived: "The configuration of a node's keepalived.",
  pidFile: 'The process id of that keepalived.',
  dump: 'Where that keepalived writes its states.',
  fifo: 'Where that keepalived writes its transitions.',
  seen: 'The VRRP packets of others that a node has seen.',
  hostKeepalived: "The configuration of the host's own keepalived; it is only read.",
};
const controllerFiles: Readonly<Record<keyof StorePaths, string>> = {
  folder: 'The state of ha-controller.',
  file: 'The store of ha-controller, with the key of its authority.',
  numbers: 'Which numbers the store has given out. It is never restored.',
  lock: 'The process that has this file locked has the store.',
  copies:
    'Copies of the store from before each upgrade of its tables and each restore; the last ten stay.',
  backup: 'The backup of the store that goes into a liferaft.',
};
const { state_directory: controllerState } = controllerSchema.parse({});
const ofController = Object.entries(storePaths(controllerState)).map(([name, path]) => ({
  path: path as string,
  what: controllerFiles[name as keyof StorePaths],
}));

const isOwn = (path: string) => /^\/(?:etc|run|var\/lib)\/(?:ha-agent|alphorn)\//.test(path);
const ofAlphorn = Object.entries(alphornFiles).map(([name, what]) => ({
  path: alphorn[name as keyof typeof alphornFiles],
  what,
}));

/** Files and folders of ha-agent and Alphorn. */
export const ownFiles: readonly DescribedFile[] = [
  { path: configFile, what: 'The configuration: see ha-agent.json(5).' },
  {
    path: '/etc/default/ha-agent',
    what: 'Optional: a variable HA_AGENT_KEY=value a line, each of which overrides a key of the configuration. hactl(8) reads it too.',
  },
  { path: `${state}/tokens`, what: 'The tokens, as hashes.' },
  {
    path: `${state}/tls.pem`,
    what: "The agent's own key and certificate, which it renews before they expire.",
  },
  {
    path: `${state}/audit.jsonl`,
    what: 'The audit log; its closed files are audit-000001.jsonl and so on.',
  },
  {
    path: `${state}/audit.reserve`,
    what: 'Room on the disk for the last lines of the audit log.',
  },
  { path: `${state}/undo`, what: 'Patches that undo changes of the CIB.' },
  { path: `${state}/answers`, what: 'Answers to requests with an Idempotency-Key, for a day.' },
  { path: `${run}/crm_mon.html`, what: 'The page by which crm_mon shows that something changed.' },
  { path: `${run}/crm_mon.pid`, what: 'The process id of that crm_mon.' },
  { path: socket, what: 'The socket of the API, only for root and without a token.' },
  ...ofAlphorn.filter(({ path }) => isOwn(path)),
  {
    path: amphoraConfigFile,
    what: 'What this host decides about its amphora: see ha-agent.json(5).',
  },
  { path: amphoraSocket, what: 'The socket by which hactl and the agent reach ha-amphora.' },
  ...Object.entries(nodeFiles)
    .filter(([name]) => name !== 'hostKeepalived')
    .map(([name, what]) => ({ path: debianNodePaths[name as keyof NodePaths], what })),
  ...Object.entries(amphoraFiles).map(([name, what]) => ({
    path: debianAmphoraPaths[name as keyof AmphoraPaths],
    what,
  })),
  {
    path: controllerConfigFile,
    what: 'The configuration of ha-controller, which is off without it: see ha-agent.json(5).',
  },
  { path: controllerSocket, what: 'The socket by which hactl reaches ha-controller.' },
  ...ofController,
];

/** Files and folders of other software that ha-agent reads or changes. */
export const otherFiles: readonly DescribedFile[] = [
  ...Object.entries(clusterFiles).map(([name, what]) => ({
    path: debianPaths[name as keyof typeof clusterFiles],
    what,
  })),
  ...Object.entries(agentFolders).flatMap(([name, what]) =>
    [agents[name as keyof AgentFolders]].flat().map((path) => ({ path, what })),
  ),
  ...ofAlphorn.filter(({ path }) => !isOwn(path)),
  { path: debianNodePaths.hostKeepalived, what: nodeFiles.hostKeepalived },
  { path: memoryFolder, what: "Shared memory, with Corosync's and Pacemaker's queues." },
];
