import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { expect } from 'chai';

import { type ConfigChange, makeAmphoraAgent } from '../../../src/amphora/agent/agent.ts';
import { readAgentConfig } from '../../../src/amphora/agent/config.ts';
import type { FaultCode } from '../../../src/kit/fault.ts';
import { faultOf } from '../../support/faults.ts';
import { issue, type Wanted } from '../../support/octavia/authority.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const id = '7e9b1a3c-5d2f-4a6b-8c0d-1e2f3a4b5c6d';
const authority = issue({ name: 'ca', isAuthority: true });

function pemOf(wanted: Partial<Wanted>): Buffer {
  const { certificate, key } = issue({ name: id, dns: [id], by: authority, ...wanted });
  return Buffer.from(certificate + key);
}

describe('the files of the amphora agent', () => {
  const folder = temporaryFolder();
  const etc = () => join(folder.path, 'etc');
  const configPath = () => join(etc(), 'amphora-agent.conf');
  const certificatePath = () => join(etc(), 'server.pem');
  const textOf = (more = '') =>
    `[amphora_agent]\namphora_id = ${id}\nagent_server_cert = ${certificatePath()}\n${more}`;

  beforeEach(async () => {
    await mkdir(etc());
  });

  async function made(now = Date.now()) {
    await writeFile(configPath(), textOf());
    await writeFile(certificatePath(), 'former');
    const calls: { configured: ConfigChange[]; certified: Buffer[] } = {
      configured: [],
      certified: [],
    };
    const agent = makeAmphoraAgent({
      paths: { agentConfig: configPath() },
      config: readAgentConfig(Buffer.from(textOf())),
      onConfigured: (change) => void calls.configured.push(change),
      now: () => now,
      onCertified: (pem) => void calls.certified.push(pem),
    });
    return { agent, calls };
  }

  it('have a new configuration after it was checked, for root alone', async () => {
    const { agent, calls } = await made();
    const more = '[health_manager]\ncontroller_ip_port_list = 10.0.0.1:5555\nheartbeat_key = k\n';
    const bytes = Buffer.from(textOf(more));
    const { md5 } = await agent.configure(bytes);
    expect(md5).to.equal(createHash('md5').update(bytes).digest('hex'));
    expect(await readFile(configPath())).to.deep.equal(bytes);
    expect((await lstat(configPath())).mode & 0o777).to.equal(0o600);
    const [change] = calls.configured;
    expect(change?.config.controllers).to.deep.equal([{ address: '10.0.0.1', port: 5555 }]);
    expect(change?.config.heartbeatKey).to.equal('k');
    expect(change?.afterRestart).to.deep.equal([]);
  });

  it('have other keys take effect at the next start only', async () => {
    const { agent, calls } = await made();
    const more = '[haproxy_amphora]\nbind_port = 9444\n[health_manager]\nheartbeat_interval = 3\n';
    await agent.configure(Buffer.from(textOf(more)));
    const [change] = calls.configured;
    expect(change?.config.bindPort).to.equal(9443);
    expect(change?.config.heartbeatInterval).to.equal(3);
    expect(change?.afterRestart).to.deep.equal(['haproxy_amphora.bind_port']);
  });

  it('have some keys without an effect, which are named', async () => {
    const { agent, calls } = await made();
    const more = '[haproxy_amphora]\nhaproxy_cmd = /opt/haproxy\n[amphora_agent]\n';
    await agent.configure(Buffer.from(textOf(`${more}agent_request_read_timeout = 20\n`)));
    await agent.configure(Buffer.from(textOf('agent_request_read_timeout = 180\n')));
    expect(
      calls.configured.map(({ ignored, afterRestart }) => [ignored, afterRestart]),
    ).to.deep.equal([
      [['haproxy_amphora.haproxy_cmd', 'amphora_agent.agent_request_read_timeout'], []],
      [[], []],
    ]);
  });

  it('may name another authority that is on the host', async () => {
    const { agent, calls } = await made();
    const other = join(etc(), 'other-ca.pem');
    await writeFile(other, authority.certificate);
    await agent.configure(Buffer.from(textOf(`agent_server_ca = ${other}\n`)));
    expect(calls.configured[0]?.afterRestart).to.deep.equal(['amphora_agent.agent_server_ca']);
  });

  const refusedConfigs = {
    'an empty one': () => '',
    'one that is broken': () => `${textOf()}nonsense`,
    'one without the id': () => '[amphora_agent]\n',
    'one of another amphora': () => textOf().replace(id, 'other'),
    'another base_path': () => textOf('[haproxy_amphora]\nbase_path = /srv\n'),
    'an authority that is not on the host': () =>
      textOf(`agent_server_ca = ${join(etc(), 'none.pem')}\n`),
    'a file that is no authority': () => textOf(`agent_server_ca = ${certificatePath()}\n`),
    'a certificate that is not on the host': () =>
      textOf(`agent_server_cert = ${join(etc(), 'none.pem')}\n`),
    'another base_cert_dir': () => textOf('[haproxy_amphora]\nbase_cert_dir = /srv\n'),
  };
  for (const [name, make] of Object.entries(refusedConfigs)) {
    it(`refuse a configuration, and stay as they are: ${name}`, async () => {
      const { agent, calls } = await made();
      await faultOf('agent_config_refused', agent.configure(Buffer.from(make())));
      expect(await readFile(configPath(), 'utf8')).to.equal(textOf());
      expect(calls.configured).to.deep.equal([]);
    });
  }

  const accepted = {
    'an EC key': () => pemOf({}),
    'an RSA key': () => pemOf({ key: 'rsa' }),
    'a common name alone': () => pemOf({ dns: [] }),
    'a subjectAltName alone': () => pemOf({ name: 'other', dns: ['a', id] }),
    'its chain': () => Buffer.concat([pemOf({}), Buffer.from(authority.certificate)]),
  };
  for (const [name, make] of Object.entries(accepted)) {
    it(`have a new certificate after it was checked, for root alone: with ${name}`, async () => {
      const { agent, calls } = await made();
      const pem = make();
      await agent.certify(pem);
      expect(await readFile(certificatePath())).to.deep.equal(pem);
      expect((await lstat(certificatePath())).mode & 0o777).to.equal(0o600);
      expect(calls.certified).to.deep.equal([pem]);
    });
  }

  const refusedCertificates: Record<string, readonly [code: FaultCode, make: () => Buffer]> = {
    'an empty one': ['certificate_missing', () => Buffer.alloc(0)],
    'one of another amphora': [
      'agent_certificate_refused',
      () => pemOf({ name: 'other', dns: ['other'] }),
    ],
    'one with a weak key': ['agent_certificate_refused', () => pemOf({ key: 'rsa-512' })],
    'a key of another certificate': [
      'certificate_mismatch',
      () => Buffer.from(issue({ name: id }).certificate + issue({ name: id }).key),
    ],
    'a certificate without a key': [
      'certificate_key_missing',
      () => Buffer.from(issue({ name: id }).certificate),
    ],
    'half of one': ['certificate_refused', () => pemOf({}).subarray(0, 400)],
  };
  for (const [name, [code, make]] of Object.entries(refusedCertificates)) {
    it(`refuse a certificate, and stay as they are: ${name}`, async () => {
      const { agent, calls } = await made();
      await faultOf(code, agent.certify(make()));
      expect(await readFile(certificatePath(), 'utf8')).to.equal('former');
      expect(calls.certified).to.deep.equal([]);
    });
  }

  it('refuse a certificate that has expired by the clock of this host', async () => {
    const day = 24 * 60 * 60 * 1000;
    const { agent } = await made(Date.now() + 2 * day);
    await faultOf('agent_certificate_refused', agent.certify(pemOf({ days: 1 })));
    await agent.certify(pemOf({ days: 3 }));
  });

  it('stay as they are on a full disk', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', etc()]);
    try {
      const { agent, calls } = await made();
      await faultOf('no_space', agent.certify(pemOf({})));
      await faultOf('no_space', agent.configure(Buffer.from(textOf())));
      expect(await readFile(certificatePath(), 'utf8')).to.equal('former');
      expect(await readdir(etc())).to.have.members(['amphora-agent.conf', 'server.pem']);
      expect(calls).to.deep.equal({ configured: [], certified: [] });
    } finally {
      execFileSync('umount', [etc()]);
    }
  });
});
