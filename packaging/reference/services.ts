import { readdir, readFile } from 'node:fs/promises';

import { keysOf } from './keys.ts';
import { configSchema } from '../../src/bin/wiring/config.ts';

const folder = new URL('../../systemd/', import.meta.url);

/** The services and mounts of the package, with the descriptions of their units. */
export async function services(): Promise<{ name: string; what: string }[]> {
  const names = (await readdir(folder)).filter((name) => /\.(?:service|mount)$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const unit = await readFile(new URL(name, folder), 'utf8');
      const what = /^Description=(.+)$/m.exec(unit)?.[1];
      if (what === undefined) throw new Error(`${name} has no description.`);
      return { name, what: `${what}.` };
    }),
  );
}

export interface Port {
  /** As it is by default; undefined if it is off. */
  number: string | undefined;
  key: string;
  what: string;
}

/** The ports that are listened on: the keys of the configuration that end in `_port`, and those of ha-amphora and ha-controller. */
export const ports: readonly Port[] = [
  ...portsOfAgent(),
  {
    number: '9443',
    key: 'bind_port',
    what: 'Port of ha-amphora for controllers, a key of amphora-agent.conf.',
  },
  {
    number: '9876',
    key: 'port',
    what: 'Port of ha-controller for callers of the API and for hosts that join, a key of controller.json.',
  },
];

function portsOfAgent(): Port[] {
  return keysOf(configSchema)
    .filter(({ name }) => name.endsWith('_port'))
    .map(({ name, defaultText, description }) => ({
      number: defaultText === 'null' ? undefined : defaultText,
      key: name,
      what: description,
    }));
}
