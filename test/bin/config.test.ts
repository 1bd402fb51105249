import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { loadConfig } from '../../src/bin/wiring/config.ts';
import { loadControllerConfig } from '../../src/bin/wiring/controller/config.ts';

describe('loadConfig', () => {
  const folder = temporaryFolder();
  const file = () => join(folder.path, 'config.json');

  async function load(content: unknown, environment: NodeJS.ProcessEnv = {}) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(file(), text);
    return loadConfig({ ...environment, HA_AGENT_CONFIG: file() });
  }

  it('has defaults for all keys, even without a file', async () => {
    const config = await loadConfig({ HA_AGENT_CONFIG: join(folder.path, 'none.json') });
    expect(config).to.deep.equal({
      https_address: null,
      https_port: 8443,
      http_address: null,
      http_port: null,
      socket: '/run/ha-agent/api.sock',
      tls_certificate: null,
      tls_key: null,
      runtime_directory: '/run/ha-agent',
      state_directory: '/var/lib/ha-agent',
      read_deadline_seconds: 10,
      change_deadline_seconds: 120,
      require_confirmation: false,
      peer_address: null,
      peer_port: 8444,
      audit_max_bytes: 16 * 1024 * 1024,
      audit_keep_files: 12,
      undo_keep: 1000,
      max_connections: 512,
      max_unauthenticated_connections: 512,
      max_requests: 512,
      liferaft_keep: 5,
      liferaft_keep_hours: 24,
      liferaft_keep_days: 7,
      liferaft_most_bytes: 1024 ** 3,
      powered_by: 'OpenDrives',
      log_level: 'info',
    });
    expect(Object.isFrozen(config)).to.equal(true);
  });

  it('takes a value from the file before the default, and from the environment before the file', async () => {
    const config = await load(
      { https_port: 9443, http_port: 8080, powered_by: 'Acme' },
      { HA_AGENT_HTTPS_PORT: '9444', HA_AGENT_HTTP_PORT: 'null', PATH: '/bin' },
    );
    expect(config).to.include({ https_port: 9444, http_port: null, powered_by: 'Acme' });
  });

  for (const [what, content, environment, place, expected] of [
    ['an unknown key', { htps_port: 1 }, {}, 'config.json: htps_port:', 'https_port'],
    [
      'a value of the wrong type',
      { https_port: '8443' },
      {},
      'config.json: https_port:',
      'expected number',
    ],
    ['a value out of range', { https_port: 0 }, {}, 'config.json: https_port:', '>=1'],
    [
      'a word that is not among the choices',
      { log_level: 'loud' },
      {},
      'config.json: log_level:',
      '"debug"',
    ],
    [
      'a certificate without its key',
      { tls_certificate: '/c.pem' },
      {},
      'config.json: tls_key:',
      'together',
    ],
    [
      'a name where an address belongs',
      { https_address: 'localhost' },
      {},
      'config.json: https_address:',
      'IP address',
    ],
    ['an unknown variable', {}, { HA_AGENT_PORT: '1' }, 'HA_AGENT_PORT:', 'unknown key'],
    [
      'a variable of the wrong type',
      {},
      { HA_AGENT_HTTPS_PORT: 'https' },
      'HA_AGENT_HTTPS_PORT:',
      'expected number',
    ],
    ['text that is not JSON', '{"https_port": 1,}', {}, 'config.json:', 'expected JSON'],
    ['JSON that is not an object', '[]', {}, 'config.json:', 'expected a JSON object'],
  ] as const) {
    it(`refuses ${what}, and says where it is and what was expected`, async () => {
      const fault = await faultOf('invalid_config', load(content, environment));
      expect(fault.message).to.include(place).and.to.include(expected);
    });
  }

  it('names all mistakes at once', async () => {
    const fault = await faultOf('invalid_config', load({ a: 1, https_port: 'x' }));
    expect(fault.message).to.include('config.json: a:').and.to.include('config.json: https_port:');
  });

  it('takes a section from a variable that has JSON, and names the variable if it has none', async () => {
    const environment = { HA_CONTROLLER_CONFIG: join(folder.path, 'none.json') };
    const { balancer } = await loadControllerConfig({
      ...environment,
      HA_CONTROLLER_BALANCER: '{"heartbeat_port": 5556}',
    });
    expect(balancer.heartbeat_port).to.equal(5556);
    const broken = loadControllerConfig({ ...environment, HA_CONTROLLER_BALANCER: '{"heartbeat' });
    const { message } = await faultOf('invalid_config', broken);
    expect(message).to.include('HA_CONTROLLER_BALANCER: ');
  });
});
