import type { AmphoraDomain, ApiVersion, Owner } from '../../amphora/amphora.ts';
import { Fault, type FaultCode } from '../../kit/fault.ts';
import { inPath } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import { record, text } from '../../server/table/schema.ts';
import type { MakeChange } from './change.ts';
import { objectId, pemName } from './fields.ts';
import { maxCertificateBytes, md5Header, ok, uploaded } from './documents/reply.ts';
import { fencingHeader, fencingOf, ofFencing } from './fencing.ts';
import { baseOf, ownerRoutesOf } from './versions.ts';

export const ofPem: readonly FaultCode[] = [
  'certificate_missing',
  'certificate_key_missing',
  'certificate_mismatch',
  'certificate_refused',
];

/** The routes of the certificates of tenants. */
export function certificateRows(
  { haproxies }: AmphoraDomain,
  version: ApiVersion,
  changing: MakeChange,
): Row[] {
  const { kind, segment, noun, name } = ownerRoutesOf(version);
  const path = `${baseOf[version]}/${segment}/:id/certificates/:file`;
  const fields = { id: inPath(objectId), file: inPath(pemName) };
  const ownerOf = (id: string): Owner => ({ kind, id });

  /** Faults: `listener_not_found`, under which all documents have it */
  async function requireOwner(id: string): Promise<void> {
    const owners = await haproxies.owners();
    if (owners.some((owner) => owner.id === id)) return;
    throw new Fault('listener_not_found', `No ${noun} with UUID: ${id}`);
  }

  return [
    changing({
      methods: ['PUT'],
      path,
      summary: `Uploads a certificate, a list of certificates or a CRL of a ${name}.`,
      fields,
      body: { maxBytes: maxCertificateBytes },
      answers: { 201: { json: ok } },
      headers: { request: fencingHeader, answer: md5Header },
      codes: [
        ...ofFencing,
        ...ofPem,
        'certificates_not_in_memory',
        ...(version === '0.1' ? (['listener_not_found'] as const) : []),
      ],
      async carryOut({ id, file }, call) {
        // Drivers of later versions upload certificates before the first configuration.
        if (version === '0.1') await requireOwner(id);
        return uploaded(
          201,
          await haproxies.certificates.upload(ownerOf(id), file, call.raw(), fencingOf(call)),
        );
      },
    }),
    row({
      methods: ['GET'],
      path,
      role: 'anyone',
      summary: `The MD5 of a certificate's file of a ${name}.`,
      fields,
      answers: { 200: { json: record({ md5sum: text }) } },
      headers: { answer: md5Header },
      codes: ['listener_not_found', 'certificate_not_found'],
      async handle({ id, file }) {
        try {
          const md5 = await haproxies.certificates.md5(ownerOf(id), file);
          return { headers: { ETag: md5 }, body: { md5sum: md5 } };
        } catch (error) {
          if (error instanceof Fault && error.code === 'certificate_not_found')
            await requireOwner(id);
          throw error;
        }
      },
    }),
    changing({
      methods: ['DELETE'],
      path,
      summary: `Removes a certificate's file of a ${name}.`,
      fields,
      answers: { 200: { json: ok } },
      headers: { request: fencingHeader },
      codes: ['certificate_not_found', ...ofFencing],
      async carryOut({ id, file }, call) {
        await haproxies.certificates.remove(ownerOf(id), file, fencingOf(call));
        return { body: { message: 'OK' } };
      },
    }),
  ];
}
