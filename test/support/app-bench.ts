import { join } from 'node:path';

import request from 'supertest';

import { type Agent, makeAgent } from '../../src/bin/wiring/agent.ts';
import { openTokenStore } from '../../src/access/tokens.ts';
import type { Role } from '../../src/access/roles.ts';
import type { FindStoppedDaemons } from '../../src/cluster/daemons.ts';
import type { Run } from '../../src/kit/exec.ts';
import type { Paths } from '../../src/bin/wiring/paths.ts';
import { clusterFamilies } from '../../packaging/reference/families.ts';
import { answerCheck } from './answer-check.ts';
import { fixturePath, type Generation } from './fixtures.ts';
import { keepingLog, type LoggedLine } from './keeping-log.ts';
import { loadConfig } from '../../src/bin/wiring/config.ts';

/** The agent's whole app, over a runner of the test, with recorded files. */
export interface AppBench {
  get: (path: string) => request.Test;
  post: (path: string, body: object) => request.Test;
  apps: Agent['apps'];
  client: ReturnType<typeof request>;
  /** The token that `get` and `post` use. */
  token: string;
  lines: LoggedLine[];
  finishUnfinished: Agent['finishUnfinished'];
  /** A new agent over the same files. */
  again: () => AppBench;
}

/**
 * @param folder a temporary folder for the tokens
 * @param environment keys of configuration that differ from the defaults
 * @param findStoppedDaemons finds the stopped daemons of the node, by default none
 * @param amphoraSocket where ha-amphora answers, by default nowhere
 */
export async function appBench(
  folder: string,
  run: Run,
  paths: Paths = noPaths,
  role: Role = 'viewer',
  environment: Readonly<Record<string, string>> = {},
  findStoppedDaemons: FindStoppedDaemons = () => Promise.resolve([]),
  amphoraSocket = '/nonexistent',
): Promise<AppBench> {
  const { log, lines } = keepingLog();
  const token = await openTokenStore(join(folder, 'tokens')).create('test', role);
  const config = await loadConfig({
    HA_AGENT_CONFIG: '/nonexistent',
    HA_AGENT_STATE_DIRECTORY: folder,
    HA_AGENT_RUNTIME_DIRECTORY: folder,
    ...environment,
  });
  return start();

  function start(): AppBench {
    const more = { paths, findStoppedDaemons, amphoraSocket };
    const { apps, finishUnfinished } = makeAgent(config, run, noResident, log, more);
    const client = checkedClient(request(apps.network));
    return {
      get: (path) => client.get(`/api/v2/system/ha/${path}`).set('token', token).send({}),
      post: (path, body) => client.post(`/api/v2/system/ha/${path}`).set('token', token).send(body),
      apps,
      client,
      token,
      lines,
      finishUnfinished,
      again: start,
    };
  }
}

const answers = answerCheck(clusterFamilies);

/** Asks by the other function. An answer that is not as documented fails the test. */
function checkedClient(client: ReturnType<typeof request>): ReturnType<typeof request> {
  const plain = Object.assign({}, client);
  const asChecked =
    (method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head') => (url: string) =>
      plain[method](url).expect((response) => {
        answers.check({
          method: method.toUpperCase(),
          url,
          status: response.status,
          text: response.text,
          type: response.headers['content-type'],
        });
      });
  return Object.assign(client, {
    get: asChecked('get'),
    post: asChecked('post'),
    put: asChecked('put'),
    patch: asChecked('patch'),
    delete: asChecked('delete'),
    head: asChecked('head'),
  });
}

/** The files of the nodes from which the recordings of the generation come. */
export function recordedPaths({ versions }: Generation): Paths {
  const folder = `cat/${versions['cat'] ?? 'unknown'}`;
  return {
    ...noPaths,
    corosyncConf: fixturePath(`${folder}/corosync-conf/stdout`),
    pcsCapabilities: fixturePath(`${folder}/pcs-capabilities/stdout`),
  };
}

/** The paths of a node on which nothing is installed. */
export const noPaths: Paths = {
  corosyncConf: '/nonexistent',
  corosyncKey: '/nonexistent',
  pcsCapabilities: '/nonexistent',
  cib: '/nonexistent',
  pacemakerDaemons: '/nonexistent',
  agents: {
    ocf: '/nonexistent',
    initScripts: '/nonexistent',
    units: [],
    fence: '/nonexistent',
    fencePlugins: '/nonexistent',
  },
  alphorn: {
    settings: '/nonexistent',
    rules: '/nonexistent',
    key: '/nonexistent',
    own: '/nonexistent',
    liferafts: '/nonexistent',
    knownKeys: '/nonexistent',
    restores: '/nonexistent',
    root: '/nonexistent',
    socket: '/nonexistent',
    hostId: '/nonexistent',
    machineId: '/nonexistent',
    passwd: '/nonexistent',
    group: '/nonexistent',
  },
};

function noResident(): never {
  throw new Error('The watch is not started in these tests.');
}
