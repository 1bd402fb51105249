export const masked = '********';

// Found anywhere in a name without its separators: `snmp_priv_passwd`, `pass-phrase`, `clientsecret`, `auth_token`.
const secretParts = ['passwd', 'password', 'passphrase', 'secret', 'token', 'hexadecimalkg'];
// The end of a name: `ssh_key`, `accesskey`, `bindpw`, `dbpwd`, `wpa_psk`, `test_pass`.
const secretEndings = ['key', 'pwd', 'psk', 'pw', 'pass'];
const harmlessEndings = new Set(['bypass', 'compass']);
// The whole last part of a name: `proxy_auth`, `snmp_community`.
const secretLastParts = new Set([
  'auth',
  'authorization',
  'passcode',
  'community',
  'kg',
  'credential',
  'credentials',
  'creds',
  'cred',
]);
// A parameter with such a last part names the file or program that has the secret: `passwd_script`, `token_file`.
const placeLastParts = new Set(['file', 'script', 'path', 'dir']);

/**
 * Whether a parameter of that name holds a secret, judged by the names that agents use for passwords, keys and tokens. The
 * path of a file that holds a secret (`_file`, `_script`, `_path`, `_dir`) is not a secret.
 */
export function isSecretName(name: string): boolean {
  const parts = name.toLowerCase().split(/[_.-]/);
  const last = parts.at(-1) ?? '';
  if (parts.length > 1 && placeLastParts.has(last)) return false;
  if (secretLastParts.has(last)) return true;
  if (secretEndings.some((ending) => last.endsWith(ending)) && !harmlessEndings.has(last))
    return true;
  const joined = parts.join('');
  return secretParts.some((part) => joined.includes(part));
}
