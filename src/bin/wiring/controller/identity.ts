import type { JoinPin } from '../../../controller/certificates/join-tokens.ts';
import { fingerprintOf } from '../../../controller/certificates/life.ts';
import type { OwnCertificates } from '../../../controller/certificates/own.ts';
import type { Run } from '../../../kit/exec.ts';
import type { Log } from '../../../kit/log.ts';
import {
  describeCertificate,
  followTlsIdentity,
  loadTlsIdentity,
} from '../../../server/tls/identity.ts';
import type { TlsIdentity } from '../../../server/tls/source.ts';
import type { WholeControllerConfig } from './config.ts';

const renewalMs = 3600 * 1000;

/** What the port of the controller shows, and how it changes. */
export interface PortIdentity {
  now: () => TlsIdentity;
  /** What a host that joins has to see. */
  pin: () => JoinPin;
  /** @returns an end, which returns when nothing is under way */
  follow(onServer: (identity: TlsIdentity) => void, onClient: () => void): () => Promise<void>;
}

/**
 * The configured certificate, or the one that the authority has signed. The controller's own certificates are renewed
 * in both cases.
 * Faults: `invalid_config`
 */
export async function openPortIdentity(
  config: WholeControllerConfig,
  certificates: OwnCertificates,
  { run, log }: { run: Run; log: Log },
): Promise<PortIdentity> {
  const isConfigured = config.tls_certificate !== null;
  const ofStore = (): TlsIdentity => {
    const { certificate, key } = certificates.server();
    return { cert: certificate, key };
  };
  let current = isConfigured ? await loadTlsIdentity(config, run) : ofStore();

  async function renew(
    onServer: (identity: TlsIdentity) => void,
    onClient: () => void,
  ): Promise<void> {
    const made = await certificates.renew();
    if (made.includes('client')) onClient();
    if (isConfigured || !made.includes('server')) return;
    current = ofStore();
    onServer(current);
    log.info(describeCertificate(current), 'the certificate of the port was renewed');
  }

  return {
    now: () => current,
    pin: () =>
      isConfigured
        ? { kind: 'leaf', fingerprint: fingerprintOf(current.cert) }
        : { kind: 'ca', fingerprint: certificates.fingerprint },
    follow(onServer, onClient) {
      const unfollow = isConfigured
        ? followTlsIdentity({ config, run, log }, current, (next) => {
            current = next;
            onServer(next);
          })
        : () => Promise.resolve();
      let renewing: Promise<void> | undefined;
      const timer = setInterval(() => {
        renewing ??= renew(onServer, onClient)
          .catch((error: unknown) => {
            log.error({ error: (error as Error).message }, 'a certificate was not renewed');
          })
          .finally(() => (renewing = undefined));
      }, renewalMs);
      return async () => {
        clearInterval(timer);
        await Promise.all([unfollow(), renewing]);
      };
    },
  };
}
