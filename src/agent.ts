import { loadConfig } from './config.ts';
import { makeAgent } from './deps.ts';
import { Fault } from './errors.ts';
import { makeRun, makeStartResident } from './exec.ts';
import { openListeners } from './listeners.ts';
import { makeLog } from './log.ts';
import { makeSystemdNotifier } from './systemd/notify.ts';
import { loadTlsIdentity } from './tls.ts';

/** Starts the agent and stops it on SIGTERM or SIGINT. */
async function main(): Promise<void> {
  // Else `ps` and `top` would show the name of Node's main thread.
  process.title = 'ha-agent';
  // Nothing that the agent makes, its Unix socket first of all, is anybody's but root's.
  process.umask(0o077);

  const config = await loadConfig(process.env);
  const log = makeLog(config.log_level);
  const run = makeRun(log);
  const systemd = makeSystemdNotifier(run, process.env, log);

  const identity = await loadTlsIdentity(config, run);
  const { apps, watch, prepare } = makeAgent(config, run, makeStartResident(), log);
  await prepare();
  const listeners = await openListeners(apps, config, identity);
  await watch.start();
  log.info({ addresses: listeners.addresses }, 'listening');
  await systemd.ready();

  const signal = await new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  log.info({ signal }, 'stopping');
  await Promise.all([systemd.stopping(), listeners.stop(), watch.stop()]);
  // A command that hangs would keep the process until its deadline; systemd ends it with the unit.
  process.exit();
}

try {
  await main();
} catch (error) {
  const text =
    error instanceof Fault
      ? [error.message, error.command?.stderr].filter(Boolean).join('\n')
      : String((error as Error).stack);
  process.stderr.write(`ha-agent: ${text}\n`);
  // Not the exit code alone: an open door or crm_mon would keep the process, and systemd waiting.
  process.exit(1);
}
