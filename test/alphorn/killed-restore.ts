import { Fault } from '../../src/kit/fault.ts';
import { dieAtCall } from '../support/dying-calls.ts';
import { restoreBench } from '../support/restore-bench.ts';

// A process that restores or undoes, and is killed at one of the calls that change something on the disk. If it ends
// before that, it prints its answer or its fault.
//   killed-restore.ts FOLDER LIFERAFT NUMBER [restore|undo|force [PATH...]]

const [folder = '', name = '', number = '', what = 'restore', ...paths] = process.argv.slice(2);
const { restorer, host, warn } = restoreBench(folder);
await dieAtCall(Number(number), () => process.kill(process.pid, 'SIGKILL'));
try {
  const done =
    what === 'restore'
      ? await restorer.restore(host, name, paths.length > 0 ? paths : undefined, warn)
      : await restorer.undo(host, what === 'force', warn);
  console.log(JSON.stringify(done));
} catch (error) {
  if (!(error instanceof Fault)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
