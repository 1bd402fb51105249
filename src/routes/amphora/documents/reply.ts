import type { Action, Uploaded } from '../../../amphora/amphora.ts';
import type { DescribedHeaders, Reply } from '../../../server/table/row.ts';
import { always, record, text } from '../../../server/table/schema.ts';

/** The answer of every change: `OK`, and what was done. */
export const ok = record({ message: always('OK') });
export const okWithDetails = record({ message: always('OK'), details: text });

/** Max sizes of bodies in bytes. A haproxy.cfg with 500 listeners has half a megabyte. */
export const maxConfigBytes = 8 * 1024 * 1024;
export const maxCertificateBytes = 4 * 1024 * 1024;
export const maxOtherBytes = 1024 * 1024;

/** The header of uploads and of files. The drivers compare it without quotes. */
export const md5Header: DescribedHeaders = {
  ETag: 'The MD5 of the file as it was received, in hexadecimal and without quotes.',
};

/** The answer to an upload. */
export function uploaded(status: number, { md5 }: Uploaded): Reply {
  return { status, headers: { ETag: md5 }, body: { message: 'OK' } };
}

/** The answer to a change of which there is more to say. */
export function accepted(details: string): Reply {
  return { status: 202, body: { message: 'OK', details } };
}

/** The word for an action that was carried out. */
export const pastOf: Readonly<Record<Action, string>> = {
  start: 'started',
  stop: 'stopped',
  reload: 'reloaded',
};
