// Runs on a node, in the Node.js of the package: pushes spoilt texts through the order taker and the loader of the node
// part, which are the real ones. It reads a plan from standard input, and writes a line of JSON for each mutation.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

import { checkKeepalivedConfig } from '../../src/keepalived/check.ts';
import { digestOf } from '../../src/keepalived/digest.ts';
import { renderKeepalived } from '../../src/keepalived/render.ts';
import { makeKeepalivedProcess } from '../../src/keepalived/state.ts';
import { readKeepalivedVersion } from '../../src/keepalived/version.ts';
import type { WantedKeepalived } from '../../src/keepalived/wanted.ts';
import { makeRun } from '../../src/kit/exec.ts';
import { Fault } from '../../src/kit/fault.ts';
import { makeLog } from '../../src/kit/log.ts';
import { memoryFolder } from '../../src/kit/paths.ts';
import { readUpInterfaces } from '../../src/netlink/present.ts';
import { makeLoader } from '../../src/node/apply.ts';
import { makeNodeService } from '../../src/node/host/service.ts';
import { makeOrderTaker } from '../../src/node/orders.ts';
import { debianNodePaths as paths } from '../../src/node/paths.ts';
import { type Applied, openNodeState } from '../../src/node/state.ts';
import { randomOf } from '../support/random.ts';
import { mutationOf } from './mutate.ts';

export interface MutationPlan {
  node: string;
  /** What runs, and what is ordered with a spoilt text. */
  former: WantedKeepalived;
  next: WantedKeepalived;
  /** Numbers of mutations. */
  from: number;
  to: number;
  store: string;
}

export interface MutationResult {
  number: number;
  what: string;
  /** The code of the fault; `taken` if there was none. */
  outcome: string;
  message: string;
  problems: string[];
}

const log = makeLog('error');
const run = makeRun(log);
const host = { run, readDeadlineMs: 20_000, changeDeadlineMs: 60_000, paths };
const plan = JSON.parse(await text(process.stdin)) as MutationPlan;
const version = await readKeepalivedVersion(run);
const keepalived = makeKeepalivedProcess(paths);
const state = await openNodeState(paths.state);
let spoil: ((text: string) => string) | undefined;
let spoilt = '';

const render = ({ wanted, refreshSeconds }: Applied) => {
  const options = { version, node: plan.node, fifo: paths.fifo, refreshSeconds };
  const rendered = renderKeepalived(wanted, options);
  const isSpoilt = spoil !== undefined && digestOf(wanted) === digestOf(plan.next);
  return Promise.resolve(isSpoilt ? spoilt : rendered);
};
const loader = makeLoader({
  file: paths.keepalived,
  render,
  isIncluding: false,
  check: (file) => checkKeepalivedConfig({ run, memory: memoryFolder, inNamespace: [] }, file),
  keepalived,
  service: makeNodeService(host),
  log,
});
const orders = makeOrderTaker({
  ...{ state, loader, log },
  refuseOthers: () => Promise.resolve(),
  prepare: () => Promise.resolve(),
  onChange: () => undefined,
});

/** What must stay as it is. */
async function seen() {
  const processes = (await keepalived.processes()).map(({ pid }) => pid);
  const instances = (await keepalived.instances()) ?? [];
  return {
    processes: processes.join(' '),
    states: instances.map(({ name, state: own }) => `${name} ${own}`).join(', '),
    transitions: instances.map(({ name, transitions }) => `${name} ${transitions}`).join(', '),
    addresses: [...readUpInterfaces().values()].flatMap(({ addresses }) => addresses).join(' '),
    file: readFileSync(paths.keepalived, 'utf8'),
  };
}

let revision = state.current()?.orders.revision ?? 0;
const order = (wanted: WantedKeepalived) => {
  revision += 1;
  const own = { store: plan.store, epoch: 1, revision, digest: digestOf(wanted) };
  return orders.order({ orders: own, wanted, watch: [] });
};

for (let number = plan.from; number < plan.to; number += 1) {
  const mutation = mutationOf(number, randomOf(number + 1));
  const next = { wanted: plan.next, refreshSeconds: (state.current()?.refreshSeconds ?? 60) + 1 };
  spoil = undefined;
  const whole = await render(next as Applied);
  spoilt = mutation.spoil(whole);
  ({ spoil } = mutation);
  const before = await seen();
  const outcome = await order(plan.next).then(
    () => ({ code: 'taken', message: '' }),
    (error: unknown) => ({
      code: error instanceof Fault ? error.code : 'error',
      message: String(error),
    }),
  );
  const after = await seen();
  spoil = undefined;
  const problems = (Object.keys(before) as (keyof typeof before)[]).flatMap((key) =>
    before[key] === after[key] ? [] : [`${key}: ${before[key]} -> ${after[key]}`],
  );
  const result: MutationResult = {
    number,
    what: mutation.what,
    outcome: outcome.code,
    message: outcome.message.slice(0, 300),
    problems,
  };
  process.stdout.write(`${JSON.stringify({ ...result, isSame: spoilt === whole })}\n`);
  if (outcome.code === 'taken') await order(plan.former);
}
