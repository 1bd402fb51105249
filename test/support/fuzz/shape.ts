import type { Sent } from './client.ts';
import type { Dice } from './values.ts';

/** Bytes that look like a request, and the expected result. */
export interface Shape extends Partial<Pick<Sent, 'methods' | 'wanted' | 'end'>> {
  text: string;
  /**
   * Whether the bytes are not a valid request by RFC 9112. Then one refusal may come, and the connection ends, because
   * another reader could see a second request in them.
   */
  isNone?: boolean;
}

export const change = '/api/v2/system/ha/property/batch-limit/set';
export const long = (length: number, text = 'a') =>
  text.repeat(Math.ceil(length / text.length)).slice(0, length);

/** Makes such bytes. `token` is a header or empty. */
export type Kind = (token: string, dice: Dice) => Shape;

/** A change that must not happen. It is behind or inside bytes that are not a request. */
export function changing(token: string, headers: string, body = '{"value":"7"}'): string {
  return `POST ${change} HTTP/1.1\r\nHost: a\r\n${token}Content-Type: application/json\r\n${headers}\r\n${body}`;
}

export function reading(token: string, more = '', path = '/api/v2/system/ha/versions'): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${token}${more}\r\n`;
}
