/** What a block of a PEM text holds, by its label. */
export type PemKind = 'certificate' | 'key' | 'encrypted key' | 'crl' | 'parameters';

export interface PemBlock {
  kind: PemKind;
  label: string;
  /** DER (ITU-T X.690). */
  bytes: Uint8Array;
  /** The block as text, with its markers, as OpenSSL reads it. */
  text: string;
}

export type PemProblemKind =
  'too large' | 'broken marker' | 'unknown label' | 'not base64' | 'empty block' | 'missing end';

/** Why a text is not a PEM text. It has no text of the line, which may be a secret. */
export interface PemProblem {
  /** Counted from 1. */
  line: number;
  kind: PemProblemKind;
}

export interface Pem {
  blocks: readonly PemBlock[];
  problems: readonly PemProblem[];
}

const kinds: Readonly<Record<string, PemKind>> = {
  CERTIFICATE: 'certificate',
  'PRIVATE KEY': 'key',
  'RSA PRIVATE KEY': 'key',
  'EC PRIVATE KEY': 'key',
  'ENCRYPTED PRIVATE KEY': 'encrypted key',
  'X509 CRL': 'crl',
  // OpenSSL writes it before a key that it makes (openssl-ecparam(1)).
  'EC PARAMETERS': 'parameters',
};

/** The max length of a text, in characters: that of the body of an upload. */
export const maxPemLength = 4 * 1024 * 1024;

const beginning = /^-----BEGIN (?<label>[A-Z0-9 ]{1,40})-----$/;

interface Open {
  label: string;
  line: number;
  lines: string[];
  isEncrypted: boolean;
}

/**
 * Reads a PEM text (RFC 7468, strict in markers and base64). Text outside of blocks is ignored, as OpenSSL ignores it,
 * unless it looks like a broken marker. A key with `Proc-Type: 4,ENCRYPTED` (RFC 1421) counts as encrypted.
 */
export function parsePem(text: string): Pem {
  const blocks: PemBlock[] = [];
  const problems: PemProblem[] = [];
  if (text.length > maxPemLength) return { blocks, problems: [{ line: 1, kind: 'too large' }] };
  let open: Open | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const content = trimmed(raw);
    const refuse = (kind: PemProblemKind) => problems.push({ line, kind });
    if (open && content === `-----END ${open.label}-----`) {
      const closed = closedBlock(open);
      if (typeof closed === 'string') problems.push({ line: open.line, kind: closed });
      else blocks.push(closed);
      open = undefined;
    } else if (content.includes('-----')) {
      if (open) refuse('missing end');
      const label = beginning.exec(content)?.groups?.['label'];
      open = label === undefined ? undefined : { label, line, lines: [], isEncrypted: false };
      if (label === undefined) refuse('broken marker');
      else if (!Object.hasOwn(kinds, label)) refuse('unknown label');
    } else if (open) {
      // The headers of RFC 1421, which end at an empty line, occur only in encrypted keys.
      if (content.includes(':')) open.isEncrypted = true;
      else open.lines.push(content);
    }
  }
  if (open) problems.push({ line: open.line, kind: 'missing end' });
  return { blocks, problems };
}

function closedBlock({ label, lines, isEncrypted }: Open): PemBlock | PemProblemKind {
  const kind = Object.hasOwn(kinds, label) ? kinds[label] : undefined;
  if (kind === undefined) return 'unknown label';
  const text = `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
  if (isEncrypted) return { kind: 'encrypted key', label, bytes: new Uint8Array(), text };
  const bytes = decoded(lines.join(''));
  if (bytes?.length === 0) return 'empty block';
  return bytes ? { kind, label, bytes, text } : 'not base64';
}

/** Blanks at the end of a line are ignored (RFC 7468, section 3), and the line end of Windows. */
function trimmed(line: string): string {
  let end = line.length;
  while (end > 0 && ' \t\r'.includes(line.charAt(end - 1))) end -= 1;
  return line.slice(0, end);
}

/** The bytes of base64 without any other character, or undefined. */
function decoded(base64: string): Uint8Array | undefined {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  // The unused bits of the last character have to be 0 (RFC 4648, section 3.5).
  return bytes.toString('base64') === base64 ? bytes : undefined;
}

/** What a crt-list names, or the number of the first line that no driver writes. */
export type CrtList = { paths: readonly string[] } | { line: number };

/**
 * Reads a crt-list of haproxy (haproxy's configuration manual, `crt-list`) as the drivers write it: one absolute path a
 * line. They write neither options in brackets nor filters of SNI.
 * @param folder the only folder in which its files may lie
 */
export function readCrtList(text: string, folder: string): CrtList {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const wrong = lines.findIndex((line) => !isFileIn(folder, line));
  if (lines.length === 0) return { line: 1 };
  return wrong === -1 ? { paths: lines } : { line: wrong + 1 };
}

function isFileIn(folder: string, path: string): boolean {
  if (!path.startsWith(`${folder}/`)) return false;
  return isPemName(path.slice(folder.length + 1));
}

/** Whether it is a name of a certificate's file that the API takes. */
export function isPemName(name: string): boolean {
  return name.length <= 255 && /^[A-Za-z0-9][\w.-]*\.pem$/.test(name) && !name.includes('..');
}
