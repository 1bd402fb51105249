import { isHarmlessFormat } from './formats.ts';
import type { Argument, DriverConfigPlace } from './shapes.ts';

/** The ids of listeners, pools, members, L7 rules and amphorae. */
export const id = /^[\w-]{1,64}$/;

/** A backend: `POOL:LISTENER`, or `POOL` in API 0.5. */
export const backendName = /^[\w-]{1,64}(?::[\w-]{1,64})?$/;

export const number = /^\d{1,19}$/;

/** A time in milliseconds, or with its unit. */
export const time = /^\d{1,19}(?:us|ms|s|m|h|d)?$/;

/** What haproxy takes for the name of a header or a cookie: a token of RFC 7230, without quotes. */
export const token = /^[\w!#$%&*+.^`|~-]{1,256}$/;

/** An IP address. Whether it is a valid one is left to haproxy, which reads no name and no socket in these characters. */
const ip = /^\[?[\da-f:.]{2,45}\]?$/i;

/** An IP address and a port: no name, no `unix@`, `fd@`, `abns@` or `sockpair@`, and no path of a socket. */
export const address: Argument = {
  accepts: (word) => {
    const colon = word.lastIndexOf(':');
    return colon > 0 && ip.test(word.slice(0, colon)) && /^\d{1,5}$/.test(word.slice(colon + 1));
  },
  otherwise: 'an address that is not an IP address with a port',
};

export const ipAddress: Argument = {
  accepts: (word) => ip.test(word),
  otherwise: 'an address that is not an IP address',
};

/** A value of a tenant, as one word. A word that begins with `-` would be a flag, such as `-f FILE`. */
export const pattern: Argument = {
  accepts: (word) => word !== '' && !word.startsWith('-') && isText(word),
  otherwise: 'a value that haproxy would take for a flag, or a control character',
};

/** The same after `--`, which ends the flags. */
export const patternAfterFlags: Argument = {
  accepts: (word) => word !== '' && isText(word),
  otherwise: 'a control character',
};

/** A URL, or a part of one. */
export const url: Argument = {
  accepts: (word) => word !== '' && isText(word),
  otherwise: 'a control character',
};

/** A URL that haproxy reads as a format: `%[…]` is replaced. */
export const urlFormat: Argument = {
  accepts: (word) => word !== '' && isText(word) && isHarmlessFormat(word),
  otherwise: 'a format that reads more than the request',
};

/** What is logged of a request; the administrator of the controller may set it. */
export const logFormat: Argument = {
  accepts: (word) => isText(word) && isHarmlessFormat(word),
  otherwise: 'a format that reads more than the request',
};

const outside = "a path outside of this owner's folders";

/** A file below the folder of certificates of this owner. */
export const certificate: Argument = {
  accepts: (word, place) => {
    const folder = `${certificatesOf(place)}/`;
    return word.startsWith(folder) && isFileName(word.slice(folder.length));
  },
  otherwise: outside,
};

/** The same, or the whole folder, which drivers before crt-lists wrote after the first certificate. */
export const certificateOrFolder: Argument = {
  accepts: (word, place) =>
    certificate.accepts(word, place) ||
    word === certificatesOf(place) ||
    word === `${certificatesOf(place)}/`,
  otherwise: outside,
};

export const statsSocket: Argument = {
  accepts: (word, { base, id: owner }) => word === `${withoutSlash(base)}/${owner}.sock`,
  otherwise: outside,
};

export const stateFile: Argument = {
  accepts: (word, { base, id: owner }) => word === `${withoutSlash(base)}/${owner}/servers-state`,
  otherwise: outside,
};

/** The script of PING monitors. Drivers write its path without regard to `base_path`. */
export const pingScript: Argument = {
  accepts: (word, { base }) =>
    word === `${withoutSlash(base)}/ping-wrapper.sh` || word === '/var/lib/octavia/ping-wrapper.sh',
  otherwise: "a command other than the agent's ping-wrapper.sh",
};

export const logSocket: Argument = {
  accepts: (word) => word === '/run/rsyslog/octavia/log' || word === '/dev/log',
  otherwise: 'a log target other than the sockets of this host',
};

/** The section `peers` of this owner. */
export const peersName: Argument = {
  accepts: (word, { id: owner }) => word === `${owner.replaceAll('-', '')}_peers`,
  otherwise: 'a name that is not that of this owner',
};

function certificatesOf({ certificates, id: owner }: DriverConfigPlace): string {
  return `${withoutSlash(certificates)}/${owner}`;
}

function withoutSlash(folder: string): string {
  return folder.endsWith('/') ? folder.slice(0, -1) : folder;
}

function isFileName(name: string): boolean {
  return /^[A-Z\d][\w.-]{0,250}\.pem$/i.test(name) && !name.includes('..');
}

function isText(word: string): boolean {
  return !/\p{Cc}/u.test(word);
}
