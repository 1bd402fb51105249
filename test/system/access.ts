import { X509Certificate } from 'node:crypto';

import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { call, callHa, configure, untilHealthy } from './client.ts';

const socketCall = (path: string) =>
  [
    'curl',
    '--silent',
    '--unix-socket',
    '/run/ha-agent/api.sock',
    `http://localhost${path}`,
  ] as const;

/** Who may use which listener. */
export function describeAccess(bench: () => { lab: Lab; token: string }): void {
  describe('access', () => {
    const node = () => bench().lab.nodes[0] as LabNode;

    describe('hactl', () => {
      it('prints a token and nothing else; it works at once, until it is revoked', async () => {
        const made = await node().exec([
          'hactl',
          'token',
          'create',
          'poll',
          '--role',
          'viewer',
          '--expires',
          '90d',
        ]);
        expect(made).to.deep.include({ exitCode: 0, stderr: '' });
        expect(made.stdout).to.match(/^[0-9a-f]{64}\n$/);
        const token = made.stdout.trim();
        expect((await callHa(node(), 'services', { token })).status).to.equal(200);
        expect(await node().run(['hactl', 'token', 'list'])).to.match(/^poll +viewer /m);
        await node().run(['hactl', 'token', 'revoke', 'poll']);
        expect((await callHa(node(), 'services', { token })).status).to.equal(401);
      });

      for (const [what, args, message, code] of [
        [
          'a name that is taken',
          ['create', 'bench', '--role', 'viewer'],
          "There is a token 'bench' already",
          4,
        ],
        [
          'a role that there is not',
          ['create', 'x', '--role', 'root'],
          'viewer, operator, admin',
          64,
        ],
        ['no role', ['create', 'x'], '--role', 64],
        [
          'a lifetime without unit',
          ['create', 'x', '--role', 'viewer', '--expires', '90'],
          'such as 90d',
          64,
        ],
        [
          'a name with a slash',
          ['create', 'a/b', '--role', 'viewer'],
          "cannot be a token's name",
          64,
        ],
        ['a token that does not exist', ['revoke', 'nobody'], "There is no token 'nobody'", 4],
      ] as const) {
        it(`refuses ${what} and says what to do`, async () => {
          const { exitCode, stdout, stderr } = await node().exec(['hactl', 'token', ...args]);
          expect([exitCode, stdout]).to.deep.equal([code, '']);
          expect(stderr)
            .to.include(message)
            .and.to.match(/^hactl: [^\n]+\n(?: {2}[^\n]+\n)*$/);
        });
      }

      it('records the tokens that it creates and revokes, as root', async () => {
        await node().run(['hactl', 'token', 'create', 'recorded', '--role', 'viewer']);
        await node().run(['hactl', 'token', 'revoke', 'recorded']);
        const lines = (await node().run(['hactl', 'audit', '--limit', '2'])).trim().split('\n');
        expect(lines.map((line) => line.replace(/^\S+ /, ''))).to.deep.equal([
          'success root (admin) CLI hactl token create recorded --role viewer',
          'success root (admin) CLI hactl token revoke recorded',
        ]);
      });

      it('says that the disk is full, and creates no token', async () => {
        const tokens = '/var/lib/ha-agent/tokens';
        await node().run(['mount', '-t', 'tmpfs', '-o', 'nr_inodes=1', 'tmpfs', tokens]);
        try {
          const full = await node().exec(['hactl', 'token', 'create', 'full', '--role', 'viewer']);
          expect([full.exitCode, full.stdout]).to.deep.equal([2, '']);
          expect(full.stderr).to.match(/^hactl: [^\n]*(?:room|is full)/);
        } finally {
          await node().run(['umount', tokens]);
        }
        expect(await node().run(['hactl', 'token', 'list'])).not.to.include('full');
      });

      it('ends silently when its reader is gone, and reports when it cannot write', async () => {
        const shell = (script: string) => node().exec(['bash', '-c', script]);
        // A pipe without a reader, as with `hactl audit | head -n 1` after the first line.
        const closed = 'mkfifo /root/pipe; exec 3<>/root/pipe 4>/root/pipe 3<&-; rm /root/pipe';
        const unread = await shell(`${closed}; hactl token list >&4`);
        expect(unread).to.deep.include({ exitCode: 141, stdout: '', stderr: '' });
        const full = await shell('hactl token list > /dev/full');
        expect(full.exitCode).to.equal(2);
        expect(full.stderr).to.match(/^hactl: [^\n]+ENOSPC/);
      });

      it('is for root only', async () => {
        for (const argv of [
          ['token', 'list'],
          ['alphorn', 'status'],
        ]) {
          const { exitCode, stderr } = await node().exec([
            'setpriv',
            '--reuid=65534',
            '--clear-groups',
            'hactl',
            ...argv,
          ]);
          expect(exitCode).to.equal(4);
          expect(stderr).to.include('run this command as root');
        }
      });
    });

    describe('by HTTPS', () => {
      it('asks for a token, except on the probes', async () => {
        for (const token of [undefined, '', 'wrong']) {
          const answer = await callHa(node(), 'status', token === undefined ? {} : { token });
          expect(answer.json).to.include({ status: 401, code: 'unauthenticated' });
        }
        expect((await call(node(), '/healthz')).json).to.deep.equal({ status: 'ok' });
        expect((await call(node(), '/readyz')).json).to.deep.equal({ status: 'ok' });
      });

      it('speaks only TLS 1.2 and 1.3', async () => {
        const probe = (version: string) =>
          node().exec([
            'curl',
            '--silent',
            '--insecure',
            '--tls-max',
            version,
            `--tlsv${version}`,
            '--ciphers',
            'DEFAULT@SECLEVEL=0',
            'https://localhost:8443/healthz',
          ]);
        expect((await probe('1.3')).exitCode).to.equal(0);
        expect((await probe('1.2')).exitCode).to.equal(0);
        // 35 is curl's code for a handshake that failed.
        expect((await probe('1.1')).exitCode).to.equal(35);
      });

      it('replaces the CA certificate of former versions by a server certificate', async () => {
        const pem = '/var/lib/ha-agent/tls.pem';
        const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', '/CN=former'];
        const files = ['-keyout', pem, '-out', '/root/former.pem'];
        await node().run(['openssl', 'req', '-x509', ...made, ...files]);
        await node().run(['sh', '-c', `cat /root/former.pem >> ${pem}; rm /root/former.pem`]);
        await node().run(['systemctl', 'restart', 'ha-agent']);
        await untilHealthy(node());
        expect((await node().run(['stat', '--format=%a', pem])).trim()).to.equal('600');
        const cert = await node().run(['openssl', 'x509', '-in', pem]);
        expect(new X509Certificate(cert).ca).to.equal(false);
        await node().writeFile('/root/trusted.pem', cert);
        for (const host of [node().name, node().address, 'localhost', '127.0.0.1', '[::1]']) {
          const url = `https://${host}:8443/healthz`;
          const curl = ['curl', '--silent', '--show-error', '--cacert', '/root/trusted.pem', url];
          const { exitCode, stderr } = await node().exec(curl as [string, ...string[]]);
          expect([exitCode, stderr], url).to.deep.equal([0, '']);
        }
      });

      it('keeps its own certificate over a restart', async () => {
        const before = await node().run(['sha256sum', '/var/lib/ha-agent/tls.pem']);
        await node().run(['systemctl', 'restart', 'ha-agent']);
        await untilHealthy(node());
        expect(await node().run(['sha256sum', '/var/lib/ha-agent/tls.pem'])).to.equal(before);
        const name = [
          'openssl',
          'x509',
          '-in',
          '/var/lib/ha-agent/tls.pem',
          '-noout',
          '-ext',
          'subjectAltName',
        ] as const;
        expect(await node().run(name)).to.include(`IP Address:${node().address}`);
      });

      it('serves the certificate that it is configured with', async () => {
        await node().run([
          'openssl',
          'req',
          '-x509',
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-days',
          '2',
          '-subj',
          '/CN=own.example',
          '-addext',
          'subjectAltName=DNS:own.example',
          '-keyout',
          '/root/key.pem',
          '-out',
          '/etc/ha-agent/own.pem',
        ]);
        await node().run(['mv', '/root/key.pem', '/etc/ha-agent/own.key']);
        await configure(node(), {
          tls_certificate: '/etc/ha-agent/own.pem',
          tls_key: '/etc/ha-agent/own.key',
        });
        const { exitCode, stderr } = await node().exec([
          'curl',
          '--silent',
          '--show-error',
          '--cacert',
          '/etc/ha-agent/own.pem',
          '--connect-to',
          'own.example:8443:localhost:8443',
          'https://own.example:8443/healthz',
        ]);
        expect([exitCode, stderr]).to.deep.equal([0, '']);
        await configure(node(), {});
      });
    });

    it('is possible by plain HTTP only if configured', async () => {
      const plain = ['curl', '--silent', 'http://localhost:8080/healthz'] as const;
      // 7 is curl's code for a refused connection.
      expect((await node().exec(plain)).exitCode).to.equal(7);
      await configure(node(), { http_port: 8080 });
      expect(await node().run(plain)).to.equal('{"status":"ok"}');
      await configure(node(), {});
    });

    it('is possible on the Unix socket without a token, for root only', async () => {
      expect(await node().run(socketCall('/api/v2/system/ha/services'))).to.include(
        '"pacemaker.service"',
      );
      const { exitCode } = await node().exec([
        'setpriv',
        '--reuid=65534',
        '--clear-groups',
        ...socketCall('/healthz'),
      ]);
      expect(exitCode).to.equal(7);
    });
  });
}
