import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Run, runToSuccess } from '../../kit/exec.ts';
import { readTextIfThere, replaceFile } from '../../kit/files/files.ts';
import {
  type HostNames,
  isFor,
  joinedNames,
  namesIn,
  namesOfThisHost,
} from '../../kit/host-names.ts';
import { checked, type Source, type TlsIdentity } from './source.ts';

const dayMs = 24 * 3600 * 1000;
// Browsers refuse more than 398 days.
const validMs = 397 * dayMs;
/** Clocks of clients may be slow. */
const clockSkewMs = 3600 * 1000;
const renewBeforeMs = 30 * dayMs;

/** The certificate that this node makes for itself, in one file with its key. */
export function ownSource(path: string, run: Run): Source {
  const subjectOfNow = () => namesOfThisHost(run);
  return {
    everyMs: 3600 * 1000,
    async load(current) {
      if (current !== undefined) {
        return isOutdated(current) || isNotYetValid(current)
          ? makeSelfSigned(path, await subjectOfNow(), current, run)
          : current;
      }
      const subject = await subjectOfNow();
      const pem = await readTextIfThere(path);
      if (pem === undefined) return makeSelfSigned(path, subject, undefined, run);
      const found = checked(
        { key: pem, cert: pem },
        `${path} is damaged. Remove it, and a new one is made.`,
      );
      // An address that comes and goes changes the certificate only at a start, and only once.
      if (!isOutdated(found) && isFor(new X509Certificate(found.cert), subject)) return found;
      // On a full disk, the former certificate is better than none.
      return makeSelfSigned(path, subject, found, run).catch(() => found);
    },
  };
}

/** Whether it ends soon, or belongs to an authority, as those that earlier versions made. */
function isOutdated({ cert }: TlsIdentity): boolean {
  const { ca, validTo } = new X509Certificate(cert);
  return ca || new Date(validTo).getTime() - Date.now() < renewBeforeMs;
}

/**
 * This is not checked when the agent starts, because the clock of a machine without a battery starts in the past and is
 * corrected soon.
 */
function isNotYetValid({ cert }: TlsIdentity): boolean {
  return new Date(new X509Certificate(cert).validFrom).getTime() > Date.now();
}

/**
 * Makes the key and the certificate in one file, so that they are replaced together or not at all.
 * @param former its addresses stay, because a moving address may be on another node at the moment
 */
async function makeSelfSigned(
  path: string,
  subject: HostNames,
  former: TlsIdentity | undefined,
  run: Run,
): Promise<TlsIdentity> {
  const addresses = former ? namesIn(new X509Certificate(former.cert)).addresses : [];
  const all = joinedNames(subject, { names: [], addresses });
  const folder = `${path}.making`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const inFolder = (name: string) => join(folder, name);
    const [config, key, request, cert] = ['config', 'key', 'request', 'cert'].map(inFolder) as [
      ...[string, string, string, string],
    ];
    await writeFile(config, opensslConfig(all));
    await writeFile(inFolder('index'), '');
    const openssl = (...args: [string, ...string[]]) =>
      runToSuccess(
        run,
        {
          argv: ['openssl', ...args, '-config', config],
          env: { TLS_FOLDER: folder },
          deadlineMs: 20_000,
        },
        "openssl could not make a certificate. Correct what its own message in 'stderr' says, or configure tls_certificate and tls_key.",
      );
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    await openssl('req', '-new', ...curve, '-nodes', '-keyout', key, '-out', request);
    // `openssl req -x509` cannot set a start date in the past before OpenSSL 3.4.
    const from = Date.now() - clockSkewMs;
    const dates = ['-startdate', asn1Time(from), '-enddate', asn1Time(from + validMs)];
    const files = ['-keyfile', key, '-in', request, '-out', cert, '-outdir', folder];
    await openssl('ca', '-selfsign', '-batch', '-notext', ...dates, ...files);
    const pem = (await readFile(key, 'utf8')) + (await readFile(cert, 'utf8'));
    await replaceFile(path, pem, 0o600);
    return { key: pem, cert: pem };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** UTC as `YYYYMMDDHHMMSSZ` (openssl-ca(1), `-startdate`). */
function asn1Time(ms: number): string {
  return `${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
}

/** For `openssl req` and `openssl ca` (config(5), x509v3_config(5)). The folder comes from the environment. */
function opensslConfig({ names, addresses }: HostNames): string {
  return [
    '[req]',
    'distinguished_name = subject',
    'prompt = no',
    '[subject]',
    // A common name has at most 64 characters (RFC 5280, appendix A.1). Clients only use the names below.
    `CN = ${names.find((name) => name.length <= 64) ?? 'localhost'}`,
    '[ca]',
    'default_ca = self',
    '[self]',
    'database = $ENV::TLS_FOLDER/index',
    'rand_serial = yes',
    'default_md = sha256',
    'policy = policy',
    'x509_extensions = server',
    '[policy]',
    'commonName = supplied',
    '[server]',
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = serverAuth',
    'subjectKeyIdentifier = hash',
    'subjectAltName = @names',
    '[names]',
    ...names.map((name, index) => `DNS.${index} = ${name}`),
    ...addresses.map((address, index) => `IP.${index} = ${address}`),
    '',
  ].join('\n');
}
