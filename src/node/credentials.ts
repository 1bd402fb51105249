import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, rename, rm } from 'node:fs/promises';

import { type Run, runToSuccess } from '../kit/exec.ts';
import { Fault } from '../kit/fault.ts';
import { makeFolder, readTextIfThere, replaceFile, syncFolder } from '../kit/files/files.ts';
import { credentialFiles, type NodePaths } from './paths.ts';

/** The key, the certificate and the CA as PEM texts. */
export interface NodeIdentity {
  key: string;
  cert: string;
  /** The CA of the controller. */
  ca: string;
}

/**
 * The credentials of a node, for its own port and for joining.
 *
 * INVARIANT: a kill at any point leaves a certificate whose key is one of two files; `read` finds it and tidies up.
 */
export interface NodeCredentials {
  /**
   * Makes a new key. @param name the name in the request, which the controller may ignore
   * @returns a certificate request (PKCS #10) as PEM
   * Faults: `tool_failed`, `no_space`, those of Run
   */
  request(name: string): Promise<string>;
  /** Stores the certificate for the key of the last request. Faults: `node_certificate_refused`, `no_space` */
  store(issued: { certificate: string; authority: string }): Promise<NodeIdentity>;
  /** Faults: `invalid_config` if a file is missing or does not fit */
  read(): Promise<NodeIdentity>;
  forget(): Promise<void>;
}

const deadlineMs = 20_000;

export function makeNodeCredentials(
  run: Run,
  paths: Pick<NodePaths, 'credentials'>,
): NodeCredentials {
  const files = credentialFiles(paths);

  /** The key that belongs to the certificate, in its own file afterwards. */
  async function keyFor(certificate: X509Certificate): Promise<string | undefined> {
    for (const file of [files.key, files.nextKey]) {
      const key = await readTextIfThere(file);
      if (key === undefined || !isKeyOf(certificate, key)) continue;
      if (file === files.nextKey) {
        await rename(files.nextKey, files.key);
        await syncFolder(paths.credentials);
      }
      return key;
    }
    return undefined;
  }

  return {
    async request(name) {
      await makeFolder(paths.credentials);
      await rm(files.nextKey, { force: true });
      const text = await runToSuccess(
        run,
        {
          argv: [
            ...(['openssl', 'req', '-new', '-newkey', 'ec'] as const),
            ...['-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${name}`],
            ...['-keyout', files.nextKey],
          ],
          deadlineMs,
        },
        "openssl could not make a certificate request. Its own message is in 'stderr'.",
      );
      await chmod(files.nextKey, 0o600);
      return text;
    },
    async store({ certificate, authority }) {
      const next = (await readTextIfThere(files.nextKey)) ?? '';
      const issued = issuedBy(certificate, authority);
      if (issued === undefined || !isKeyOf(issued, next)) {
        throw new Fault(
          'node_certificate_refused',
          'The certificate does not belong to the last request of this node, or the CA has not signed it. Ask the node for a new request.',
        );
      }
      await replaceFile(files.authority, authority, 0o644);
      await replaceFile(files.certificate, certificate, 0o644);
      const key = (await keyFor(issued)) ?? next;
      return { key, cert: certificate, ca: authority };
    },
    async read() {
      const cert = await readTextIfThere(files.certificate);
      const ca = await readTextIfThere(files.authority);
      const found = cert === undefined || ca === undefined ? undefined : issuedBy(cert, ca);
      const key = found && (await keyFor(found));
      if (key === undefined || cert === undefined || ca === undefined) {
        throw new Fault(
          'invalid_config',
          `The key, the certificate and the CA in ${paths.credentials} are not there or do not belong together. Let this host join its controller again: 'hactl node join'.`,
        );
      }
      return { key, cert, ca };
    },
    async forget() {
      for (const file of Object.values(files) as string[]) await rm(file, { force: true });
    },
  };
}

function issuedBy(certificate: string, authority: string): X509Certificate | undefined {
  try {
    const [issued, ca] = [new X509Certificate(certificate), new X509Certificate(authority)];
    return ca.ca && issued.verify(ca.publicKey) ? issued : undefined;
  } catch {
    return undefined;
  }
}

function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
