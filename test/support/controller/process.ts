import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { openTokenStore } from '../../../src/access/tokens.ts';
import { type AskController, makeAskController } from '../../../src/bin/hactl/controller/client.ts';
import { allMigrations } from '../../../src/bin/wiring/controller/families.ts';
import { makeSigner } from '../../../src/controller/certificates/signer.ts';
import { initController } from '../../../src/controller/init.ts';
import { controllerSocket } from '../../../src/controller/paths.ts';
import { makeRun } from '../../../src/kit/exec.ts';
import { makeLog } from '../../../src/kit/log.ts';
import { argvOf, compiledEnv } from '../run-and-kill.ts';
import { freePort } from './served.ts';

const program = fileURLToPath(new URL('../../../src/bin/ha-controller.ts', import.meta.url));
/** A loaded machine takes some seconds to compile all of it the first time. */
const startMs = 60_000;

/** Where a controller runs that is killed and started again. */
export interface ControllerPlace {
  port: number;
  /** The folder of the store, which may be a disk of its own. */
  state: string;
  /** An API token with the role admin. */
  token: string;
  environment: NodeJS.ProcessEnv;
}

/**
 * Makes a store with its authority, and a configuration.
 * @param folder of a test
 * @param more keys of the configuration
 */
export async function makeControllerPlace(
  folder: string,
  state = join(folder, 'state'),
  more: object = {},
): Promise<ControllerPlace> {
  const port = await freePort();
  const signer = makeSigner(makeRun(makeLog('silent')), join(folder, 'signing'));
  await initController({ folder: state, migrations: allMigrations, signer });
  const agent = join(folder, 'agent');
  await mkdir(agent, { recursive: true });
  const balancer = {
    secrets_key: join(folder, 'controller.key'),
    heartbeat_port: await freePort(),
  };
  const config = { address: '127.0.0.1', port, state_directory: state, balancer, ...more };
  const files = { agent: join(folder, 'config.json'), controller: join(folder, 'controller.json') };
  await writeFile(files.agent, JSON.stringify({ state_directory: agent }));
  await writeFile(files.controller, JSON.stringify(config));
  const token = await openTokenStore(join(agent, 'tokens')).create('storm', 'admin');
  const environment = {
    ...compiledEnv,
    PATH: process.env['PATH'],
    HA_AGENT_CONFIG: files.agent,
    HA_CONTROLLER_CONFIG: files.controller,
  };
  return { port, state, token, environment };
}

/** A real ha-controller. It has a /run of its own, because its socket has a fixed path. */
export interface ControllerProcess {
  pid: number;
  ask: AskController;
  /** Whether it has ended. */
  hasEnded(): boolean;
  /** Resolves when it listens. Rejects with its error output if it ends before. */
  listening: Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** @param command the program itself, as it is in the sources unless a test has made another one */
export function startControllerProcess(
  { environment }: ControllerPlace,
  command: readonly string[] = argvOf(program),
): ControllerProcess {
  const ownRun =
    'mount -t tmpfs -o mode=0755 tmpfs /run && mkdir -m 0700 /run/ha-controller && exec "$@"';
  const argv = ['--mount', '--propagation', 'private', 'sh', '-c', ownRun, 'sh'];
  const child = spawn('unshare', [...argv, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  });
  let [said, errors] = ['', ''];
  const closed = once(child, 'close').then(() => {
    said = said.slice(-4000);
  });
  const listening = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      reject(new Error(`ha-controller does not listen: ${said.slice(-4000)}${errors}`));
    }, startMs);
    child.stdout.on('data', (piece: Buffer) => {
      said += piece.toString();
      if (!said.includes('"listening"')) return;
      said = said.slice(-20);
      clearTimeout(late);
      resolve();
    });
    void closed.then(() => {
      clearTimeout(late);
      reject(new Error(`ha-controller ended: ${errors}`));
    });
  });
  listening.catch(() => undefined);
  child.stderr.on('data', (piece: Buffer) => (errors = (errors + piece.toString()).slice(-4000)));
  return {
    // The shell and unshare(1) have become the program.
    pid: child.pid ?? 0,
    ask: makeAskController(`/proc/${child.pid ?? 0}/root${controllerSocket}`),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    listening,
    async kill(signal = 'SIGKILL') {
      child.kill(signal);
      await closed;
    },
  };
}

export interface ApiAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: { status: number; code?: string; msg?: string; data?: unknown };
}

export interface ApiRequest {
  method: string;
  path: string;
  body?: unknown;
  key?: string;
}

/**
 * Asks the API of gateways over the network.
 * @returns undefined if no whole answer came
 */
export async function askApi(
  place: ControllerPlace,
  request: ApiRequest,
): Promise<ApiAnswer | undefined> {
  const path = `/admin-api/gateway${request.path}`;
  return (await askPlace(place, { ...request, path })) as ApiAnswer | undefined;
}

/**
 * Asks any API of a controller over the network.
 * @param request.path from the root
 * @returns the answer, its body undefined if it is empty; undefined if no whole answer came
 */
export async function askPlace(
  { port, token }: ControllerPlace,
  { method, path, body, key }: ApiRequest,
  agent: https.Agent | false = false,
): Promise<(Omit<ApiAnswer, 'body'> & { body: unknown }) | undefined> {
  try {
    const request = https.request({
      ...{ host: '127.0.0.1', port, method, path },
      ...{ rejectUnauthorized: false, agent },
      headers: {
        ...{ 'API-Token': token, 'X-Auth-Token': token },
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(key !== undefined && { 'Idempotency-Key': key }),
      },
    });
    request.setTimeout(60_000, () => request.destroy(new Error('no answer')));
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const { statusCode: status = 0, headers } = response;
    const said = await text(response);
    return { status, headers, body: said === '' ? undefined : (JSON.parse(said) as unknown) };
  } catch {
    return undefined;
  }
}
