import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key, each as PEM. */
export interface Issued {
  certificate: string;
  key: string;
}

export interface Wanted {
  name: string;
  /** The DNS names of its subjectAltName. */
  dns?: readonly string[];
  key?: 'rsa' | 'ec' | 'ed25519' | 'rsa-512';
  days?: number;
  /** Without it, it signs itself. */
  by?: Issued;
  isAuthority?: boolean;
}

const keyOptions = {
  rsa: ['rsa:2048'],
  'rsa-512': ['rsa:512'],
  ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  ed25519: ['ed25519'],
} as const;

/** Has OpenSSL issue a certificate. */
export function issue({ name, dns = [], key = 'ec', days = 30, by, isAuthority }: Wanted): Issued {
  return inFolder((folder) => {
    const [out, keyOut] = [join(folder, 'new.pem'), join(folder, 'new.key')];
    const signer = by ? ['-CA', write(folder, 'ca.pem', by.certificate)] : [];
    const signerKey = by ? ['-CAkey', write(folder, 'ca.key', by.key)] : [];
    const names = dns.map((each) => `DNS:${each}`).join(',');
    const extensions = [
      `basicConstraints=critical,CA:${isAuthority === true ? 'TRUE' : 'FALSE'}`,
      ...(names === '' ? [] : [`subjectAltName=${names}`]),
    ].flatMap((each) => ['-addext', each]);
    const request = ['req', '-x509', '-new', '-nodes', '-config', '/dev/null'];
    const subject = ['-subj', `/CN=${name}`, '-newkey', ...keyOptions[key]];
    const files = ['-keyout', keyOut, '-out', out, '-days', String(days)];
    openssl([...request, ...subject, ...files, ...signer, ...signerKey, ...extensions]);
    return { certificate: readFileSync(out, 'utf8'), key: readFileSync(keyOut, 'utf8') };
  });
}

/** A CRL of an authority that revokes nothing. */
export function revocationsOf(authority: Issued): string {
  return inFolder((folder) => {
    write(folder, 'index', '');
    const database = `[ca]\ndefault_ca=a\n[a]\ndatabase=${folder}/index\ndefault_md=sha256\n`;
    const config = write(folder, 'config', database);
    const files = ['-cert', write(folder, 'ca.pem', authority.certificate)];
    const keyFile = ['-keyfile', write(folder, 'ca.key', authority.key)];
    return openssl(['ca', '-gencrl', '-crldays', '30', '-config', config, ...files, ...keyFile]);
  });
}

/** Runs OpenSSL. @returns what it printed */
export function openssl(argv: readonly string[], input = ''): string {
  return execFileSync('openssl', argv, { input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'ha-agent-test-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function write(folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}
