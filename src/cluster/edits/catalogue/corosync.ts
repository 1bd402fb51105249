import { replaceCorosyncConf } from '../../../corosync/conf.ts';
import { generateCorosyncKey, writeCorosyncKey } from '../../../corosync/key.ts';
import type { ClusterHost } from '../../paths.ts';
import { type CorosyncSection, writeCorosyncConf } from '../../../parsers/corosync/conf.ts';
import { readUnits } from '../../../systemd/units.ts';
import type { ClusterChange, Site } from '../cluster-change.ts';

/**
 * Replaces this node's corosync.conf. Corosync reads it at its next start.
 * @returns a change that returns the file's text
 * @throws Fault `invalid_request` for content that corosync.conf cannot hold
 * Faults: those of replaceCorosyncConf.
 */
export function setCorosyncConf(conf: CorosyncSection): ClusterChange<string> {
  return setCorosyncConfText(writeCorosyncConf(conf));
}

/** As setCorosyncConf, for the text of the file. */
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

/** Makes a new key. The change returns the output of corosync-keygen(8). */
export function generateKey(): ClusterChange<string> {
  return {
    async carryOut({ host, warn }) {
      const text = await generateCorosyncKey(host);
      await warnOfRunning(host, warn);
      return text;
    },
  };
}

/** Corosync reads its key at its start, and ignores nodes with another key. If systemd cannot be asked, nothing is said. */
async function warnOfRunning(host: ClusterHost, warn: Site['warn']): Promise<void> {
  const [corosync] = await readUnits(host, ['corosync.service']).catch(() => []);
  if (corosync?.activeState !== 'active') return;
  warn(
    `The cluster on this node runs with its former key until corosync is restarted. With the new key this node can join only nodes that have it too: write it on all nodes before corosync is restarted on any. The former key, if there was one, is in ${host.paths.corosyncKey}.previous.`,
  );
}
