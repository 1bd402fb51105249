import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import { execa } from 'execa';
import request from 'supertest';

import { makeApp } from '../../../src/server/table/serve.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { madeUpFamily, maxUpload } from './made-up/index.ts';

describe('a family of routes that differs from the others', () => {
  const family = madeUpFamily();
  const app = () => makeApp({ log: keepingLog().log, families: [family], elsewhere: family });
  const as = (name: string) => ['Authorization', `Bearer ${name}`] as const;

  it('is served below each of its base paths, even at a path of two slashes', async () => {
    for (const base of family.bases) {
      const { status, body, headers } = await request(app())
        .get(`${base}//`)
        .set(...as('me'));
      expect([status, body]).to.deep.equal([200, { api_version: '0.5' }]);
      expect(headers).not.to.have.property('etag');
    }
  });

  it('accepts bytes without a Content-Type, up to its own limit', async () => {
    const put = (bytes: number) =>
      request(app())
        .put('/0.5/uploads/cert/file?kind=pem')
        .set(...as('driver'))
        .unset('Content-Type')
        .send(Buffer.alloc(bytes, 7));
    const { status, body } = await put(maxUpload);
    const answer = { name: 'cert', kind: 'pem', bytes: maxUpload, by: 'driver' };
    expect([status, body]).to.deep.equal([202, answer]);
    const { status: refused, text } = await put(maxUpload + 1);
    expect(refused).to.equal(500);
    expect(text).to.match(/^{"faultcode":"Client","faultstring":"The body is larger than 8388608/);
  });

  it('writes errors in its own format: unknown caller, wrong field, role, method and path', async () => {
    const upload = '/0.5/uploads/cert/file';
    for (const [ask, said] of [
      [request(app()).get('/0.5//'), 'Nobody is known.'],
      [
        request(app())
          .put(`${upload}?kind=exe`)
          .set(...as('me')),
        "'kind' must be one of",
      ],
      [
        request(app())
          .delete('/0.5/uploads/cert')
          .set(...as('me')),
        'this route needs admin',
      ],
      [
        request(app())
          .post(upload)
          .set(...as('me')),
        'POST is not allowed here. Use PUT.',
      ],
      [
        request(app())
          .get('/0.5/other')
          .set(...as('me')),
        'Not Found',
      ],
    ] as const) {
      const { body } = (await ask) as { body: { faultcode: string; faultstring: string } };
      expect(Object.keys(body)).to.deep.equal(['faultcode', 'faultstring', 'debuginfo']);
      expect(body.faultstring).to.include(said);
    }
  });

  describe('with client certificates', () => {
    const folder = temporaryFolder();

    it('knows the caller by the certificate', async () => {
      const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder.path, name)) as [
        ...[string, string],
      ];
      const subject = ['-subj', '/CN=controller', '-keyout', key, '-out', cert];
      const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
      await execa('openssl', ['req', '-x509', '-nodes', ...curve, '-days', '1', ...subject]);
      const identity = { key: await readFile(key), cert: await readFile(cert) };
      const options = { ...identity, requestCert: true, rejectUnauthorized: false };
      const server = https.createServer(options, app()).listen(0, '127.0.0.1');
      await once(server, 'listening');
      try {
        const { port } = server.address() as AddressInfo;
        const answer = await new Promise<string>((resolve, reject) => {
          const put = https.request(
            {
              port,
              host: '127.0.0.1',
              method: 'PUT',
              path: '/0.5/uploads/a/file',
              ...identity,
              rejectUnauthorized: false,
              agent: false,
            },
            (response) => {
              response.setEncoding('utf8');
              response.once('data', resolve);
            },
          );
          put.once('error', reject);
          put.end('x');
        });
        expect(JSON.parse(answer)).to.deep.include({ by: 'controller', bytes: 1 });
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  });
});
