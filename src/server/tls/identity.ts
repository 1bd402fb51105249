import { constants, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../kit/fault.ts';
import type { Run } from '../../kit/exec.ts';
import type { Log } from '../../kit/log.ts';
import type { CommonConfig } from '../../kit/config/common.ts';
import type { ServerConfig } from '../config.ts';
import { ownSource } from './own-certificate.ts';
import { checked, type Source, type TlsIdentity } from './source.ts';

/**
 * TLS 1.3, and TLS 1.2 with a key exchange for each connection; authenticated encryption only (RFC 9325, section 4.2).
 * For the port of the API.
 */
export const apiTls = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
  ].join(':'),
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const;

type TlsConfig = Pick<ServerConfig, 'tls_certificate' | 'tls_key'> &
  Pick<CommonConfig, 'state_directory'>;

/**
 * The certificate to serve with: the configured one, or this node's own. Its own is made on the first start. It is made
 * again if it ends soon, lacks a name or an address of this host, or is of a kind that earlier versions made.
 * Faults: `invalid_config` if a file cannot be read or has the wrong content, `tool_failed`, those of Run.
 */
export function loadTlsIdentity(config: TlsConfig, run: Run): Promise<TlsIdentity> {
  return sourceOf(config, run).load(undefined);
}

/**
 * Checks regularly whether there is a newer certificate, because the configured files were replaced or this node's own
 * ends soon. One that cannot be used is logged, and the former one stays.
 * @param current the certificate in use
 * @param replaced is called with each newer one
 * @returns a function that stops the checks; its promise settles when a running check has ended
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

/** The facts for the log that a client needs to trust only this certificate. */
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
