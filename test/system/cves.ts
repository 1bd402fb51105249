import { expect } from 'chai';

import { asking, type Bench } from './asking.ts';
import { call } from './client.ts';

const proof = '/tmp/was-carried-out';
const api = '/api/v2/system/ha';

/** All requests that take a text, with the text in each place. */
function requestsWith(text: string): [method: string, path: string, body: object][] {
  const inPath = encodeURIComponent(text);
  const named = [
    'node',
    'resource',
    'property',
    'stonith',
    'constraint',
    'resource_agent',
    'services',
    'alphorn/liferaft',
    'resource/group',
    'stonith/level',
  ];
  const dummy = { name: 'x', resource_agent: 'ocf:pacemaker:Dummy' };
  const dry = '?dry_run=true';
  return [
    ...named.map((each): [string, string, object] => ['GET', `${each}/${inPath}`, {}]),
    ...[
      `node/${inPath}/standby`,
      `node/${inPath}/delete`,
      `node/${inPath}/fence`,
      `resource/${inPath}/details`,
      `resource/${inPath}/locate`,
      `resource/${inPath}/cleanup`,
      `resource_agent/${inPath}/info`,
      `resource_agent/${inPath}/details`,
      `property/${inPath}/details`,
      `alphorn/liferaft/${inPath}/diff`,
    ].map((path): [string, string, object] => ['GET', path, {}]),
    ['DELETE', `alphorn/liferaft/${inPath}`, {}],
    ['POST', `alphorn/liferaft/${inPath}/restore`, {}],
    ['POST', `services/${inPath}/restart`, {}],
    ['POST', 'stonith/agent/info', { agent: text }],
    ['POST', `property/batch-limit/set${dry}`, { value: text }],
    ['POST', `property/${inPath}/set${dry}`, { value: '1' }],
    ...[
      { name: text },
      { agent: text },
      { params: { state: text } },
      { params: { [text]: 'x' } },
      { meta: { description: text } },
      { operations: { monitor: { interval: text } } },
      { group: text },
      { clone: text },
    ].map((part): [string, string, object] => ['POST', `resource${dry}`, { ...dummy, ...part }]),
    ['POST', `resource/VIP_mgmt0/update${dry}`, { params: { nic: text } }],
    ['POST', `resource/VIP_mgmt0/migrate${dry}`, { node: text }],
    ['POST', `resource/VIP_mgmt0/ban${dry}`, { node: text }],
    ['POST', `resource/group/set${dry}`, { name: text, resources: ['VIP_mgmt0'] }],
    ['POST', `stonith/create${dry}`, { name: 'x', agent: 'fence_ipmilan', params: { ip: text } }],
    ['POST', `stonith/level/create${dry}`, { level: 1, node: text, device: text }],
    ['POST', `constraint/location${dry}`, { resource: text, location: text }],
    [
      'POST',
      `constraint/location${dry}`,
      {
        resource: 'VIP_mgmt0',
        rule: { score: '1', expression: [{ attribute: 'a', operation: 'eq', value: text }] },
      },
    ],
    ['POST', `constraint/order${dry}`, { first: { resource: text }, then: { resource: text } }],
    ['POST', `constraint/ticket${dry}`, { ticket: text, resource: 'VIP_mgmt0' }],
    ['POST', 'corosync/key', { key: text }],
    ['POST', 'corosync/raw', { conf: text }],
  ];
}

/** Vulnerabilities of similar programs that this agent does not have. */
export function describeCves(bench: Bench): void {
  describe('the vulnerabilities of pcs and hawk', () => {
    const { node, ask, configuration } = asking(bench);

    /** Sends all these requests. None causes a bug, and the cluster and the files stay as they were. */
    async function expectHarmless(texts: readonly string[]): Promise<void> {
      const files = ['sha256sum', '/etc/corosync/corosync.conf', '/etc/corosync/authkey'] as const;
      const before = [await configuration(), await node().run(files)];
      for (const text of texts) {
        for (const [method, path, body] of requestsWith(text)) {
          const { status, text: answer } = await ask(method, path, body);
          expect(status, `${method} ${path} ${JSON.stringify(body)}: ${answer}`).to.be.below(500);
        }
      }
      expect([await configuration(), await node().run(files)]).to.deep.equal(before);
      expect((await node().exec(['test', '-e', proof])).exitCode, proof).to.equal(1);
    }

    it('CVE-2018-1079 is not shared: no name leads to a file outside of its folder', async () => {
      const victim = '/var/lib/victim.json';
      await node().writeFile(victim, '{}', 0o600);
      await node().run(['cp', victim, '/var/lib/victim.tar']);
      for (const name of ['../victim', '../../victim', '..', `/var/lib/victim`, '../victim\0']) {
        const made = await node()
          .exec(['hactl', 'token', 'create', name, '--role', 'admin'])
          .catch(
            // A NUL cannot even be in an argument.
            () => ({ exitCode: 1 }),
          );
        expect(made.exitCode, name).not.to.equal(0);
      }
      await expectHarmless([
        '../victim.tar',
        '../../victim.tar',
        '/var/lib/victim.tar',
        '..',
        '.',
        '....//victim.tar',
        '..\\victim.tar',
        '%2e%2e%2fvictim.tar',
        'liferaft_/../../victim.tar',
      ]);
      const left = await node().run(['sh', '-c', 'cat /var/lib/victim.*; ls /var/lib/victim*']);
      expect(left).to.equal('{}{}/var/lib/victim.json\n/var/lib/victim.tar\n');
      await node().run(['rm', victim, '/var/lib/victim.tar']);
    });

    it('CVE-2018-1086 is not shared: no name or value is read as an option or its beginning', async () => {
      await expectHarmless(['--debug', '--deb', '-V', '--help', `--output-to=${proof}`, '-']);
      const answer = await ask('POST', 'resource?dry_run=true', {
        name: 'x',
        resource_agent: 'ocf:pacemaker:Dummy',
        params: { state: '--deb' },
      });
      expect(answer.status, answer.text).to.equal(200);
      expect(answer.text).to.include('--deb');
      expect(answer.text).not.to.match(/CIB_|debug:|Running:/);
    });

    it('CVE-2015-5190 is not shared: no text is executed as a command', async () => {
      await expectHarmless([
        `$(touch ${proof})`,
        `\`touch ${proof}\``,
        `;touch ${proof};`,
        `x|touch ${proof}`,
        `x&&touch ${proof}`,
        `x\ntouch ${proof}\n`,
        `'; touch ${proof} #`,
        `"; touch ${proof} #`,
        `\${IFS}touch\${IFS}${proof}`,
      ]);
    });

    it('CVE-2020-35458 is not shared: cookies have no effect, and no header reaches a command', async () => {
      const shell = `x;touch ${proof};$(touch ${proof})`;
      const headers = {
        Cookie: `hawk_remember_me_id=${shell}; token=${bench().token}; hawk_remember_me_key=${shell}`,
        'User-Agent': shell,
        'X-Forwarded-For': shell,
        Referer: shell,
      };
      for (const path of ['status', 'node', 'constraint', 'property', 'audit']) {
        const without = await call(node(), `${api}/${path}`, { headers });
        expect(without.json, path).to.include({ status: 401, code: 'unauthenticated' });
        const { status, headers: sent } = await ask('GET', path, {}, { headers });
        expect([status, sent['set-cookie']], path).to.deep.equal([200, undefined]);
      }
      for (const header of ['If-Match', 'Idempotency-Key', 'X-HA-Confirm']) {
        const path = 'property/batch-limit/set?dry_run=true';
        const answer = await ask('POST', path, { value: '1' }, { headers: { [header]: shell } });
        expect(answer.status, header).to.be.below(500);
      }
      expect((await node().exec(['test', '-e', proof])).exitCode).to.equal(1);
    });

    it('CVE-2016-0720 is not shared: requests of a browser from another site change nothing', async () => {
      const before = await configuration();
      const { token } = bench();
      const body = JSON.stringify({ value: '7' });
      const path = `${api}/property/batch-limit/set`;
      const simple = [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ];
      const fromElsewhere = { Origin: 'https://evil.example', Cookie: `token=${token}` };
      for (const type of [...simple, 'application/json']) {
        const headers = { ...fromElsewhere, 'Content-Type': type };
        const forged = await call(node(), path, { method: 'POST', headers, body });
        expect(forged.json, type).to.include({ status: 401, code: 'unauthenticated' });
        const inUrl = await call(node(), `${path}?token=${token}`, {
          method: 'POST',
          headers,
          body,
        });
        expect(inUrl.status, type).to.equal(401);
        const basic = { ...headers, Authorization: `Basic ${btoa(`root:${token}`)}` };
        expect(
          (await call(node(), path, { method: 'POST', headers: basic, body })).status,
        ).to.equal(401);
      }
      // These come from an image, a link or a form, which need no preflight.
      for (const route of ['resource/VIP_mgmt0/stop', 'node/ae82a9a2/standby', 'destroy']) {
        const { status } = await call(node(), `${api}/${route}`, { headers: fromElsewhere });
        expect(status, route).to.equal(401);
      }
      for (const type of simple) {
        const typed = await ask(
          'POST',
          'property/batch-limit/set',
          {},
          { body, headers: { 'Content-Type': type } },
        );
        expect(typed.json, type).to.include({ status: 415, code: 'unsupported_media_type' });
      }
      const preflight = { ...fromElsewhere, 'Access-Control-Request-Method': 'POST' };
      const allowed = await call(node(), path, { method: 'OPTIONS', headers: preflight });
      expect(allowed.headers).not.to.have.property('access-control-allow-credentials');
      expect(await configuration()).to.equal(before);
    });

    it('CVE-2022-2735 is not shared: only root can use the sockets', async () => {
      for (const [socket, folder] of [
        ['/run/ha-agent/api.sock', '/run/ha-agent'],
        ['/run/alphorn/alphornd.sock', '/run/alphorn'],
      ] as const) {
        const holder = await nodeWith(socket);
        const modes = await holder.run(['stat', '-c', '%a %U:%G', folder, socket]);
        expect(modes, socket).to.match(/^700 root:root\n[67]00 root:root\n$/);
        for (const user of ['65534', '189']) {
          const script = 'import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])';
          const { exitCode, stderr } = await holder.exec([
            'setpriv',
            `--reuid=${user}`,
            '--clear-groups',
            'python3',
            '-c',
            script,
            socket,
          ]);
          expect([exitCode, stderr], socket).to.satisfy(
            ([code, text]: [number, string]) => code === 1 && text.includes('PermissionError'),
          );
        }
      }
    });

    it('CVE-2023-32183 is not shared: only root can read what the agent creates', async () => {
      const folders = ['/var/lib/ha-agent', '/run/ha-agent', '/var/lib/alphorn', '/run/alphorn'];
      // crm_mon gives its files a mode of its own; the folder keeps others from them.
      // crm_mon gives its files a mode of its own; the folder keeps others from them.
      const but = ['!', '-type', 'l', '!', '-name', 'crm_mon.*'];
      const foreign = ['(', '-perm', '/077', '-o', '!', '-uid', '0', ')', ...but];
      for (const each of bench().lab.nodes) {
        const found = await each.exec(['find', ...folders, ...foreign]);
        expect(found.stdout, each.name).to.equal('');
      }
      const made = await node().run(['find', '/var/lib/ha-agent', '-type', 'f']);
      expect(made).to.include('audit.jsonl').and.to.include('tokens/');
    });

    /** The node on which the cluster runs Alphorn. */
    async function nodeWith(socket: string) {
      for (const each of bench().lab.nodes) {
        if ((await each.exec(['test', '-S', socket])).exitCode === 0) return each;
      }
      throw new Error(`No node has ${socket}.`);
    }
  });
}
