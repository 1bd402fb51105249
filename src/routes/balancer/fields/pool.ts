import type { NewMember, NewMonitor, NewPool, PoolChange } from '../../../balancer/domain.ts';
import {
  algorithms,
  type MemberSettings,
  type MonitorSettings,
  monitorTypes,
  persistenceTypes,
  poolProtocols,
} from '../../../balancer/objects.ts';
import {
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
  newDescribedOf,
  projectIn,
  tenant,
  withTenant,
} from './common.ts';
import { cookieName, expectedCodes, httpMethods, urlPath } from './texts.ts';
import { flag, ipAddress, oneOf, portNumber, uuid, wholeNumber } from './values.ts';
import { wrongValue } from './wrong.ts';

// Pools, their members and their monitors. The attributes are in the order in which the recorded service checked them.

/** The max time in seconds that haproxy can count in milliseconds. */
const maxSeconds = 2_147_483;

const persistence = { type: oneOf(persistenceTypes), cookie_name: orNull(cookieName) };

const newPersistence = objectOf({ ...persistence, type: required(persistence.type) }, (values) => {
  if (values.type === 'APP_COOKIE' && !values.cookie_name)
    throw wrongValue(
      'cookie_name',
      values.cookie_name,
      'A persistence of the type APP_COOKIE needs the name of a cookie',
    );
  return values;
});

export const monitorChange = {
  type: oneOf(monitorTypes),
  delay: wholeNumber(1, maxSeconds),
  timeout: wholeNumber(1, maxSeconds),
  fall_threshold: wholeNumber(1, 10),
  rise_threshold: wholeNumber(1, 10),
  http_method: orDefault(oneOf(httpMethods), 'GET'),
  url_path: orDefault(urlPath, '/'),
  expected_codes: orDefault(expectedCodes, '200'),
  enabled: flag,
};

export const newMonitor = {
  ...monitorChange,
  type: required(monitorChange.type),
  delay: required(monitorChange.delay),
  timeout: required(monitorChange.timeout),
  fall_threshold: required(monitorChange.fall_threshold),
  rise_threshold: required(monitorChange.rise_threshold),
  ...tenant,
};

/** @throws {Wrong} if the timeout is longer than the delay, as far as both are known */
export function checkMonitor({ delay, timeout }: { delay?: number; timeout?: number }): void {
  if (delay !== undefined && timeout !== undefined && timeout > delay)
    throw wrongValue('timeout', timeout, `Value should be lower or equal to the delay, ${delay}`);
}

const monitoring = { monitor_port: orNull(portNumber), monitor_address: orNull(ipAddress) };

export const newMember = {
  id: uuid,
  enabled: flag,
  ip_address: required(ipAddress),
  protocol_port: required(portNumber),
  weight: wholeNumber(0, 256),
  subnet_id: orNull(uuid),
  ...tenant,
  ...monitoring,
};

export const memberChange = {
  protocol_port: portNumber,
  enabled: flag,
  weight: wholeNumber(0, 256),
  ...monitoring,
};

/** A pool of a tree. Its place says which listener uses it. */
const poolOfTree = {
  id: uuid,
  ...described,
  protocol: required(oneOf(poolProtocols)),
  lb_algorithm: required(oneOf(algorithms)),
  session_persistence: orNull(newPersistence),
  ...tenant,
  health_monitor: orNull(
    named(
      'NewHealthMonitor',
      objectOf(newMonitor, (values) => {
        checkMonitor(values);
        return withTenant(values);
      }),
    ),
  ),
  members: orDefault(listOf(named('NewMember', objectOf(newMember, withTenant))), []),
};

/** The pool of a listener or policy in a tree; null is none. */
export const poolInTree = orNull(named('NewPool', objectOf(poolOfTree, withTenant)));

export const newPool = { ...poolOfTree, listener_id: orNull(uuid) };

export const poolChange = {
  ...described,
  protocol: oneOf(poolProtocols),
  lb_algorithm: oneOf(algorithms),
  session_persistence: orNull(objectOf(persistence)),
};

export function newMonitorOf(values: ReadValues<typeof newMonitor>): NewMonitor {
  return {
    project: projectIn(values),
    type: values.type,
    delay: values.delay,
    timeout: values.timeout,
    fallThreshold: values.fall_threshold,
    riseThreshold: values.rise_threshold,
    httpMethod: values.http_method ?? 'GET',
    urlPath: values.url_path ?? '/',
    expectedCodes: values.expected_codes ?? '200',
    isEnabled: values.enabled ?? true,
  };
}

export function monitorChangeOf(
  values: ReadValues<typeof monitorChange>,
): Partial<MonitorSettings> {
  const { type, delay, timeout, enabled } = values;
  const { fall_threshold: fall, rise_threshold: rise } = values;
  const { http_method: method, url_path: path, expected_codes: codes } = values;
  return {
    ...(type !== undefined && { type }),
    ...(delay !== undefined && { delay }),
    ...(timeout !== undefined && { timeout }),
    ...(fall !== undefined && { fallThreshold: fall }),
    ...(rise !== undefined && { riseThreshold: rise }),
    ...(method !== undefined && { httpMethod: method }),
    ...(path !== undefined && { urlPath: path }),
    ...(codes !== undefined && { expectedCodes: codes }),
    ...(enabled !== undefined && { isEnabled: enabled }),
  };
}

export function newMemberOf(values: ReadValues<typeof newMember>): NewMember {
  return {
    id: values.id,
    project: projectIn(values),
    address: values.ip_address,
    port: values.protocol_port,
    weight: values.weight ?? 1,
    subnet: values.subnet_id ?? null,
    isEnabled: values.enabled ?? true,
    monitorAddress: values.monitor_address ?? null,
    monitorPort: values.monitor_port ?? null,
  };
}

export function memberChangeOf(
  values: ReadValues<typeof memberChange>,
): Partial<
  Pick<MemberSettings, 'port' | 'weight' | 'isEnabled' | 'monitorAddress' | 'monitorPort'>
> {
  const { protocol_port: port, weight, enabled } = values;
  const { monitor_address: monitorAddress, monitor_port: monitorPort } = values;
  return {
    ...(port !== undefined && { port }),
    ...(weight !== undefined && { weight }),
    ...(enabled !== undefined && { isEnabled: enabled }),
    ...(monitorAddress !== undefined && { monitorAddress }),
    ...(monitorPort !== undefined && { monitorPort }),
  };
}

/** @param listener the listener whose default pool it becomes */
export function newPoolOf(values: ReadValues<typeof poolOfTree>, listener?: string): NewPool {
  const { session_persistence: sent, health_monitor: monitor } = values;
  return {
    id: values.id,
    project: projectIn(values),
    ...newDescribedOf(values),
    protocol: values.protocol,
    algorithm: values.lb_algorithm,
    persistence: sent ? { type: sent.type, cookieName: sent.cookie_name ?? null } : null,
    listener,
    members: (values.members ?? []).map(newMemberOf),
    monitor: monitor ? newMonitorOf(monitor) : null,
  };
}

export function poolChangeOf(values: ReadValues<typeof poolChange>): PoolChange {
  const { protocol, lb_algorithm: algorithm, session_persistence: sent } = values;
  const changed = sent && {
    ...(sent.type !== undefined && { type: sent.type }),
    ...(sent.cookie_name !== undefined && { cookieName: sent.cookie_name }),
  };
  return {
    ...describedChangeOf(values),
    ...(protocol !== undefined && { protocol }),
    ...(algorithm !== undefined && { algorithm }),
    ...(changed !== undefined && { persistence: changed }),
  };
}
