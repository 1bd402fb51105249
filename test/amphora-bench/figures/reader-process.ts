// Readers of an agent, as a process of their own: the plan is the first argument. Each keeps its connection if the agent lets
// it. When standard input ends, it prints [start, milliseconds] of each answer, and what failed.
import { readFileSync } from 'node:fs';
import https from 'node:https';

export interface ReaderPlan {
  host: string;
  serverName: string;
  certificate: string;
  key: string;
  authority: string;
  readers: number;
  perSecond: number;
  paths: readonly string[];
}

export interface ReaderResult {
  /** Start by the monotonic clock, and duration, in milliseconds. */
  answers: [number, number][];
  failures: string[];
  /** The witness of this process: when it woke up late, and by how much. */
  late: [number, number][];
}

const plan = JSON.parse(process.argv[2] ?? '{}') as ReaderPlan;
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const result: ReaderResult = { answers: [], failures: [], late: [] };
const state = { isOver: false };
const tls = {
  host: plan.host,
  port: 9443,
  servername: plan.serverName,
  cert: readFileSync(plan.certificate),
  key: readFileSync(plan.key),
  ca: readFileSync(plan.authority),
};

function ask(agent: https.Agent, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    https
      .get({ ...tls, agent, path }, (response) => {
        response.resume();
        response.on('end', () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${path}: ${response.statusCode ?? ''}`));
        });
      })
      .on('error', reject);
  });
}

async function read(index: number): Promise<void> {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const every = 1000 / plan.perSecond;
  let next = now() + (index * every) / plan.readers;
  for (let count = index; !state.isOver; count += 1) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - now())));
    next += every;
    const start = now();
    try {
      await ask(agent, plan.paths[count % plan.paths.length] ?? '/');
      result.answers.push([start, now() - start]);
    } catch (error) {
      result.failures.push((error as Error).message);
    }
  }
  agent.destroy();
}

let ticked = now();
const ticking = setInterval(() => {
  const at = now();
  if (at - ticked > 20) result.late.push([at, at - ticked - 10]);
  ticked = at;
}, 10);

const readers = Promise.all(Array.from({ length: plan.readers }, (_, index) => read(index)));
process.stdin.resume().on('end', () => {
  state.isOver = true;
  void readers.then(() => {
    clearInterval(ticking);
    process.stdout.write(JSON.stringify(result));
  });
});
