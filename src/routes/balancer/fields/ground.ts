import type { Quota, QuotaKind } from '../../../balancer/objects.ts';
import type { TlsTermination } from '../../../balancer/domain.ts';
import { objectOf, orNull, type ReadValues, required } from './attribute.ts';
import { maxInt, tenant } from './common.ts';
import { pem, termination, terminationOf } from './listener.ts';
import { ipAddress, uuid, wholeNumber } from './values.ts';
import { Wrong } from './wrong.ts';

// What load balancers stand on: quotas, ports and certificates.

const limit = orNull(wholeNumber(-1, maxInt));
export const quotas = {
  quota: required(
    objectOf({
      load_balancer: limit,
      listener: limit,
      member: limit,
      pool: limit,
      health_monitor: limit,
    }),
  ),
};

/** The quota to set. Null means the default. */
export function quotaOf(
  { quota: sent }: ReadValues<typeof quotas>,
  defaults: Quota,
): Partial<Record<QuotaKind, number>> {
  return Object.fromEntries(
    Object.entries(sent).map(([kind, value]) => [kind, value ?? defaults[kind as QuotaKind]]),
  );
}

export const newPort = {
  id: uuid,
  network_id: orNull(uuid),
  subnet_id: orNull(uuid),
  ip_address: orNull(ipAddress),
  ...tenant,
};

/** Either `pem`, with certificates and key in one text, or the parts. */
export const secret = { pem, ...termination, certificate: pem, private_key: pem };

/** @throws {Wrong} if the parts are not complete */
export function secretOf(values: ReadValues<typeof secret>): TlsTermination | { pem: string } {
  const { pem: whole, certificate, private_key: key } = values;
  const hasParts = certificate !== undefined || key !== undefined;
  if (whole !== undefined && !hasParts) return { pem: whole };
  const isWhole = whole === undefined && certificate !== undefined && key !== undefined;
  const parts = isWhole ? terminationOf({ ...values, certificate, private_key: key }) : null;
  if (parts === null)
    throw new Wrong('A secret is either pem, or certificate and private_key. Send one of both.');
  return parts;
}
