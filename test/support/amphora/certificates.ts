import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { execa } from 'execa';

import type { TlsIdentity } from '../../../src/server/tls/source.ts';

/** A CA that signs certificates for tests. */
export interface TestCa {
  cert: string;
  /**
   * @param name the common name, and the DNS name
   * @param more.usage the extended key usage; both sides by default
   * @param more.isExpired whether it ended yesterday
   */
  issue(name: string, more?: { usage?: string; isExpired?: boolean }): Promise<TlsIdentity>;
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** @param folder an existing folder for the files of openssl */
export async function makeTestCa(folder: string, name: string): Promise<TestCa> {
  const path = (file: string) => join(folder, `${name}-${file}`);
  const [caKey, caCert] = [path('ca.key'), path('ca.pem')];
  const out = ['-keyout', caKey, '-out', caCert];
  await execa('openssl', ['req', '-x509', ...curve, '-days', '2', '-subj', `/CN=${name}`, ...out]);
  let count = 0;

  return {
    cert: await readFile(caCert, 'utf8'),
    async issue(subject, { usage = 'clientAuth,serverAuth', isExpired = false } = {}) {
      count += 1;
      const [key, csr, cert] = ['key', 'csr', 'pem'].map((end) => path(`${count}.${end}`)) as [
        string,
        string,
        string,
      ];
      const extensions = path(`${count}.ext`);
      await writeFile(extensions, `subjectAltName=DNS:${subject}\nextendedKeyUsage=${usage}\n`);
      await execa('openssl', [
        'req',
        ...curve,
        '-subj',
        `/CN=${subject}`,
        '-keyout',
        key,
        '-out',
        csr,
      ]);
      const by = ['-CA', caCert, '-CAkey', caKey, '-set_serial', `${count}`];
      const days = ['-days', isExpired ? '-1' : '1'];
      await execa('openssl', [
        'x509',
        '-req',
        '-in',
        csr,
        ...by,
        ...days,
        '-extfile',
        extensions,
        '-out',
        cert,
      ]);
      return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
    },
  };
}

/** A certificate that nobody but itself has signed. */
export async function selfSigned(folder: string, name: string): Promise<TlsIdentity> {
  const [key, cert] = ['key', 'pem'].map((end) => join(folder, `self-${name}.${end}`)) as [
    string,
    string,
  ];
  const out = ['-keyout', key, '-out', cert];
  await execa('openssl', ['req', '-x509', ...curve, '-days', '1', '-subj', `/CN=${name}`, ...out]);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}
