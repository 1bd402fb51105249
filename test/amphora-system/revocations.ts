import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Identity } from '../lab/amphora/certificates.ts';
import { run } from '../lab/run.ts';

/**
 * Makes a list of revoked certificates (openssl-ca(1)).
 * @param folder for the files of openssl
 * @returns the path of the list, a PEM file
 */
export async function makeRevocations(
  folder: string,
  issuer: Identity,
  revoked: readonly Identity[],
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const [config, list] = [join(folder, 'openssl.cnf'), join(folder, 'revocations.pem')];
  await writeFile(join(folder, 'index.txt'), '');
  await writeFile(
    config,
    `[ca]
default_ca = it
[it]
database = ${join(folder, 'index.txt')}
default_md = sha256
default_crl_days = 30
`,
  );
  const signer = ['-config', config, '-cert', issuer.certificate, '-keyfile', issuer.key];
  for (const { certificate } of revoked) {
    await run(['openssl', 'ca', '-batch', ...signer, '-revoke', certificate]);
  }
  await run(['openssl', 'ca', '-batch', ...signer, '-gencrl', '-out', list]);
  return list;
}
