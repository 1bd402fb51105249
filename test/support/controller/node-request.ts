import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate request of a node, with its key. */
export interface NodeRequest {
  request: string;
  key: string;
  publicKey: string;
}

/** Makes a request by openssl, which may ask for anything. */
export function makeNodeRequest(
  folder: string,
  {
    common = 'anything',
    extensions = [],
    newKey = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
  }: { common?: string; extensions?: readonly string[]; newKey?: readonly string[] } = {},
): NodeRequest {
  const name = join(folder, randomBytes(6).toString('hex'));
  const [config, key, request] = [`${name}.conf`, `${name}.key`, `${name}.csr`];
  writeFileSync(
    config,
    [
      ...['[req]', 'prompt = no', 'distinguished_name = name', 'req_extensions = wanted'],
      ...['[name]', `CN = ${common}`, '[wanted]', 'subjectKeyIdentifier = hash', ...extensions, ''],
    ].join('\n'),
  );
  const made = ['-newkey', ...newKey, '-nodes', '-keyout', key, '-out', request];
  execFileSync('openssl', ['req', '-new', '-config', config, ...made], { stdio: 'ignore' });
  const publicKey = execFileSync('openssl', ['req', '-in', request, '-noout', '-pubkey']);
  return {
    request: readFileSync(request, 'utf8'),
    key: readFileSync(key, 'utf8'),
    publicKey: publicKey.toString(),
  };
}
