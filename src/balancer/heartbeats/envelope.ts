import { createHmac, timingSafeEqual } from 'node:crypto';
import { inflateSync } from 'node:zlib';

/** Why a datagram was not taken. */
export type Refusal = 'too large' | 'wrong signature' | 'not readable';

export type Opened = { payload: string; refusal?: undefined } | { refusal: Refusal };

/** The largest datagram that IPv4 carries has 65,507 bytes. */
const maxDatagramBytes = 64 * 1024;
/** 500 listeners with two members each have some 300 KB. */
const maxPayloadBytes = 4 * 1024 * 1024;
const hexLength = 64;
const rawLength = 32;

/**
 * Opens a heartbeat: JSON that was compressed with zlib, and then its HMAC-SHA-256, as 64 hexadecimal characters or, from
 * agents before 2018, as 32 bytes (octavia, status_message.py). Nothing is unpacked before the signature is right, and
 * what is unpacked has a bound.
 */
export function openEnvelope(datagram: Buffer, key: string): Opened {
  if (datagram.length > maxDatagramBytes) return { refusal: 'too large' };
  const compressed = signedPart(datagram, key);
  if (compressed === undefined) return { refusal: 'wrong signature' };
  try {
    const payload = inflateSync(compressed, { maxOutputLength: maxPayloadBytes });
    return { payload: payload.toString('utf8') };
  } catch {
    return { refusal: 'not readable' };
  }
}

/**
 * Which of both signatures it has shows in its end, so that a flood of wrong ones costs one HMAC each.
 * @returns what was signed with the key, without the signature
 */
function signedPart(datagram: Buffer, key: string): Buffer | undefined {
  const isHex = /^[0-9a-f]{64}$/.test(datagram.toString('latin1', datagram.length - hexLength));
  const length = isHex ? hexLength : rawLength;
  if (datagram.length <= length) return undefined;
  const signed = datagram.subarray(0, -length);
  const digest = createHmac('sha256', key).update(signed).digest();
  const expected = isHex ? Buffer.from(digest.toString('hex'), 'latin1') : digest;
  return timingSafeEqual(expected, datagram.subarray(-length)) ? signed : undefined;
}
