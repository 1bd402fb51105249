import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';

import { expect } from 'chai';

import { readTenantFile } from '../../../src/amphora/certificates/kinds.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { orFault } from '../../support/faults.ts';
import { issue, openssl, revocationsOf } from '../../support/octavia/authority.ts';

const folder = '/var/lib/octavia/certs/lb1';
const digestName = `${'ab12'.repeat(10)}.pem`;

const authority = issue({ name: 'ca', isAuthority: true });
const rsa = issue({ name: 'www.example.com', key: 'rsa' });
const signed = issue({ name: 'www.example.com', dns: ['www.example.com'], by: authority });
const crl = revocationsOf(authority);

const read = (text: string | Buffer, file = 'www.example.com.pem') =>
  readTenantFile(file, Buffer.from(text), folder);

function codeOf(text: string | Buffer, file?: string): string | undefined {
  const outcome = orFault(() => read(text, file));
  return outcome instanceof Fault ? outcome.code : undefined;
}

function kindOf(text: string, file?: string): string {
  return read(text, file).kind;
}

const server = 'server certificate';

describe('what kind an uploaded certificate is', () => {
  it('is a server certificate if it has a key, whatever comes first', () => {
    expect(kindOf(rsa.certificate + rsa.key)).to.equal(server);
    expect(kindOf(rsa.key + rsa.certificate)).to.equal(server);
    expect(kindOf(signed.certificate + signed.key + authority.certificate)).to.equal(server);
    expect(kindOf(signed.key + signed.certificate + authority.certificate)).to.equal(server);
    const ed25519 = issue({ name: 'a', key: 'ed25519' });
    expect(kindOf(ed25519.certificate + ed25519.key)).to.equal(server);
  });

  it('is a server certificate with a key in the older forms of OpenSSL', () => {
    const pkcs1 = openssl(['rsa', '-traditional'], rsa.key);
    expect(pkcs1).to.include('BEGIN RSA PRIVATE KEY');
    expect(kindOf(rsa.certificate + pkcs1)).to.equal(server);
    const sec1 = openssl(['ec'], signed.key);
    expect(sec1).to.include('BEGIN EC PRIVATE KEY');
    const parameters = openssl(['ecparam', '-name', 'prime256v1']);
    expect(kindOf(signed.certificate + parameters + sec1)).to.equal(server);
  });

  it('is a server certificate with text around its blocks and line ends of Windows', () => {
    const text = `Bag Attributes\n    friendlyName: a\n${rsa.certificate}\nsubject=CN = a\n${rsa.key}`;
    expect(kindOf(text)).to.equal(server);
    expect(kindOf(text.replaceAll('\n', '\r\n'))).to.equal(server);
  });

  it('is the certificate of an authority if it has no key and is named by its digest', () => {
    expect(kindOf(authority.certificate + rsa.certificate, digestName)).to.equal('ca');
    expect(codeOf(authority.certificate)).to.equal('certificate_key_missing');
  });

  it('is a CRL if it holds one or more', () => {
    expect(kindOf(crl, digestName)).to.equal('crl');
    expect(read(crl + crl)).to.deep.equal({ kind: 'crl', count: 2 });
  });

  it('is a crt-list if it has paths in the folder of its owner', () => {
    const paths = [`${folder}/a.pem`, `${folder}/${digestName}`];
    expect(read(`${paths.join('\n')}\n`, 'listener1.pem')).to.deep.equal({
      kind: 'crt-list',
      paths,
    });
  });
});

describe('a refused certificate', () => {
  it('has none of the four kinds', () => {
    for (const text of ['', '\n', 'nonsense', '\0', 'x'.repeat(1000)]) {
      expect(codeOf(text), text).to.equal('certificate_missing');
    }
    expect(codeOf(rsa.key)).to.equal('certificate_missing');
    expect(codeOf(rsa.certificate)).to.equal('certificate_key_missing');
    expect(codeOf(rsa.certificate + signed.key)).to.equal('certificate_mismatch');
    expect(codeOf(authority.certificate + signed.certificate + signed.key)).to.equal(
      'certificate_mismatch',
    );
  });

  const encrypted = openssl(['pkcs8', '-topk8', '-v2', 'aes128', '-passout', 'pass:abcd'], rsa.key);
  const oldEncrypted = openssl(
    ['rsa', '-traditional', '-aes128', '-passout', 'pass:abcd'],
    rsa.key,
  );
  const refusals = {
    'two keys': rsa.certificate + rsa.key + signed.key,
    'the same key twice': rsa.certificate + rsa.key + rsa.key,
    'an encrypted key': rsa.certificate + encrypted,
    'an encrypted key of the old form': rsa.certificate + oldEncrypted,
    'a CRL and a certificate': crl + rsa.certificate,
    'a CRL and a key': crl + rsa.key,
    'more CRLs than authorities have': crl.repeat(101),
    'a chain of 1 MB': rsa.certificate + rsa.key + authority.certificate.repeat(1500),
    'a broken marker': rsa.certificate.replace('-----END', '----END') + rsa.key,
    'a block of another label': rsa.certificate.replaceAll('CERTIFICATE', 'X509 CRX') + rsa.key,
    'an empty block': `-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n${rsa.key}`,
    'no end': rsa.certificate + rsa.key.slice(0, 200),
    'blanks within base64': rsa.certificate.replace('\nMII', '\n MII') + rsa.key,
    'more than 4 MiB': ' '.repeat(4 * 1024 * 1024) + rsa.certificate + rsa.key,
    'bytes after a certificate': appended(rsa.certificate) + rsa.key,
    'bytes after a CRL': appended(crl),
  };
  for (const [name, text] of Object.entries(refusals)) {
    it(`has ${name}`, () => {
      expect(codeOf(text)).to.equal('certificate_refused');
    });
  }

  const foreignPaths = [
    '/etc/passwd',
    `${folder}/../x/a.pem`,
    `${folder}/a.pem extra`,
    `${folder}/a.pem [ssl-min-ver TLSv1.0]`,
    `${folder}/a.pem www.example.com`,
    `${folder}//a.pem`,
    `${folder}/sub/a.pem`,
    `${folder}/a.key`,
    `${folder}/`,
    '/var/lib/octavia/certs/lb2/a.pem',
    `${folder}x/a.pem`,
    ` ${folder}/a.pem`,
    `${folder}/a.pem\r`,
    '',
    '# comment',
  ];
  for (const path of foreignPaths) {
    it(`has a line in a crt-list that is no path of its owner: ${JSON.stringify(path)}`, () => {
      const text = `${folder}/a.pem\n${path}\n${folder}/b.pem\n`;
      expect(codeOf(text)).to.equal('certificate_refused');
    });
  }

  it('is in no fault, and neither is its key', () => {
    const lines = [rsa.key, encrypted].flatMap((key) => key.split('\n').slice(1, -2));
    for (const text of [...Object.values(refusals), rsa.key, rsa.certificate + signed.key]) {
      const fault = orFault(() => read(text)) as Fault;
      const printed = JSON.stringify([fault.message, fault.stack, fault.command]);
      expect(lines.filter((line) => printed.includes(line))).to.deep.equal([]);
    }
  });
});

describe('a certificate with a flipped bit', () => {
  const texts: Record<string, readonly [text: string, file: string]> = {
    'with an RSA key': [rsa.certificate + rsa.key, 'a.pem'],
    'with an EC key and its chain': [
      signed.certificate + signed.key + authority.certificate,
      'a.pem',
    ],
    'without its chain': [signed.certificate + signed.key, 'a.pem'],
    'of an authority': [authority.certificate, digestName],
    'as a CRL': [crl, digestName],
  };
  for (const [name, [text, file]] of Object.entries(texts)) {
    it(`is refused at each 1 %, or is valid: ${name}`, async () => {
      const whole = Buffer.from(text);
      let refusedCount = 0;
      for (let percent = 0; percent < 100; percent += 1) {
        const flipped = Buffer.from(whole);
        const at = Math.floor((whole.length * percent) / 100);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (percent % 8));
        if (codeOf(flipped, file) === undefined) await expectUsable(flipped, name);
        else refusedCount += 1;
      }
      expect(refusedCount).to.be.greaterThan(50);
    });
  }

  async function expectUsable(bytes: Buffer, name: string): Promise<void> {
    if (name === 'of an authority') openssl(['x509', '-noout'], bytes.toString('latin1'));
    else if (name === 'as a CRL') openssl(['crl', '-noout'], bytes.toString('latin1'));
    else await shakeHands(bytes);
  }
});

/** A handshake of TLS, in which the client checks only the signature of the server's key. */
async function shakeHands(pem: Buffer): Promise<void> {
  const listening = createServer({ cert: pem, key: pem });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  try {
    const { port } = listening.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(client, 'secureConnect');
    client.destroy();
  } finally {
    listening.close();
  }
}

/** The PEM block with three more bytes after its DER. */
function appended(pem: string): string {
  const [begin, ...rest] = pem.trim().split('\n');
  const end = rest.pop();
  const bytes = Buffer.concat([Buffer.from(rest.join(''), 'base64'), Buffer.from([5, 0, 0])]);
  return `${begin}\n${bytes.toString('base64')}\n${end}\n`;
}
