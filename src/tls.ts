import { mkdir, readFile, rm } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';

import type { Config } from './config.ts';
import { Fault } from './errors.ts';
import { type Run, runToSuccess } from './exec.ts';
import { readTextIfThere, replaceFile } from './files.ts';

/** PEM texts for Node's TLS server. */
export interface TlsIdentity {
  key: string;
  cert: string;
}

/**
 * The certificate to serve with: the configured one, or this node's own, made on the first start.
 * Faults: `invalid_config` if a file cannot be read or does not hold what it should, `tool_failed`, those of Run.
 */
export async function loadTlsIdentity(config: Config, run: Run): Promise<TlsIdentity> {
  if (config.tls_certificate !== null && config.tls_key !== null) {
    const identity = {
      key: await readConfigured('tls_key', config.tls_key),
      cert: await readConfigured('tls_certificate', config.tls_certificate),
    };
    return checked(
      identity,
      'tls_certificate and tls_key: expected a PEM certificate and the key that belongs to it.',
    );
  }
  // Key and certificate in one file: they are replaced together or not at all.
  const path = join(config.state_directory, 'tls.pem');
  const pem = (await readTextIfThere(path)) ?? (await makeSelfSigned(path, run));
  return checked({ key: pem, cert: pem }, `${path} is damaged. Remove it: a new one is made then.`);
}

function checked(identity: TlsIdentity, ifNot: string): TlsIdentity {
  try {
    createSecureContext(identity);
    return identity;
  } catch (error) {
    throw new Fault('invalid_config', `${ifNot} ${(error as Error).message}`);
  }
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

async function makeSelfSigned(path: string, run: Run): Promise<string> {
  const folder = `${path}.making`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    // prettier-ignore
    const argv = [
      'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
      '-nodes', '-days', '3650', '-subj', `/CN=${hostname()}`,
      '-addext', `subjectAltName=${alternativeNames().join(',')}`,
      '-keyout', keyFile, '-out', certFile,
    ] as const;
    await runToSuccess(
      run,
      { argv, deadlineMs: 10_000 },
      "openssl could not make a certificate. Mend what its own message in 'stderr' says, or configure tls_certificate and tls_key.",
    );
    const pem = (await readFile(keyFile, 'utf8')) + (await readFile(certFile, 'utf8'));
    await replaceFile(path, pem, 0o600);
    return pem;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function alternativeNames(): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ address }) => !address.startsWith('fe80:'))
    .map(({ address }) => `IP:${address}`);
  return [...new Set([`DNS:${hostname()}`, 'DNS:localhost', ...addresses])];
}
