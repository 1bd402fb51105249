import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../run.ts';

/** A certificate with its key, in files of this machine. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
  /** Both in one file, as the driver and the agent want them. */
  readonly pem: string;
}

export interface IdentityWish {
  readonly name: string;
  readonly commonName: string;
  /** As openssl writes them, such as `DNS:www.example.com`; without any, the certificate has no such extension. */
  readonly alternativeNames?: readonly string[];
  readonly use?: 'serverAuth' | 'clientAuth';
  /** The certificate of an authority that may issue others. */
  readonly isAuthority?: boolean;
  readonly algorithm?: 'rsa' | 'ec';
  readonly days?: number;
}

const algorithms = { rsa: ['rsa:2048'], ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] };

/**
 * Makes a certificate in a folder.
 * @param issuer signs it; without one it signs itself
 */
export async function makeIdentity(
  folder: string,
  wish: IdentityWish,
  issuer?: Identity,
): Promise<Identity> {
  await mkdir(folder, { recursive: true });
  const path = (end: string): string => join(folder, `${wish.name}${end}`);
  const made = { certificate: path('.crt'), key: path('.key'), pem: path('.pem') };
  const newKey = ['-newkey', ...algorithms[wish.algorithm ?? 'rsa'], '-noenc', '-keyout', made.key];
  const subject = ['-subj', `/CN=${wish.commonName}`];
  const request = path('.csr');
  await run(['openssl', 'req', '-new', ...newKey, ...subject, '-out', request]);
  await writeFile(path('.ext'), extensionsOf(wish));
  const signer = issuer
    ? ['-CA', issuer.certificate, '-CAkey', issuer.key]
    : ['-signkey', made.key];
  const serial = `0x${[...crypto.getRandomValues(new Uint8Array(8))].map((byte) => (byte | 1).toString(16).padStart(2, '0')).join('')}`;
  const input = ['-req', '-in', request, '-extfile', path('.ext'), '-set_serial', serial];
  const days = ['-days', `${wish.days ?? 30}`];
  await run(['openssl', 'x509', ...input, ...signer, ...days, '-sha256', '-out', made.certificate]);
  const both = await Promise.all([readFile(made.certificate), readFile(made.key)]);
  await writeFile(made.pem, Buffer.concat(both));
  return made;
}

function extensionsOf(wish: IdentityWish): string {
  const isAuthority = wish.isAuthority === true;
  const lines = [
    `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
    `keyUsage=critical,${isAuthority ? 'keyCertSign,cRLSign' : 'digitalSignature,keyEncipherment'}`,
  ];
  if (wish.use !== undefined) {
    lines.push(`extendedKeyUsage=${wish.use}`);
  }
  if (wish.alternativeNames !== undefined) {
    lines.push(`subjectAltName=${wish.alternativeNames.join(',')}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The certificates by which a controller and its amphorae know each other. */
export interface Trust {
  readonly authority: Identity;
  readonly client: Identity;
  /** By the id of the amphora. */
  readonly servers: ReadonlyMap<string, Identity>;
}

/** Makes the authority, the controller's certificate, and one for each amphora, whose name is its id. */
export async function makeTrust(folder: string, amphoraIds: readonly string[]): Promise<Trust> {
  const authority = await makeIdentity(folder, {
    name: 'authority',
    commonName: 'Lab authority',
    isAuthority: true,
  });
  const controller: IdentityWish = {
    name: 'client',
    commonName: 'octavia-controller',
    use: 'clientAuth',
  };
  const client = await makeIdentity(folder, controller, authority);
  const servers = await Promise.all(
    amphoraIds.map(async (id): Promise<[string, Identity]> => {
      return [id, await makeIdentity(folder, serverOf(id), authority)];
    }),
  );
  return { authority, client, servers: new Map(servers) };
}

/** The certificate of an amphora. Debian 13's driver accepts only one with an alternative name. */
export const serverOf = (id: string, name = id): IdentityWish => ({
  name,
  commonName: id,
  alternativeNames: [`DNS:${id}`],
  use: 'serverAuth',
});

/** The trust that was made in a folder. */
export function trustIn(folder: string, amphoraIds: readonly string[]): Trust {
  const identity = (name: string): Identity => ({
    certificate: join(folder, `${name}.crt`),
    key: join(folder, `${name}.key`),
    pem: join(folder, `${name}.pem`),
  });
  return {
    authority: identity('authority'),
    client: identity('client'),
    servers: new Map(amphoraIds.map((id) => [id, identity(id)])),
  };
}
