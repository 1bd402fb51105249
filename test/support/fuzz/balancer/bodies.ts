import {
  algorithms,
  compareTypes,
  listenerProtocols,
  monitorTypes,
  persistenceTypes,
  policyActions,
  poolProtocols,
  ruleTypes,
} from '../../../../src/balancer/objects.ts';
import { type Dice, hostile, makeValues, type Values } from '../values.ts';

/** A body for each kind of object: as documented, or a little or wholly different. */
export type Bodies = Readonly<Record<BodyKind, () => unknown>>;

export const bodyKinds = [
  'loadBalancer',
  'listener',
  'pool',
  'monitor',
  'member',
  'policy',
  'rule',
  'quota',
  'port',
  'secret',
] as const;
export type BodyKind = (typeof bodyKinds)[number];

type Body = Record<string, unknown>;

/** The ids of the objects that there may be. */
export interface Known {
  listeners: readonly string[];
  pools: readonly string[];
  tenant: string;
  network: string;
  /** A new id, or one that there is already. */
  newId: () => string;
}

/** What haproxy gives a meaning to, most of it allowed in a text. */
const texts: readonly string[] = [
  ...hostile,
  ...['', ' ', 'a', 'ä', '😀', '#', '"', "'", '\\', 'a b', '%[env(A)]', '${HOME}', ' if TRUE'],
  ...['\u0085', '\u2028', '\ud800', 'n'.repeat(255), 'n'.repeat(256), '{', '}', ' or ', '!'],
];
/** Those that any text field takes. */
const allowed = texts.filter((text) => /^[^\p{Cc}\p{Cs}\u2028]{1,255}$/u.test(text));
const paths = ['/', '/a', '/a?b=c', '/%20', '/a#b', "/a'b", '/a"b', '/a\\b', '/ä', '/a b', '/a\rb'];
const codes = ['200', '200,202', '200-204', '100-599', '600', '200-100', '', '2xx', '200 204'];
const cookies = ['SRV', 'JSESSIONID', 'a=b', 'a;b', 'a b', '!#$%', '', 'n'.repeat(256)];
const urls = [
  'http://a.example/',
  'https://[::1]/a?b#c',
  'http://a/%[src]',
  'x',
  'http://a b',
  'a\nb',
];
const addresses = [
  '10.0.0.1',
  '10.0.0.2',
  '::1',
  'fd00::7',
  'fe80::1%eth0',
  '999.1.1.1',
  '10.0.0.1/24',
];
const ports = [80, 81, 443, 8080, 1, 65_535, 0, 65_536, -5, 80.5, '8090', 'x'];
const counts = [1, 2, 3, 10, 0, 11, -1, 2_147_483, 2_147_484, '3', 1.5];

export function makeBodies(dice: Dice, known: Known): Bodies {
  const { pick, chance, below } = dice;
  const values = makeValues(dice, { byRule: { '': texts }, byWord: {} });
  const one = <T>(good: readonly T[], rest: readonly T[]): T => pick(chance(0.85) ? good : rest);
  const text = () => one(allowed, texts);
  const port = () => one<unknown>(ports.slice(0, 6), ports.slice(6));
  const described = () => ({
    ...(chance(0.3) && { name: text() }),
    ...(chance(0.2) && { description: text() }),
    ...(chance(0.2) && { enabled: pick([true, false, null, 'True', 1]) }),
  });
  const identified = () => (chance(0.7) ? { id: known.newId() } : {});

  const monitor = (): Body => ({
    type: pick(monitorTypes),
    delay: one<unknown>([5, 10], counts),
    timeout: one<unknown>([1, 3], counts),
    fall_threshold: one<unknown>([1, 3, 10], counts),
    rise_threshold: one<unknown>([1, 2], counts),
    ...(chance(0.3) && { http_method: pick(['GET', 'HEAD', 'OPTIONS', 'get', 'X Y']) }),
    ...(chance(0.4) && { url_path: one(paths.slice(0, 8), [...paths, ...texts]) }),
    ...(chance(0.3) && { expected_codes: one(codes.slice(0, 4), codes) }),
  });
  const member = (): Body => ({
    ...identified(),
    ip_address: chance(0.85) ? `10.0.${below(4)}.${below(250)}` : pick(addresses),
    protocol_port: port(),
    ...(chance(0.4) && { weight: pick([0, 1, 10, 256, 257, -1, 1.5, '5']) }),
    ...(chance(0.2) && { monitor_port: port() }),
    ...(chance(0.2) && { monitor_address: pick(addresses) }),
    ...(chance(0.2) && { enabled: chance(0.5) }),
  });
  const pool = (): Body => ({
    ...identified(),
    ...described(),
    protocol: one<string>(['HTTP'], poolProtocols),
    lb_algorithm: pick(algorithms),
    ...(chance(0.4) && {
      session_persistence: {
        type: pick(persistenceTypes),
        ...(chance(0.6) && { cookie_name: one(cookies.slice(0, 2), cookies) }),
      },
    }),
    ...(chance(0.4) && { health_monitor: monitor() }),
    ...(chance(0.5) && { members: Array.from({ length: below(4) }, member) }),
  });
  const rule = (): Body => {
    const type = pick(ruleTypes);
    const takesKey = type === 'HEADER' || type === 'COOKIE';
    return {
      ...identified(),
      type,
      compare_type: type === 'FILE_TYPE' ? pick(['REGEX', 'EQUAL_TO']) : pick(compareTypes),
      ...((takesKey || chance(0.1)) && { key: one(['X-A', 'sid'], [...texts, ...cookies]) }),
      value: text(),
      ...(chance(0.3) && { invert: chance(0.5) }),
    };
  };
  const policy = (): Body => ({
    ...identified(),
    ...described(),
    action: pick(policyActions),
    ...(chance(0.4) && { redirect_pool_id: pick([...known.pools, known.newId()]) }),
    ...(chance(0.6) && { redirect_url: one(urls.slice(0, 2), urls) }),
    ...(chance(0.6) && { redirect_prefix: one(urls.slice(0, 2), urls) }),
    ...(chance(0.3) && { position: pick([1, 2, 100, 0, -1, 2 ** 31]) }),
    ...(chance(0.5) && { l7rules: Array.from({ length: below(4) }, rule) }),
  });
  const listener = (): Body => ({
    ...identified(),
    ...described(),
    protocol: one<string>(['HTTP'], listenerProtocols),
    protocol_port: chance(0.8) ? 1 + below(65_535) : port(),
    ...(chance(0.3) && { connection_limit: pick([-1, 0, 1, 1000, null, -2, 2 ** 31, 'x']) }),
    ...(chance(0.3) && { insert_headers: { 'X-Forwarded-For': pick(['true', 'false', 'x\ny']) } }),
    ...(chance(0.2) && { default_tls_container_id: pick([...texts, known.newId()]) }),
    ...(chance(0.2) && { sni_containers: [known.newId(), pick(texts)] }),
    ...(chance(0.3) && { default_pool_id: pick([...known.pools, known.newId()]) }),
    ...(chance(0.4) && { default_pool: pool() }),
    ...(chance(0.4) && { l7policies: Array.from({ length: below(3) }, policy) }),
  });
  const whole: Readonly<Record<BodyKind, () => Body>> = {
    loadBalancer: () => ({
      ...identified(),
      ...described(),
      vip: { network_id: known.network, ...(chance(0.2) && { ip_address: pick(addresses) }) },
      tenant_id: known.tenant,
      ...(chance(0.5) && { listeners: Array.from({ length: below(3) }, listener) }),
    }),
    listener,
    pool: () => ({
      ...pool(),
      ...(chance(0.3) && { listener_id: pick([...known.listeners, known.newId()]) }),
    }),
    monitor,
    member,
    policy,
    rule,
    quota: () => ({
      quota: { [pick(['pool', 'listener', 'x'])]: pick([-1, 1000, -2, null, 'x']) },
    }),
    port: () => ({ ...identified(), network_id: known.network, project_id: known.tenant }),
    secret: () => ({ pem: pick(texts), ...(chance(0.5) && { private_key: pick(texts) }) }),
  };
  return Object.fromEntries(
    bodyKinds.map((kind) => [kind, () => bent(whole[kind](), dice, values)]),
  ) as Bodies;
}

/** The body as it is, with a part that is something else, or something else altogether. */
function bent(body: Body, { chance, pick }: Dice, values: Values): unknown {
  if (chance(0.6)) return body;
  if (chance(0.1)) return values.wild();
  // A change sends a part of the fields.
  if (chance(0.4)) {
    return Object.fromEntries(Object.entries(body).filter(() => chance(0.4)));
  }
  const inner = Object.values(body).filter(
    (each) => typeof each === 'object' && each !== null && !Array.isArray(each),
  ) as Body[];
  const place = inner.length > 0 && chance(0.4) ? pick(inner) : body;
  const keys = Object.keys(place);
  const key = keys.length > 0 && chance(0.8) ? pick(keys) : values.text();
  Object.defineProperty(place, key, { value: values.wild(), enumerable: true });
  return body;
}
