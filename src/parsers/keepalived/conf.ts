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
 * Reads the keepalived.conf of a load balancer, which holds the words that Octavia's drivers write and no others
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

function scriptOf({ words, block }: Statement): VrrpScript {
  return {
    name: words[1] ?? '',
    script: find(block, 'script')?.words.slice(1).join(' ') ?? '',
    interval: numberOf(block, 'interval'),
    fall: numberOf(block, 'fall'),
    rise: numberOf(block, 'rise'),
  };
}

function instanceOf({ words, block }: Statement): VrrpInstanceConfig {
  const state = wordOf(block, 'state');
  const firstWords = (name: string) => find(block, name)?.block?.map((each) => each.words[0]) ?? [];
  return {
    name: words[1] ?? '',
    state: state === 'MASTER' || state === 'BACKUP' ? state : undefined,
    interface: wordOf(block, 'interface'),
    routerId: numberOf(block, 'virtual_router_id'),
    priority: numberOf(block, 'priority'),
    advertInt: numberOf(block, 'advert_int'),
    nopreempt: find(block, 'nopreempt') !== undefined,
    source: wordOf(block, 'unicast_src_ip'),
    peers: firstWords('unicast_peer'),
    vips: firstWords('virtual_ipaddress'),
    excludedVips: firstWords('virtual_ipaddress_excluded'),
    tracked: firstWords('track_script'),
  };
}

const seconds = wholeNumber(0, 86_400);
const count = wholeNumber(0, 1000);

function vocabularyOf(checkScript: string): Vocabulary {
  return {
    vrrp_script: {
      words: [isName],
      expected: 'followed by a name',
      block: {
        script: { words: [exactly(checkScript)], expected: checkScript },
        interval: { words: [seconds], expected: 'a number of seconds' },
        fall: { words: [count], expected: 'a number' },
        rise: { words: [count], expected: 'a number' },
      },
    },
    vrrp_instance: {
      words: [isName],
      expected: 'followed by a name',
      block: instanceVocabulary,
    },
  };
}

const instanceVocabulary: Vocabulary = {
  state: { words: [exactly('MASTER', 'BACKUP')], expected: 'MASTER or BACKUP' },
  interface: { words: [isInterface], expected: 'the name of an interface' },
  virtual_router_id: { words: [wholeNumber(1, 255)], expected: 'a number from 1 to 255' },
  priority: { words: [wholeNumber(0, 255)], expected: 'a number from 0 to 255' },
  nopreempt: { words: [], expected: 'alone' },
  accept: { words: [], expected: 'alone' },
  garp_master_refresh: { words: [seconds], expected: 'a number of seconds' },
  garp_master_refresh_repeat: { words: [count], expected: 'a number' },
  advert_int: { words: [isAdvertInterval], expected: 'a number of seconds from 0.01 to 255' },
  authentication: {
    words: [],
    expected: 'alone',
    block: {
      auth_type: { words: [exactly('PASS', 'AH')], expected: 'PASS or AH' },
      auth_pass: { words: [(word) => word !== ''], expected: 'one word' },
    },
  },
  unicast_src_ip: { words: [isAddress], expected: 'an address' },
  unicast_peer: { words: [], expected: 'alone', block: isAddressAlone },
  virtual_ipaddress: { words: [], expected: 'alone', block: isAddressAlone },
  virtual_ipaddress_excluded: { words: [], expected: 'alone', block: isAddressAlone },
  virtual_routes: { words: [], expected: 'alone', block: isRoute },
  virtual_rules: { words: [], expected: 'alone', block: isRule },
  track_script: {
    words: [],
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

function isRule(words: readonly string[]): boolean {
  const [from, subnet = '', table, number = '', priority, level = '', ...more] = words;
  if (from !== 'from' || table !== 'table' || priority !== 'priority') return false;
  if (more.length > 0 || !isSubnet(subnet)) return false;
  return wholeNumber(1, 4_294_967_295)(number) && wholeNumber(0, 4_294_967_295)(level);
}
