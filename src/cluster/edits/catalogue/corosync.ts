import { replaceCorosyncConf } from '../../../corosync/conf.ts';
import { generateCorosyncKey, writeCorosyncKey } from '../../../corosync/key.ts';
import type { Host } from '../../../kit/host.ts';
import { type CorosyncSection, writeCorosyncConf } from '../../../parsers/corosync/conf.ts';
import { readUnits } from '../../../systemd/units.ts';
import type { ClusterChange, Site } from '../cluster-change.ts';

/**
 * Puts a configuration in the place of this node's corosync.conf; corosync takes it up when it is started.
 * @returns a change that returns the file's text
 * @throws Fault `invalid_request` for content that corosync.conf cannot hold
 * Faults: those of replaceCorosyncConf.
 */
export function setCorosyncConf(conf: CorosyncSection): ClusterChange<string> {
  return setCorosyncConfText(writeCorosyncConf(conf));
}

/** The same of the text itself. */
export function setCorosyncConfText(text: string): ClusterChange<string> {
  return { carryOut: ({ host }) => replaceCorosyncConf(host, text) };
}

/** @param key in hexadecimal */
export function setCorosyncKey(key: string): ClusterChange<void> {
  return {
    async carryOut({ host, warn }) {
      await writeCorosyncKey(host, Buffer.from(key, 'hex'));
      await warnOfRunning(host, warn);
    },
  };
}

/** A change that answers with what corosync-keygen(8) prints. */
export function generateKey(): ClusterChange<string> {
  return {
    async carryOut({ host, warn }) {
      const text = await generateCorosyncKey(host);
      await warnOfRunning(host, warn);
      return text;
    },
  };
}

/** Corosync reads its key when it starts, and hears no node that has another. That nobody can tell is no failure. */
async function warnOfRunning(host: Host, warn: Site['warn']): Promise<void> {
  const [corosync] = await readUnits(host, ['corosync.service']).catch(() => []);
  if (corosync?.activeState !== 'active') return;
  warn(
    `The cluster runs on this node with the key that it started with. With the new one it joins no node that has another: write this key on all nodes before corosync is restarted on any. The former key, if there was one, is in ${host.paths.corosyncKey}.previous.`,
  );
}
