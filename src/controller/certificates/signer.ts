import { type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Run, runToSuccess } from '../../kit/exec.ts';
import { Fault } from '../../kit/fault.ts';
import { makeFolder, readTextIfThere } from '../../kit/files/files.ts';

const dayMs = 24 * 3600 * 1000;
const authorityDays = 3650;
/** Browsers refuse more than 398 days. */
const days = 397;
/** Clocks of other hosts may be slow. */
const clockSkewMs = 24 * 3600 * 1000;

/** A certificate and its key as PEM texts. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** What a certificate says of its owner. All of it comes from the controller. */
export interface Subject {
  /** `^[A-Za-z0-9_.-]{1,64}$` */
  common: string;
  names: readonly string[];
  addresses: readonly string[];
  usage: 'serverAuth' | 'clientAuth';
}

/** Makes and signs certificates by openssl. */
export interface Signer {
  /** Makes an authority of its own. Faults: `tool_failed`, `no_space`, those of Run */
  makeAuthority(): Promise<KeyPair>;
  /** Makes a key with its certificate. Faults: as makeAuthority */
  make(authority: KeyPair, subject: Subject): Promise<KeyPair>;
  /**
   * Signs the key of a request. Only the key is taken from it: names and extensions of a request are ignored.
   * @returns the certificate
   * Faults: `join_invalid` if the request cannot be used, those of Run
   */
  sign(authority: KeyPair, request: string, subject: Subject): Promise<string>;
}

/** @param folder for keys while openssl works; it should be in memory, and is made if it is missing */
export function makeSigner(run: Run, folder: string): Signer {
  return {
    makeAuthority: () => inRoom(folder, (room) => makeAuthority(run, room)),
    make: (authority, subject) =>
      inRoom(folder, async (room) => {
        const files = await makeRequest(run, room, subject);
        const certificate = await issue(run, room, authority, files.request, subject);
        return { certificate, key: await readFile(files.key, 'utf8') };
      }),
    sign: (authority, request, subject) =>
      inRoom(folder, (room) => signRequest(run, room, authority, request, subject)),
  };
}

/** Works in a folder of its own, which is gone afterwards. */
async function inRoom<T>(folder: string, work: (room: string) => Promise<T>): Promise<T> {
  await makeFolder(folder);
  const room = join(folder, `signing-${randomBytes(8).toString('hex')}`);
  await mkdir(room, { mode: 0o700 });
  try {
    return await work(room);
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

async function makeAuthority(run: Run, room: string): Promise<KeyPair> {
  const subject = {
    common: authorityName(),
    names: [],
    addresses: [],
    usage: 'serverAuth',
  } as const;
  const { key, request } = await makeRequest(run, room, subject);
  const certificate = await callCa(run, room, [
    ...['-selfsign', '-keyfile', key, '-in', request, '-extensions', 'authority'],
    ...dates(authorityDays),
  ]);
  return { certificate, key: await readFile(key, 'utf8') };
}

/** Two controllers' authorities have different names, so that a message with one is of use. */
function authorityName(): string {
  return `ha-controller-${randomBytes(4).toString('hex')}`;
}

async function makeRequest(
  run: Run,
  room: string,
  subject: Subject,
): Promise<{ key: string; request: string }> {
  const config = await writeConfig(room, subject);
  const files = { key: join(room, 'new.key'), request: join(room, 'new.csr') };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(run, room, [
    ...(['req', '-new', '-config', config, ...curve] as const),
    ...['-keyout', files.key, '-out', files.request],
  ]);
  return files;
}

async function issue(
  run: Run,
  room: string,
  authority: KeyPair,
  request: string,
  subject: Subject,
): Promise<string> {
  const [cert, key] = [join(room, 'authority.pem'), join(room, 'authority.key')];
  await writeFile(cert, authority.certificate, { mode: 0o600 });
  await writeFile(key, authority.key, { mode: 0o600 });
  await writeConfig(room, subject);
  return callCa(run, room, [
    ...['-cert', cert, '-keyfile', key, '-in', request, '-extensions', 'issued'],
    // The subject of the request is replaced.
    ...['-subj', `/CN=${subject.common}`, ...dates(days)],
  ]);
}

async function signRequest(
  run: Run,
  room: string,
  authority: KeyPair,
  request: string,
  subject: Subject,
): Promise<string> {
  if (!requestForm.test(request) || request.length > maxRequestLength) throw requestRefused();
  const file = join(room, 'request.csr');
  await writeFile(file, request);
  const certificate = await issue(run, room, authority, file, subject).catch((error: unknown) => {
    // openssl also checks that the request was signed by the key in it.
    throw error instanceof Fault && error.code === 'tool_failed' ? requestRefused() : error;
  });
  if (!isStrong(new X509Certificate(certificate).publicKey)) throw requestRefused();
  return certificate;
}

const maxRequestLength = 16 * 1024;
const requestForm =
  /^-----BEGIN CERTIFICATE REQUEST-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE REQUEST-----\n$/;

function requestRefused(): Fault {
  return new Fault(
    'join_invalid',
    'The certificate request of the node cannot be used. It must be one PEM request for a key of EC P-256, P-384, Ed25519, or RSA with 2048 bits or more; install the same version of ha-agent on both hosts.',
  );
}

function isStrong({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { namedCurve = '', modulusLength = 0 } = asymmetricKeyDetails ?? {};
  switch (asymmetricKeyType) {
    case 'ec':
      return ['prime256v1', 'secp384r1'].includes(namedCurve);
    case 'rsa':
      return modulusLength >= 2048 && modulusLength <= 8192;
    default:
      return asymmetricKeyType === 'ed25519';
  }
}

/** `openssl x509 -req` cannot set a start date in the past before OpenSSL 3.4. @returns the certificate */
async function callCa(run: Run, room: string, args: readonly string[]): Promise<string> {
  const out = join(room, 'issued.pem');
  await writeFile(join(room, 'index'), '');
  const config = ['-config', join(room, 'config'), '-batch', '-notext', '-outdir', room];
  await openssl(run, room, ['ca', ...config, ...args, '-out', out]);
  // Without a certificate, openssl may end with 0 all the same, such as after a wrong signature.
  const certificate = await readTextIfThere(out);
  if (certificate) return certificate;
  throw new Fault('tool_failed', 'openssl has made no certificate. Please report it.');
}

function dates(count: number): string[] {
  const from = Date.now() - clockSkewMs;
  return ['-startdate', asn1Time(from), '-enddate', asn1Time(from + count * dayMs)];
}

/** UTC as `YYYYMMDDHHMMSSZ` (openssl-ca(1), `-startdate`). */
function asn1Time(ms: number): string {
  return `${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
}

/** For `openssl req` and `openssl ca` (config(5), x509v3_config(5)). The folder comes from the environment. */
async function writeConfig(
  room: string,
  { common, names, addresses, usage }: Subject,
): Promise<string> {
  const alternative = [
    ...names.map((name, index) => `DNS.${index} = ${name}`),
    ...addresses.map((address, index) => `IP.${index} = ${address}`),
  ];
  const path = join(room, 'config');
  await writeFile(
    path,
    [
      ...['[req]', 'distinguished_name = subject', 'prompt = no'],
      ...['[subject]', `CN = ${common}`],
      ...['[ca]', 'default_ca = own', '[own]', 'database = $ENV::SIGNING_FOLDER/index'],
      ...['rand_serial = yes', 'default_md = sha256', 'policy = policy', 'unique_subject = no'],
      ...['[policy]', 'commonName = supplied'],
      '[authority]',
      'basicConstraints = critical, CA:TRUE, pathlen:0',
      'keyUsage = critical, keyCertSign, cRLSign',
      'subjectKeyIdentifier = hash',
      '[issued]',
      'basicConstraints = critical, CA:FALSE',
      'keyUsage = critical, digitalSignature',
      `extendedKeyUsage = ${usage}`,
      'subjectKeyIdentifier = hash',
      'authorityKeyIdentifier = keyid',
      ...(alternative.length > 0 ? ['subjectAltName = @names'] : []),
      ...['[names]', ...alternative, ''],
    ].join('\n'),
  );
  return path;
}

async function openssl(run: Run, room: string, args: readonly string[]): Promise<void> {
  await runToSuccess(
    run,
    { argv: ['openssl', ...args], env: { SIGNING_FOLDER: room }, deadlineMs: 20_000 },
    "openssl could not make a certificate. Correct what its own message in 'stderr' says, then try again.",
  );
}
