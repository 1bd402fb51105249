import { replaceCorosyncConf } from '../../corosync/conf.ts';
import { generateCorosyncKey, writeCorosyncKey } from '../../corosync/key.ts';
import { corosyncConfOfJson, writeCorosyncConf } from '../../parsers/corosync-conf.ts';
import type { Change } from './changes.ts';

/**
 * Puts a configuration in the place of this node's corosync.conf; corosync takes it up when it is started.
 * @param json as `corosync` shows it
 * @returns a change that answers with the file's text
 * @throws Fault `invalid_request`
 * Faults: those of replaceCorosyncConf.
 */
export function setCorosyncConf(json: unknown): Change<string> {
  return setCorosyncConfText(writeCorosyncConf(corosyncConfOfJson(json)));
}

/** The same of the text itself. */
export function setCorosyncConfText(text: string): Change<string> {
  return { carryOut: ({ host }) => replaceCorosyncConf(host, text) };
}

/** @param key in hexadecimal */
export function setCorosyncKey(key: string): Change<undefined> {
  return {
    async carryOut({ host }) {
      await writeCorosyncKey(host, Buffer.from(key, 'hex'));
      return undefined;
    },
  };
}

/** A change that answers with what corosync-keygen(8) prints. */
export function generateKey(): Change<string> {
  return { carryOut: ({ host }) => generateCorosyncKey(host) };
}
