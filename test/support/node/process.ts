// The node part of a host as a process in a network namespace, with a real keepalived. Arguments: its folder, its name.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { checkKeepalivedConfig } from '../../../src/keepalived/check.ts';
import { makeKeepalivedProcess } from '../../../src/keepalived/state.ts';
import { readKeepalivedVersion } from '../../../src/keepalived/version.ts';
import { makeRun, makeStartResident } from '../../../src/kit/exec.ts';
import { makeLog } from '../../../src/kit/log.ts';
import { memoryFolder } from '../../../src/kit/paths.ts';
import { makeNodeCredentials } from '../../../src/node/credentials.ts';
import { makeNode } from '../../../src/node/make.ts';
import type { NodePaths } from '../../../src/node/paths.ts';
import type { NodeService } from '../../../src/node/host/service.ts';
import { makeSurroundings } from '../../../src/node/host/surroundings.ts';
import { nodeFamily } from '../../../src/routes/node/index.ts';
import { nodeLocalFamily } from '../../../src/routes/node/local.ts';
import { makeApp } from '../../../src/server/table/serve.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { unrecordedChanges } from '../amphora/stand-in.ts';

const [, , folder = '', name = 'node', probe = ''] = process.argv;
const log = makeLog('warn');
const run = makeRun(log);
const runtime = join(folder, 'run');
await mkdir(runtime, { recursive: true });

const paths: NodePaths = {
  config: join(folder, 'node.json'),
  credentials: join(folder, 'credentials'),
  state: join(folder, 'state'),
  keepalived: join(folder, 'state/keepalived/keepalived.conf'),
  pidFile: join(runtime, 'keepalived.pid'),
  dump: join(runtime, 'keepalived.json'),
  fifo: join(runtime, 'notify.fifo'),
  seen: join(runtime, 'seen'),
  hostKeepalived: join(folder, 'host-keepalived.conf'),
};
const keepalived = makeKeepalivedProcess({ pidFile: paths.pidFile, dump: paths.dump });

/** What systemd does with the unit: it starts keepalived again a second after its end, and needs no agent for that. */
const enabled = join(runtime, 'enabled');
const supervise = `
while [ -e "$1/enabled" ]; do
  rm -f "$1"/*.pid
  keepalived --dont-fork --vrrp --log-detail -G -f "$2" -p "$1/keepalived.pid" -r "$1/vrrp.pid"
  sleep 1
done
rm -f "$1/supervised"
`;
const service: NodeService = {
  async start() {
    await writeFile(enabled, '');
    if (existsSync(join(runtime, 'supervised'))) return;
    await writeFile(join(runtime, 'supervised'), '');
    spawn('sh', ['-c', supervise, 'sh', runtime, paths.keepalived], {
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, TMPDIR: runtime },
    }).unref();
  },
  async stop() {
    await rm(enabled, { force: true });
    const pid = await keepalived.pid();
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    while ((await keepalived.pid()) !== undefined) await sleep(20);
  },
  enable: () => Promise.resolve(),
  isStarting: () => Promise.resolve(existsSync(enabled)),
};

const version = await readKeepalivedVersion(run);
const host = { run, paths, readDeadlineMs: 20_000, changeDeadlineMs: 60_000 };
const node = await makeNode({
  name,
  isIncluding: false,
  host,
  startResident: makeStartResident(),
  keepalived,
  service,
  check: (file) => checkKeepalivedConfig({ run, memory: memoryFolder, inNamespace: [] }, file),
  version: () => Promise.resolve(version),
  surroundings: makeSurroundings(run, log, false),
  credentials: makeNodeCredentials(run, paths),
  onIdentity: () => undefined,
  onLeft: () => Promise.resolve(),
  log,
  probe,
});
const family = nodeFamily({ domain: node, changes: unrecordedChanges, log });
const local = nodeLocalFamily(node, faults);
const app = makeApp({ log, families: [family, local], elsewhere: family });
const socket = join(folder, 'node.sock');
await rm(socket, { force: true });
http.createServer(app).listen(socket);
process.once('SIGTERM', () => {
  void node.stop().then(() => process.exit());
});
await node.start();
