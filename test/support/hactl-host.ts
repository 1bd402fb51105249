import { join } from 'node:path';

import { debianPaths, type Paths } from '../../src/bin/wiring/paths.ts';

/** The paths of a host whose Alphorn is in a folder. */
export function hactlPaths(folder: string): Paths {
  const at = (name: string) => join(folder, name);
  return {
    ...debianPaths,
    alphorn: {
      ...debianPaths.alphorn,
      settings: at('etc/config.json'),
      key: at('etc/key'),
      socket: at('socket'),
      own: at('own'),
      liferafts: at('liferafts'),
      restores: at('restore'),
      root: at('root'),
      hostId: at('hostid'),
      machineId: at('machine-id'),
      passwd: at('passwd'),
      group: at('group'),
      rules: at('rules'),
    },
  };
}

/** Sets up each test: a configuration without a file, with its state in the folder. */
export function hactlEnvironment(folder: { path: string }): void {
  beforeEach(() => {
    process.env['HA_AGENT_CONFIG'] = join(folder.path, 'none');
    process.env['HA_AGENT_STATE_DIRECTORY'] = join(folder.path, 'state');
  });
  afterEach(() => {
    delete process.env['HA_AGENT_CONFIG'];
    delete process.env['HA_AGENT_STATE_DIRECTORY'];
  });
}
