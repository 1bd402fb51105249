import { isIPv4, isIPv6 } from 'node:net';

import { InvalidArgumentError } from 'commander';

// The values of options and arguments, read into the fields of the API.

/** A listener as the command line names it. */
export interface WantedListener {
  protocol: string;
  protocol_port: number;
}

/** A member as the command line names it, in the fields of the API. */
export interface WantedMember {
  ip_address: string;
  protocol_port: number;
  weight?: number;
}

/** The words of the command line and those of the API. */
export const protocols: Readonly<Record<string, string>> = {
  tcp: 'TCP',
  http: 'HTTP',
  https: 'HTTPS',
  tls: 'TERMINATED_HTTPS',
};

/** `round-robin` is ROUND_ROBIN in the API. */
export function apiWord(word: string): string {
  return word.toUpperCase().replaceAll('-', '_');
}

/** @returns a whole number within the limits */
export function readWhole(text: string, min: number, max: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= max) return number;
  throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
}

export function readWeight(text: string): number {
  return readWhole(text, 0, 256);
}

export function readPort(text: string): number {
  return readWhole(text, 1, 65_535);
}

export function readSeconds(text: string): number {
  return readWhole(text, 1, 3600);
}

export function readThreshold(text: string): number {
  return readWhole(text, 1, 10);
}

export function readListener(text: string, former: WantedListener | undefined): WantedListener {
  if (former) {
    throw new InvalidArgumentError('Name one listener; the API adds others to the load balancer.');
  }
  const [, word = '', port = ''] = /^([a-z]+):(\d{1,5})$/.exec(text) ?? [];
  const protocol = protocols[word];
  if (protocol !== undefined) return { protocol, protocol_port: readPort(port) };
  throw new InvalidArgumentError(
    'Expected PROTOCOL:PORT with the protocol tcp, http, https or tls, such as http:80.',
  );
}

/** @param text `10.0.0.1:80` or `[fd00::1]:80`, with or without a weight */
export function readMember(text: string): WantedMember {
  const [, inBrackets = '', plain = '', port = '', weight] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})(?::(\d{1,3}))?$/.exec(text) ?? [];
  if (!isIPv6(inBrackets) && !isIPv4(plain)) {
    throw new InvalidArgumentError(
      'Expected ADDRESS:PORT or ADDRESS:PORT:WEIGHT, such as 10.0.0.1:80 or [fd00::1]:80.',
    );
  }
  return {
    ip_address: inBrackets || plain,
    protocol_port: readPort(port),
    ...(weight !== undefined && { weight: readWeight(weight) }),
  };
}

export function addMember(text: string, former: WantedMember[] = []): WantedMember[] {
  return [...former, readMember(text)];
}

export function addText(text: string, former: string[] = []): string[] {
  return [...former, text];
}

export function addHeader(text: string, former: string[] = []): string[] {
  if (/^X-Forwarded-(?:For|Port|Proto)$/.test(text)) return [...former, text];
  throw new InvalidArgumentError(
    'Expected X-Forwarded-For, X-Forwarded-Port or X-Forwarded-Proto.',
  );
}

export function readPersistence(text: string): object {
  const [, kind = '', name] = /^(source-ip|http-cookie|app-cookie)(?::(.+))?$/.exec(text) ?? [];
  const isRight =
    kind !== '' && (name === undefined ? kind !== 'app-cookie' : kind !== 'source-ip');
  if (isRight) return { type: apiWord(kind), ...(name !== undefined && { cookie_name: name }) };
  throw new InvalidArgumentError(
    'Expected source-ip, http-cookie, http-cookie:NAME or app-cookie:NAME.',
  );
}

export function readMonitor(text: string): { type: string; url_path?: string } {
  const [, kind = '', path] = /^(ping|tcp|tls-hello|https?)(?::(\/.*))?$/.exec(text) ?? [];
  if (kind === '' || (path !== undefined && !kind.startsWith('http'))) {
    throw new InvalidArgumentError('Expected ping, tcp, tls-hello, http:PATH or https:PATH.');
  }
  return { type: kind.toUpperCase(), ...(path !== undefined && { url_path: path }) };
}
