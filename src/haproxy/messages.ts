// As much as a person reads of it.
const maxLines = 20;
const maxLength = 2000;

const cut = '…';

/**
 * Words of haproxy's messages that may also be in a file: sections, directives and options that hold no secret. Other
 * words of the file are cut from messages.
 */
const plainTerms = new Set(
  `acl alpn backend balance bind check cookie config configuration connect crl crt default defaults error external
  failed false fatal file files forwardfor frontend global group header http https httpchk httplog leastconn listen
  listener load local local0 local1 log maxconn method mode name none option path peer peers port pool process
  proxy redirect redispatch reload request required response retries roundrobin rule section server servers service
  socket source ssl start state stats status stick store table tcp timeout true unable unknown user value verify
  version weight with nobody nogroup node this that from errors found`
    .split(/\s+/)
    .filter((word) => word !== ''),
);

/**
 * The messages of haproxy about a file, for the operator: each with its line and its reason, and without text of the
 * file, because haproxy quotes the lines of tenants, with their passwords.
 *
 * - Only lines that haproxy begins itself (`[ALERT]`, `[WARNING]`) count. Others repeat the file.
 * - Quoted text is cut unless it is a plain word or a UUID.
 * - Every other word that the file has as well is cut, unless it is a plain word.
 *
 * @param output of haproxy, or what the journal has of it
 * @param file the uploaded text
 * @param path of the file that haproxy read, which becomes `haproxy.cfg`
 */
export function messagesWithoutQuotes(output: string, file: string, path: string): string {
  const termsOfFile = new Set(termsIn(file).filter((word) => word.length > 2));
  const isSafe = (word: string): boolean =>
    plainTerms.has(word.toLowerCase()) || !termsOfFile.has(word);
  const lines = output.split('\n').flatMap((line) => {
    const [, level, message] = begun.exec(line) ?? [];
    if (level === undefined || message === undefined) return [];
    return [`[${level}] ${withoutQuotes(message.replaceAll(path, 'haproxy.cfg'), isSafe)}`];
  });
  const alerts = lines.filter((line) => line.startsWith('[ALERT]'));
  const shown = alerts.length > 0 ? alerts : lines;
  return [...new Set(shown)].slice(0, maxLines).join('\n').slice(0, maxLength);
}

/** `[ALERT]    (123) : message`; before 2.3 it has a date: `[ALERT] 332/204615 (123) : message`. */
const begun = /^\[(ALERT|WARNING)\]\s*(?:\S+ )?\(\d+\) : (.*)$/;

/** Whether haproxy says that it cannot use the file, whatever its exit code. */
export function hasAlerts(output: string): boolean {
  return /^\[ALERT\]/m.test(output);
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

function withoutQuotes(line: string, isSafe: (word: string) => boolean): string {
  return line
    .split(/('[^']*'?)/)
    .map((part) => {
      if (!part.startsWith("'")) return part.replace(/[^\s:[\],()'"]+/g, cutUnsafe(isSafe));
      const inside = part.replaceAll("'", '');
      return plainTerms.has(inside) || uuid.test(inside) ? part : `'${cut}'`;
    })
    .join('');
}

/** Position in the file, which tells the operator where to look. */
const position = /^haproxy\.cfg(?::\d+)?$|^\d+$/;

function cutUnsafe(isSafe: (word: string) => boolean): (word: string) => string {
  return (word) => {
    if (position.test(word) || uuid.test(word)) return word;
    return termsIn(word).every(isSafe) ? word : cut;
  };
}

function termsIn(text: string): string[] {
  return text.split(/[^\p{L}\p{N}_]+/u).filter((word) => word !== '');
}
