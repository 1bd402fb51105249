import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';

import { Fault } from '../kit/fault.ts';
import { type Run, runToSuccess } from '../kit/exec.ts';
import { readTextIfThere, replaceFile } from '../kit/files/files.ts';
import type { Log } from '../kit/log.ts';
import type { CommonConfig } from '../kit/config/common.ts';
import type { ServerConfig } from './config.ts';

/** PEM texts for Node's TLS server. */
export interface TlsIdentity {
  key: string;
  cert: string;
}

/**
 * TLS 1.3, and TLS 1.2 with a key exchange for each connection; authenticated encryption only (RFC 9325, section 4.2).
 * For the port of the API.
 */
export const apiTls = {
  minVersion: 'TLSv1.2',
  ciphers: [
    ...['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
    ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
    ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
    ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ].join(':'),
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const;

/** Where a certificate comes from. */
interface Source {
  /** Milliseconds between two looks. */
  everyMs: number;
  /** @returns the identity to serve with; `current` itself if nothing changed */
  load(current: TlsIdentity | undefined): Promise<TlsIdentity>;
}

type TlsConfig = Pick<ServerConfig, 'tls_certificate' | 'tls_key'> &
  Pick<CommonConfig, 'state_directory'>;

/**
 * The certificate to serve with: the configured one, or this node's own, made on the first start, and when it ends soon,
 * lacks a name or an address of this host, or is of a kind that former versions made.
 * Faults: `invalid_config` if a file cannot be read or does not hold what it should, `tool_failed`, those of Run.
 */
export function loadTlsIdentity(config: TlsConfig, run: Run): Promise<TlsIdentity> {
  return sourceOf(config, run).load(undefined);
}

/**
 * Looks now and again whether there is a newer certificate: the configured files were replaced, or this node's own ends
 * soon. One that cannot be served is logged, and the former one stays.
 * @param current what is served now
 * @param replaced is called with each newer one
 * @returns stops it; fulfilled when a look that is under way is over
 */
export function followTlsIdentity(
  { config, run, log }: { config: TlsConfig; run: Run; log: Log },
  current: TlsIdentity,
  replaced: (identity: TlsIdentity) => void,
  everyMs?: number,
): () => Promise<void> {
  const source = sourceOf(config, run);
  let served = current;
  let logged = '';
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    try {
      const next = await source.load(served);
      logged = '';
      if (next === served) return;
      replaced(next);
      served = next;
      log.info(describeCertificate(next), 'the certificate was replaced');
    } catch (error) {
      const { message } = error as Error;
      if (message !== logged) log.error({ error: message }, 'the former certificate stays');
      logged = message;
    }
  }
  const timer = setInterval(() => {
    looking ??= look().finally(() => (looking = undefined));
  }, everyMs ?? source.everyMs);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

/** For the log: what a client needs that trusts this certificate alone. */
export function describeCertificate({ cert }: TlsIdentity): object {
  const { fingerprint256, validTo } = new X509Certificate(cert);
  return { fingerprint256, validTo };
}

function sourceOf(config: TlsConfig, run: Run): Source {
  const { tls_certificate: certPath, tls_key: keyPath } = config;
  return certPath !== null && keyPath !== null
    ? configuredSource(certPath, keyPath)
    : ownSource(join(config.state_directory, 'tls.pem'), run);
}

function configuredSource(certPath: string, keyPath: string): Source {
  return {
    everyMs: 60_000,
    async load(current) {
      const key = await readConfigured('tls_key', keyPath);
      const cert = await readConfigured('tls_certificate', certPath);
      if (key === current?.key && cert === current.cert) return current;
      return checked(
        { key, cert },
        'tls_certificate and tls_key: expected a PEM certificate and the key that belongs to it.',
      );
    },
  };
}

function checked(identity: TlsIdentity, ifNot: string): TlsIdentity {
  try {
    createSecureContext(identity);
    // An empty text is none to createSecureContext: a file is empty while it is being replaced.
    const certificate = new X509Certificate(identity.cert);
    if (certificate.checkPrivateKey(createPrivateKey(identity.key))) return identity;
  } catch (error) {
    throw new Fault('invalid_config', `${ifNot} ${(error as Error).message}`);
  }
  throw new Fault('invalid_config', `${ifNot} The key belongs to another certificate.`);
}

async function readConfigured(key: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Fault(
      'invalid_config',
      `${key}: expected a readable PEM file. ${(error as Error).message}`,
    );
  }
}

const dayMs = 24 * 3600 * 1000;
// Browsers refuse more than 398 days.
const validMs = 397 * dayMs;
/** Clocks of clients may be slow. */
const clockSkewMs = 3600 * 1000;
const renewBeforeMs = 30 * dayMs;

function ownSource(path: string, run: Run): Source {
  const subjectOfNow = () => subjectOfThisHost(run);
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
        `${path} is damaged. Remove it: a new one is made then.`,
      );
      // An address that comes and goes changes the certificate at a start alone, and once.
      if (!isOutdated(found) && covers(found, subject)) return found;
      // On a full disk the former one is better than none.
      return makeSelfSigned(path, subject, found, run).catch(() => found);
    },
  };
}

/** Ends soon, or is the certificate of an authority, as those that former versions made. */
function isOutdated({ cert }: TlsIdentity): boolean {
  const { ca, validTo } = new X509Certificate(cert);
  return ca || new Date(validTo).getTime() - Date.now() < renewBeforeMs;
}

/** Not looked at when the agent starts: a machine without a battery starts in the past, and its clock is put right soon. */
function isNotYetValid({ cert }: TlsIdentity): boolean {
  return new Date(new X509Certificate(cert).validFrom).getTime() > Date.now();
}

function covers({ cert }: TlsIdentity, subject: Subject): boolean {
  const found = new X509Certificate(cert);
  return (
    subject.names.every((name) => found.checkHost(name) !== undefined) &&
    subject.addresses.every((address) => found.checkIP(address) !== undefined)
  );
}

/** The names and addresses by which clients may reach this host. */
interface Subject {
  names: string[];
  addresses: string[];
}

/** Linux allows any text for a host name. */
const dnsName = /^(?=.{1,253}$)[a-z0-9]([\w.-]*[a-z0-9])?$/i;
const maxAddresses = 64;

async function subjectOfThisHost(run: Run): Promise<Subject> {
  const names = [hostname(), await fullName(run), 'localhost'].filter((name) => dnsName.test(name));
  const addresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address }) => address)
    .filter((address) => !/^(fe[89ab].:|169\.254\.)/i.test(address));
  return {
    names: [...new Set(names)],
    addresses: [...new Set(['127.0.0.1', '::1', ...addresses])].slice(0, maxAddresses),
  };
}

/** The host name with its domain (hostname(1)), or '' where no resolver knows it. */
async function fullName(run: Run): Promise<string> {
  try {
    const { exitCode, stdout } = await run({ argv: ['hostname', '--fqdn'], deadlineMs: 3000 });
    return exitCode === 0 ? stdout.trim() : '';
  } catch {
    return '';
  }
}

/**
 * Makes the key and the certificate, in one file, so that they are replaced together or not at all.
 * @param former addresses of this one stay: one that moves between nodes may be elsewhere just now
 */
async function makeSelfSigned(
  path: string,
  subject: Subject,
  former: TlsIdentity | undefined,
  run: Run,
): Promise<TlsIdentity> {
  const addresses = new Set([...subject.addresses, ...addressesOf(former)]);
  const all = { ...subject, addresses: [...addresses].slice(0, maxAddresses) };
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
        "openssl could not make a certificate. Mend what its own message in 'stderr' says, or configure tls_certificate and tls_key.",
      );
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    await openssl('req', '-new', ...curve, '-nodes', '-keyout', key, '-out', request);
    // `openssl req -x509` cannot date a certificate back before OpenSSL 3.4.
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

function addressesOf(identity: TlsIdentity | undefined): string[] {
  const text = identity && new X509Certificate(identity.cert).subjectAltName;
  return [...(text ?? '').matchAll(/IP Address:([\da-f.:]+)/gi)].map(([, address = '']) =>
    address.toLowerCase(),
  );
}

/** UTC as `YYYYMMDDHHMMSSZ` (openssl-ca(1), `-startdate`). */
function asn1Time(ms: number): string {
  return `${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
}

/** For `openssl req` and `openssl ca` (config(5), x509v3_config(5)); the folder comes by the environment. */
function opensslConfig({ names, addresses }: Subject): string {
  return [
    '[req]',
    'distinguished_name = subject',
    'prompt = no',
    '[subject]',
    // A common name has 64 characters at most (RFC 5280, appendix A.1); clients look at the names below alone.
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
