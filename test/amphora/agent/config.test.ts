import { expect } from 'chai';

import { readAgentConfig } from '../../../src/amphora/agent/config.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { orFault } from '../../support/faults.ts';

/** As amphora_agent_conf.template of the driver 11.0.0 has it. */
const whole = `[DEFAULT]
debug = False
use_syslog = True
syslog_log_facility = LOG_LOCAL1

[haproxy_amphora]
base_cert_dir = /var/lib/octavia/certs
base_path = /var/lib/octavia
bind_host = ::
bind_port = 9443
haproxy_cmd = /usr/sbin/haproxy
respawn_count = 2
user_log_facility = 0

[health_manager]
controller_ip_port_list = 192.168.0.1:5555, [fd00::1]:5556
heartbeat_interval = 7
heartbeat_key = insecure:key=1

[amphora_agent]
agent_server_ca = /etc/octavia/certs/client_ca.pem
agent_server_cert = /etc/octavia/certs/server.pem
agent_request_read_timeout = 180
amphora_id = 7e9b1a3c-5d2f-4a6b-8c0d-1e2f3a4b5c6d
amphora_udp_driver = keepalived_lvs
agent_tls_protocol = TLSv1.2

[controller_worker]
loadbalancer_topology = ACTIVE_STANDBY
`;

const read = (text: string | Buffer) => readAgentConfig(Buffer.from(text));

function problemsOf(text: string | Buffer): string[] {
  const outcome = orFault(() => read(text));
  expect(outcome).to.be.instanceOf(Fault);
  const { code, errors = [], message } = outcome as Fault;
  expect(code).to.equal('agent_config_refused');
  for (const error of errors) expect(message).to.include(error.message);
  return errors.map(({ field }) => field);
}

describe('the configuration of the amphora agent', () => {
  it('is read as a typed value', () => {
    expect(read(whole)).to.deep.equal({
      basePath: '/var/lib/octavia',
      certificates: '/var/lib/octavia/certs',
      bindHost: '::',
      bindPort: 9443,
      haproxy: '/usr/sbin/haproxy',
      controllers: [
        { address: '192.168.0.1', port: 5555 },
        { address: 'fd00::1', port: 5556 },
      ],
      heartbeatInterval: 7,
      heartbeatKey: 'insecure:key=1',
      serverCa: '/etc/octavia/certs/client_ca.pem',
      serverCertificate: '/etc/octavia/certs/server.pem',
      amphoraId: '7e9b1a3c-5d2f-4a6b-8c0d-1e2f3a4b5c6d',
      requestReadTimeout: 180,
      minTlsVersion: 'TLSv1.2',
      topology: 'ACTIVE_STANDBY',
    });
  });

  it('needs nothing except the id, and has the defaults of Octavia', () => {
    expect(read('[amphora_agent]\namphora_id = a\n')).to.deep.equal({
      basePath: '/var/lib/octavia',
      certificates: '/var/lib/octavia/certs',
      bindHost: '::',
      bindPort: 9443,
      haproxy: '/usr/sbin/haproxy',
      controllers: [],
      heartbeatInterval: 10,
      heartbeatKey: undefined,
      serverCa: '/etc/octavia/certs/client_ca.pem',
      serverCertificate: '/etc/octavia/certs/server.pem',
      amphoraId: 'a',
      requestReadTimeout: 180,
      minTlsVersion: 'TLSv1.2',
      topology: 'SINGLE',
    });
  });

  it('takes the name of a host with its domain as the id', () => {
    const text = '[amphora_agent]\namphora_id = a.example.org\n';
    expect(read(text).amphoraId).to.equal('a.example.org');
  });

  it('takes TLS 1.2 for the older versions that oslo.config accepts', () => {
    const versions = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'].map(
      (version) => read(whole.replace('TLSv1.2', version)).minTlsVersion,
    );
    expect(versions).to.deep.equal(['TLSv1.2', 'TLSv1.2', 'TLSv1.2', 'TLSv1.2', 'TLSv1.3']);
  });

  it('writes a dollar of the heartbeat key as oslo.config does', () => {
    const withKey = (key: string) => whole.replace('insecure:key=1', () => key);
    const keyOf = (key: string) => read(withKey(key)).heartbeatKey;
    expect(keyOf('a$$b')).to.equal('a$b');
    expect(keyOf('a\\$b')).to.equal('a$b');
    expect(keyOf('a$1$')).to.equal('a$1$');
    expect(problemsOf(withKey('a$b'))).to.deep.equal(['health_manager.heartbeat_key']);
    expect(problemsOf(withKey('${b}'))).to.have.length(1);
  });

  it('is refused without sections, and if it is no text of oslo.config', () => {
    for (const text of ['', '\n', '# comment\n', Buffer.from([0x5b, 0xff, 0x5d])]) {
      expect(problemsOf(text)).to.deep.equal(['file']);
    }
    expect(problemsOf('nonsense\n')).to.deep.equal(['line 1']);
    expect(problemsOf(`${whole}nonsense\n`)).to.deep.equal([`line ${whole.split('\n').length}`]);
  });

  const wrong = {
    'amphora_agent.amphora_id': ['amphora_id = 7', 'amphora_id = ../7'],
    'haproxy_amphora.base_path': ['base_path = /var', 'base_path = /var/../x'],
    'haproxy_amphora.base_cert_dir': ['base_cert_dir = /var', 'base_cert_dir = "/var lib'],
    'haproxy_amphora.bind_host': ['bind_host = ::', 'bind_host = localhost'],
    'haproxy_amphora.bind_port': ['bind_port = 9443', 'bind_port = 94430'],
    'haproxy_amphora.haproxy_cmd': ['haproxy_cmd = /usr', 'haproxy_cmd = usr'],
    'health_manager.heartbeat_interval': ['_interval = 7', '_interval = 0'],
    'health_manager.heartbeat_key': ['heartbeat_key = insecure:key=1', 'heartbeat_key ='],
    'health_manager.controller_ip_port_list': ['[fd00::1]:5556', 'fd00::1:5556'],
    'amphora_agent.agent_tls_protocol': ['TLSv1.2', 'TLSv2'],
    'controller_worker.loadbalancer_topology': ['ACTIVE_STANDBY', 'ACTIVE-STANDBY'],
  };
  for (const [key, [from = '', to = '']] of Object.entries(wrong)) {
    it(`is refused with a wrong ${key}`, () => {
      expect(problemsOf(whole.replace(from, to))).to.deep.equal([key]);
    });
  }

  it('is refused with a controller that is no address and port', () => {
    const lists = [
      '10.0.0.1',
      '10.0.0.1:',
      '10.0.0.1:0',
      '10.0.0.1:65536',
      'host:5555',
      ',',
      '[]:1',
    ];
    for (const list of [...lists, '[10.0.0.1]:5555', '10.0.0.1:5555,', '10.0.0.1:5555 x']) {
      expect(problemsOf(whole.replace('192.168.0.1:5555', list)), list).to.have.length(1);
    }
  });

  it('gives away no value in its problems', () => {
    const text = whole.replace('insecure:key=1', 'secret$key').replace('9443', 'secretport');
    const { message, errors } = orFault(() => read(text)) as Fault;
    expect(errors).to.have.length(2);
    expect(JSON.stringify({ message, errors })).not.to.include('secret');
  });
});
