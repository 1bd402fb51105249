import { type ConfProblem, parseKeepalivedConf, type Statement } from './syntax.ts';
import {
  checkVocabulary,
  exactly,
  find,
  isAddress,
  isInterface,
  isName,
  isSubnet,
  numberOf,
  type Vocabulary,
  wholeNumber,
  wordOf,
} from './vocabulary.ts';

/** The `vrrp_script` of the drivers. */
export interface VrrpScript {
  name: string;
  /** The program and its arguments. */
  script: string;
  interval: number | undefined;
  fall: number | undefined;
  rise: number | undefined;
}

/** The VRRP instance of a load balancer. */
export interface VrrpInstanceConfig {
  name: string;
  /** Drivers from 15.0 leave it out, and keepalived then begins as BACKUP. */
  state: 'MASTER' | 'BACKUP' | undefined;
  interface: string | undefined;
  /** `virtual_router_id` */
  routerId: number | undefined;
  priority: number | undefined;
  /** Seconds, with fractions. */
  advertInt: number | undefined;
  nopreempt: boolean;
  /** `unicast_src_ip` */
  source: string | undefined;
  /** `unicast_peer` */
  peers: readonly string[];
  /** `virtual_ipaddress` */
  vips: readonly string[];
  /** `virtual_ipaddress_excluded`: addresses of the other family. */
  excludedVips: readonly string[];
  /** The names in `track_script`. */
  tracked: readonly string[];
}

export interface VrrpConfig {
  script: VrrpScript | undefined;
  instance: VrrpInstanceConfig | undefined;
  /** In the order of their lines. */
  problems: readonly ConfProblem[];
}

/**
 * Reads the keepalived.conf of a load balancer, which holds the statements that Octavia's drivers write and no others
 * (keepalived_base.template of 7.1, 11.0 and 16.0).
 * @param checkScript the only script that it may run
 * @returns what could be read, and all problems; with any of them, keepalived must not get the file
 */
export function readVrrpConfig(text: string, { checkScript }: { checkScript: string }): VrrpConfig {
  const { statements, problems } = parseKeepalivedConf(text);
  const found = [
    ...problems,
    ...checkVocabulary(statements, vocabularyOf(checkScript), 'the file'),
  ];
  const script = find(statements, 'vrrp_script');
  const instance = find(statements, 'vrrp_instance');
  if (!instance) found.push({ line: 1, reason: 'there is no vrrp_instance' });
  return {
    script: script && scriptOf(script),
    instance: instance && instanceOf(instance),
    problems: found.sort((a, b) => a.line - b.line),
  };
}

function scriptOf({ tokens, block }: Statement): VrrpScript {
  return {
    name: tokens[1] ?? '',
    script: find(block, 'script')?.tokens.slice(1).join(' ') ?? '',
    interval: numberOf(block, 'interval'),
    fall: numberOf(block, 'fall'),
    rise: numberOf(block, 'rise'),
  };
}

function instanceOf({ tokens, block }: Statement): VrrpInstanceConfig {
  const state = wordOf(block, 'state');
  const firstTokens = (name: string) =>
    find(block, name)?.block?.map((each) => each.tokens[0]) ?? [];
  return {
    name: tokens[1] ?? '',
    state: state === 'MASTER' || state === 'BACKUP' ? state : undefined,
    interface: wordOf(block, 'interface'),
    routerId: numberOf(block, 'virtual_router_id'),
    priority: numberOf(block, 'priority'),
    advertInt: numberOf(block, 'advert_int'),
    nopreempt: find(block, 'nopreempt') !== undefined,
    source: wordOf(block, 'unicast_src_ip'),
    peers: firstTokens('unicast_peer'),
    vips: firstTokens('virtual_ipaddress'),
    excludedVips: firstTokens('virtual_ipaddress_excluded'),
    tracked: firstTokens('track_script'),
  };
}

const seconds = wholeNumber(0, 86_400);
const count = wholeNumber(0, 1000);

function vocabularyOf(checkScript: string): Vocabulary {
  return {
    vrrp_script: {
      args: [isName],
      expected: 'followed by a name',
      block: {
        script: { args: [exactly(checkScript)], expected: checkScript },
        interval: { args: [seconds], expected: 'a number of seconds' },
        fall: { args: [count], expected: 'a number' },
        rise: { args: [count], expected: 'a number' },
      },
    },
    vrrp_instance: {
      args: [isName],
      expected: 'followed by a name',
      block: instanceVocabulary,
    },
  };
}

const instanceVocabulary: Vocabulary = {
  state: { args: [exactly('MASTER', 'BACKUP')], expected: 'MASTER or BACKUP' },
  interface: { args: [isInterface], expected: 'the name of an interface' },
  virtual_router_id: { args: [wholeNumber(1, 255)], expected: 'a number from 1 to 255' },
  priority: { args: [wholeNumber(0, 255)], expected: 'a number from 0 to 255' },
  nopreempt: { args: [], expected: 'alone' },
  accept: { args: [], expected: 'alone' },
  garp_master_refresh: { args: [seconds], expected: 'a number of seconds' },
  garp_master_refresh_repeat: { args: [count], expected: 'a number' },
  advert_int: { args: [isAdvertInterval], expected: 'a number of seconds from 0.01 to 255' },
  authentication: {
    args: [],
    expected: 'alone',
    block: {
      auth_type: { args: [exactly('PASS', 'AH')], expected: 'PASS or AH' },
      auth_pass: { args: [(word) => word !== ''], expected: 'one word' },
    },
  },
  unicast_src_ip: { args: [isAddress], expected: 'an address' },
  unicast_peer: { args: [], expected: 'alone', block: isAddressAlone },
  virtual_ipaddress: { args: [], expected: 'alone', block: isAddressAlone },
  virtual_ipaddress_excluded: { args: [], expected: 'alone', block: isAddressAlone },
  virtual_routes: { args: [], expected: 'alone', block: isRoute },
  virtual_rules: { args: [], expected: 'alone', block: isRule },
  track_script: {
    args: [],
    expected: 'alone',
    block: ([name = '', ...more]) => more.length === 0 && isName(name),
  },
};

function isAdvertInterval(word: string): boolean {
  return /^\d{1,3}(?:\.\d{1,6})?$/.test(word) && Number(word) >= 0.01 && Number(word) <= 255;
}

function isAddressAlone([address = '', ...more]: readonly string[]): boolean {
  return more.length === 0 && (isAddress(address) || isSubnet(address));
}

/** The options of a route that the drivers write, and their values. `onlink` has none. */
const routeOptions: Readonly<Record<string, ((word: string) => boolean) | undefined>> = {
  dev: isInterface,
  src: isAddress,
  via: isAddress,
  gateway: isAddress,
  scope: exactly('link'),
  table: wholeNumber(1, 4_294_967_295),
};

function isRoute([destination = '', ...options]: readonly string[]): boolean {
  if (destination !== 'default' && !isSubnet(destination)) return false;
  for (let at = 0; at < options.length; at += 1) {
    const option = options[at] ?? '';
    if (option === 'onlink') continue;
    at += 1;
    const check = Object.hasOwn(routeOptions, option) ? routeOptions[option] : undefined;
    if (check?.(options[at] ?? '') !== true) return false;
  }
  return true;
}

function isRule(tokens: readonly string[]): boolean {
  const [from, subnet = '', table, number = '', priority, level = '', ...more] = tokens;
  if (from !== 'from' || table !== 'table' || priority !== 'priority') return false;
  if (more.length > 0 || !isSubnet(subnet)) return false;
  return wholeNumber(1, 4_294_967_295)(number) && wholeNumber(0, 4_294_967_295)(level);
}
