export const masked = '********';

// Anywhere in a name, separators left out: `snmp_priv_passwd`, `pass-phrase`, `clientsecret`, `auth_token`.
const secretParts = ['passwd', 'password', 'passphrase', 'secret', 'token', 'hexadecimalkg'];
// The end of a name: `ssh_key`, `accesskey`, `bindpw`, `dbpwd`, `wpa_psk`, `test_pass`.
const secretEndings = ['key', 'pwd', 'psk', 'pw', 'pass'];
const harmlessWords = new Set(['bypass', 'compass']);
// The whole last word of a name: `proxy_auth`, `snmp_community`.
const secretWords = new Set([
  ...['auth', 'authorization', 'passcode', 'community', 'kg'],
  ...['credential', 'credentials', 'creds', 'cred'],
]);
// A name that ends so is that of a file or program which has the secret: `passwd_script`, `token_file`.
const placeWords = new Set(['file', 'script', 'path', 'dir']);

/**
 * Whether a parameter of that name holds a secret: by the names that fence agents, resource agents and others give to
 * passwords, keys and tokens. The name of a file that holds one (`_file`, `_script`, `_path`, `_dir`) is no secret.
 */
export function isSecretName(name: string): boolean {
  const words = name.toLowerCase().split(/[_.-]/);
  const last = words.at(-1) ?? '';
  if (words.length > 1 && placeWords.has(last)) return false;
  if (secretWords.has(last)) return true;
  if (secretEndings.some((ending) => last.endsWith(ending)) && !harmlessWords.has(last))
    return true;
  const joined = words.join('');
  return secretParts.some((part) => joined.includes(part));
}
