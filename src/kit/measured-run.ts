import { Counter, Histogram, type Registry } from 'prom-client';

import { Fault } from './fault.ts';
import type { Run } from './exec.ts';

/** Seconds; pcs takes half of one to start, and fencing may take minutes. */
const buckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120];

/** Adds metrics to a runner: the number of commands by tool and outcome, and how long they took. */
export function measureRun(run: Run, registry: Registry): Run {
  const commands = new Counter({
    name: 'ha_agent_commands_total',
    help: 'Commands by tool and exit code, or the code of the fault if they did not end by themselves.',
    labelNames: ['tool', 'outcome'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'ha_agent_command_seconds',
    help: 'Time that commands took.',
    labelNames: ['tool'],
    buckets,
    registers: [registry],
  });
  return async (command) => {
    const [tool] = command.argv;
    const end = seconds.startTimer({ tool });
    let outcome = 'internal_error';
    try {
      const done = await run(command);
      outcome = `${done.exitCode}`;
      return done;
    } catch (error) {
      if (error instanceof Fault) outcome = error.code;
      throw error;
    } finally {
      end();
      commands.inc({ tool, outcome });
    }
  };
}
