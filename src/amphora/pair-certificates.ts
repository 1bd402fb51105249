import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Run, runToSuccess } from '../kit/exec.ts';
import { createFile } from '../kit/files/files.ts';

/** Nothing renews them by itself. */
const caDays = 3650;
const days = 1095;

/** The files that were made. */
export interface PairCertificates {
  /** `agent_server_ca` of each amphora, and the authority that a controller trusts. */
  ca: string;
  /** The key of the authority, for further amphorae. */
  caKey: string;
  /** Certificate and key of the controller. */
  client: string;
  /** `agent_server_cert` of each amphora, by its id. */
  servers: Readonly<Record<string, string>>;
}

interface Subject {
  /** The common name, and the name in the certificate's list of names. */
  name: string;
  usage: 'serverAuth' | 'clientAuth';
}

/**
 * Makes an authority, a certificate for each amphora, and one for the controller. Only root can read the files. The
 * driver of Debian 13 compares the list of names with the id of the amphora, and ignores the common name.
 * @param folder must not exist; its parent has to
 * @param ids `^[A-Za-z0-9_-]{1,64}$`
 * Faults: `tool_failed`, those of Run. Throws the error of the system `EEXIST`. Afterwards there is no folder
 */
export async function makePairCertificates(
  folder: string,
  ids: readonly string[],
  run: Run,
): Promise<PairCertificates> {
  await mkdir(folder, { mode: 0o700 });
  try {
    const made = join(folder, 'making');
    await mkdir(made, { mode: 0o700 });
    const authority = await makeAuthority(made, run);
    const inFolder = (name: string) => join(folder, name);
    const files = {
      ca: inFolder('ca.pem'),
      caKey: inFolder('ca.key'),
      client: inFolder('client.pem'),
      servers: Object.fromEntries(ids.map((id) => [id, inFolder(`server-${id}.pem`)])),
    };
    await createFile(files.ca, await readFile(authority.cert, 'utf8'), 0o600);
    await createFile(files.caKey, await readFile(authority.key, 'utf8'), 0o600);
    const make = (subject: Subject) => makeSigned(made, authority, subject, run);
    for (const [id, path] of Object.entries(files.servers)) {
      await createFile(path, await make({ name: id, usage: 'serverAuth' }), 0o600);
    }
    const client = await make({ name: 'controller', usage: 'clientAuth' });
    await createFile(files.client, client, 0o600);
    await rm(made, { recursive: true });
    return files;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Files {
  key: string;
  cert: string;
}

async function makeAuthority(folder: string, run: Run): Promise<Files> {
  const config = join(folder, 'ca.conf');
  const files = { key: join(folder, 'ca.key'), cert: join(folder, 'ca.pem') };
  await writeFile(
    config,
    [
      ...requestConfig('Amphorae made by hactl'),
      'x509_extensions = ca',
      '[ca]',
      'basicConstraints = critical, CA:TRUE, pathlen:0',
      'keyUsage = critical, keyCertSign, cRLSign',
      'subjectKeyIdentifier = hash',
      '',
    ].join('\n'),
  );
  const out = ['-keyout', files.key, '-out', files.cert];
  await openssl(run, 'req', '-x509', ...newKey, '-days', `${caDays}`, ...out, '-config', config);
  return files;
}

/** @returns the certificate and its key in one text */
async function makeSigned(
  folder: string,
  authority: Files,
  { name, usage }: Subject,
  run: Run,
): Promise<string> {
  const inFolder = (ending: string) => join(folder, `${usage}-${name}.${ending}`);
  const [config, key, request, cert] = [
    inFolder('conf'),
    inFolder('key'),
    inFolder('csr'),
    inFolder('crt'),
  ];
  await writeFile(
    config,
    [
      ...requestConfig(name),
      '[signed]',
      'basicConstraints = critical, CA:FALSE',
      'keyUsage = critical, digitalSignature',
      `extendedKeyUsage = ${usage}`,
      'subjectKeyIdentifier = hash',
      'authorityKeyIdentifier = keyid',
      `subjectAltName = DNS:${name}`,
      '',
    ].join('\n'),
  );
  await openssl(run, 'req', '-new', ...newKey, '-keyout', key, '-out', request, '-config', config);
  const by = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial'];
  const extensions = ['-extfile', config, '-extensions', 'signed'];
  const files = ['-in', request, '-out', cert, '-days', `${days}`];
  await openssl(run, 'x509', '-req', ...files, ...by, ...extensions);
  return (await readFile(cert, 'utf8')) + (await readFile(key, 'utf8'));
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** For `openssl req` (config(5), x509v3_config(5)). It ends in the section `[req]`'s own keys. */
function requestConfig(name: string): string[] {
  return ['[subject]', `CN = ${name}`, '[req]', 'distinguished_name = subject', 'prompt = no'];
}

async function openssl(run: Run, ...args: [string, ...string[]]): Promise<void> {
  await runToSuccess(
    run,
    { argv: ['openssl', ...args], deadlineMs: 20_000 },
    "openssl could not make a certificate. Correct what its own message in 'stderr' says, then try again.",
  );
}
