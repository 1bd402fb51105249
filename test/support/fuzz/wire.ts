/** An answer as it was received. */
export interface Answer {
  status: number;
  /** Values by lower-case name. A name that occurs twice has both values. */
  headers: ReadonlyMap<string, string>;
  body: Buffer;
}

/** The result of reading the bytes so far. */
export interface Read {
  answers: readonly Answer[];
  /** Why the bytes are not HTTP. */
  flaw?: string;
  /** Whether the last answer is incomplete. */
  isPartial: boolean;
}

const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [\t -~]*$/;
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t -~\x80-\xff]*)$/;

/**
 * Reads answers strictly by RFC 9112, and refuses everything that is not well-formed.
 * @param bytes all bytes of a connection so far
 * @param methods the methods of the requests, in order; an answer to a HEAD has no body
 * @param isClosed whether the connection has ended
 */
export function readAnswers(bytes: Buffer, methods: readonly string[], isClosed: boolean): Read {
  const answers: Answer[] = [];
  let at = 0;
  const flawed = (flaw: string): Read => ({ answers, flaw, isPartial: false });
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) return { answers, isPartial: true };
    const [first = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n');
    const status = Number(statusLine.exec(first)?.[1]);
    if (Number.isNaN(status)) return flawed(`no status line: ${JSON.stringify(first)}`);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const [, name, value = ''] = headerLine.exec(line) ?? [];
      if (name === undefined) return flawed(`no header: ${JSON.stringify(line)}`);
      const key = name.toLowerCase();
      headers.set(key, headers.has(key) ? `${headers.get(key) ?? ''}, ${value}` : value);
    }
    at = end + 4;
    if (status < 200) continue;
    const length = headers.get('content-length');
    const hasBody = methods[answers.length] !== 'HEAD' && status !== 204 && status !== 304;
    if (!hasBody) {
      answers.push({ status, headers, body: Buffer.alloc(0) });
    } else if (headers.get('transfer-encoding') === 'chunked' && length === undefined) {
      const chunked = readChunks(bytes, at);
      if (typeof chunked === 'string') return flawed(chunked);
      if (chunked === undefined) return { answers, isPartial: true };
      answers.push({ status, headers, body: chunked.body });
      at = chunked.end;
    } else if (length !== undefined) {
      if (!/^\d+$/.test(length)) return flawed(`Content-Length: ${length}`);
      if (at + Number(length) > bytes.length) return { answers, isPartial: true };
      answers.push({ status, headers, body: bytes.subarray(at, at + Number(length)) });
      at += Number(length);
    } else {
      if (!isClosed) return { answers, isPartial: true };
      answers.push({ status, headers, body: bytes.subarray(at) });
      at = bytes.length;
    }
  }
  return { answers, isPartial: false };
}

/** @returns undefined for incomplete chunks, or the flaw of invalid ones */
function readChunks(
  bytes: Buffer,
  from: number,
): { body: Buffer; end: number } | string | undefined {
  const pieces: Buffer[] = [];
  let at = from;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = bytes.toString('latin1', at, line);
    if (!/^[0-9a-f]{1,8}$/i.test(size)) return `no chunk: ${JSON.stringify(size)}`;
    const end = line + 2 + Number.parseInt(size, 16);
    if (end + 2 > bytes.length) return undefined;
    if (bytes.toString('latin1', end, end + 2) !== '\r\n') return 'a chunk without an end';
    pieces.push(bytes.subarray(line + 2, end));
    at = end + 2;
    if (end === line + 2) return { body: Buffer.concat(pieces), end: at };
  }
}
