import { dieAtCall } from '../support/dying-calls.ts';
import { restoreBench } from '../support/restore-bench.ts';

// A process that restores, and is killed at one of the calls by which it changes something on the disk.
//   killed-restore.ts FOLDER NAME NUMBER

const [folder = '', name = '', number = ''] = process.argv.slice(2);
const { restorer, host, warn } = restoreBench(folder);
await dieAtCall(Number(number), () => process.kill(process.pid, 'SIGKILL'));
await restorer.restore(host, name, undefined, warn);
