import type { NewListener, NewLoadBalancer, TlsTermination } from '../../../balancer/domain.ts';
import { listenerProtocols, type ListenerSettings } from '../../../balancer/objects.ts';
import {
  type Attribute,
  attribute,
  listOf,
  named,
  objectOf,
  orDefault,
  orNull,
  type ReadValues,
  required,
} from './attribute.ts';
import {
  described,
  describedChangeOf,
  maxInt,
  newDescribedOf,
  projectIn,
  tenant,
  type TenantValues,
} from './common.ts';
import { checkNewPolicy, newPolicy, newPolicyOf } from './policy.ts';
import { newPoolOf, poolInTree } from './pool.ts';
import {
  insertHeaders,
  ipAddress,
  oneOf,
  portNumber,
  textUpTo,
  uuid,
  wholeNumber,
} from './values.ts';
import { Wrong, wrongValue } from './wrong.ts';

// Load balancers and listeners. The attributes are in the order in which the recorded service checked them.

/** Max characters of certificates, and of a key. */
const maxPem = 64 * 1024;

/** PEM, which never shows up in a sentence. */
export const pem: Attribute<string> = attribute(
  { type: 'string', maxLength: maxPem, writeOnly: true },
  (value, field) => {
    if (typeof value === 'string' && value.length <= maxPem) return value;
    const what =
      typeof value === 'string'
        ? `Value should have a maximum character requirement of ${maxPem}`
        : 'Value should be string';
    throw new Wrong(`Invalid input for field/attribute ${field}. ${what}`);
  },
);

export const termination = {
  certificate: required(pem),
  intermediate_certificate: orNull(pem),
  private_key: required(pem),
  passphrase: orNull(pem),
};

const certificate = orNull(textUpTo(255));
const settings = {
  connection_limit: orNull(wholeNumber(-1, maxInt)),
  tls_certificate_id: certificate,
  // The name of the document for the same.
  default_tls_container_id: certificate,
  tls_termination: orNull(named('TlsTermination', objectOf(termination))),
  sni_containers: orDefault(listOf(textUpTo(255, 1)), []),
};

export const newListener = {
  id: uuid,
  ...described,
  protocol: required(oneOf(listenerProtocols)),
  protocol_port: required(portNumber),
  ...settings,
  ...tenant,
  default_pool_id: orNull(uuid),
  default_pool: poolInTree,
  l7policies: orDefault(
    listOf(
      named(
        'NewL7Policy',
        objectOf(newPolicy, (values) => {
          checkNewPolicy(values);
          return values;
        }),
      ),
    ),
    [],
  ),
  insert_headers: insertHeaders,
};

export const listenerChange = {
  ...described,
  protocol: oneOf(listenerProtocols),
  protocol_port: portNumber,
  ...settings,
  // The document's own example has it. It must be the listener's.
  tenant_id: orNull(textUpTo(36)),
  default_pool_id: orNull(uuid),
  insert_headers: insertHeaders,
};

const vip = objectOf({
  ip_address: orNull(ipAddress),
  port_id: orNull(uuid),
  subnet_id: orNull(uuid),
  network_id: orNull(uuid),
});

export const newLoadBalancer = {
  id: uuid,
  ...described,
  vip: required(vip),
  ...tenant,
  listeners: orDefault(
    listOf(
      named(
        'NewListener',
        objectOf(newListener, (values) => {
          checkListener(values);
          return values;
        }),
      ),
    ),
    [],
  ),
};

export const loadBalancerChange = { ...described };

interface CertificateValues {
  tls_certificate_id?: string | null;
  default_tls_container_id?: string | null;
}

/** @throws {Wrong} if two attributes say different things of one value */
export function checkListener(
  values: CertificateValues &
    TenantValues & { default_pool_id?: string | null; default_pool?: unknown },
): void {
  const { tls_certificate_id: one, default_tls_container_id: other } = values;
  if (one && other && one !== other)
    throw wrongValue(
      'default_tls_container_id',
      other,
      'Value should be that of tls_certificate_id, or be left out',
    );
  projectIn(values);
  if (values.default_pool_id && values.default_pool)
    throw wrongValue(
      'default_pool_id',
      values.default_pool_id,
      'Value should be left out where default_pool is sent',
    );
}

function certificateIn({
  tls_certificate_id: one,
  default_tls_container_id: other,
}: CertificateValues): string | null | undefined {
  return one ?? other;
}

export function terminationOf(
  sent: ReadValues<typeof termination> | null | undefined,
): TlsTermination | null {
  if (!sent) return null;
  return {
    certificate: sent.certificate,
    privateKey: sent.private_key,
    intermediate: sent.intermediate_certificate ?? null,
    passphrase: sent.passphrase ?? null,
  };
}

export function newListenerOf(values: ReadValues<typeof newListener>): NewListener {
  const { default_pool: pool } = values;
  return {
    id: values.id,
    project: projectIn(values),
    ...newDescribedOf(values),
    protocol: values.protocol,
    port: values.protocol_port,
    connectionLimit: values.connection_limit ?? null,
    tlsRef: certificateIn(values) ?? null,
    termination: terminationOf(values.tls_termination),
    sniRefs: values.sni_containers ?? [],
    defaultPool: values.default_pool_id ?? null,
    newDefaultPool: pool ? newPoolOf(pool) : undefined,
    policies: (values.l7policies ?? []).map(newPolicyOf),
    insertHeaders: values.insert_headers ?? {},
  };
}

export function listenerChangeOf(
  values: ReadValues<typeof listenerChange>,
): Partial<ListenerSettings> & { termination?: TlsTermination } {
  const { protocol, protocol_port: port, connection_limit: connectionLimit } = values;
  const { sni_containers: sniRefs, default_pool_id: defaultPool } = values;
  const { insert_headers: headers } = values;
  const tlsRef = certificateIn(values);
  const sent = terminationOf(values.tls_termination);
  return {
    ...describedChangeOf(values),
    ...(protocol !== undefined && { protocol }),
    ...(port !== undefined && { port }),
    ...(connectionLimit !== undefined && { connectionLimit }),
    ...(tlsRef !== undefined && { tlsRef }),
    ...(sent && { termination: sent }),
    ...(sniRefs !== undefined && { sniRefs }),
    ...(defaultPool !== undefined && { defaultPool }),
    ...(headers !== undefined && { insertHeaders: headers }),
  };
}

export function newLoadBalancerOf(values: ReadValues<typeof newLoadBalancer>): NewLoadBalancer {
  const { vip: sent } = values;
  return {
    id: values.id,
    project: projectIn(values),
    ...newDescribedOf(values),
    vip: {
      port: sent.port_id ?? undefined,
      network: sent.network_id ?? undefined,
      subnet: sent.subnet_id ?? undefined,
      address: sent.ip_address ?? undefined,
    },
    listeners: (values.listeners ?? []).map(newListenerOf),
  };
}
