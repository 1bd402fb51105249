import type { WantedKeepalived } from '../../keepalived/wanted.ts';

/** The table of this node, which nobody else writes. */
export const filterTable = 'inet ha_node';

/**
 * The content of the table that lets VRRP in only from the peers. An interface with an instance in multicast stays open
 * in that family, because multicast does not know its peers.
 * @returns an empty text if nothing is to be filtered
 */
export function filterOf({ instances }: WantedKeepalived): string {
  const peers = new Map<string, Set<string> | undefined>();
  for (const { family, interface: device, peers: own } of instances) {
    const key = `${family} ${device}`;
    const known = peers.has(key) ? peers.get(key) : new Set<string>();
    peers.set(key, own === null ? undefined : known && new Set([...known, ...own]));
  }
  const rules = [...peers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, allowed]) => (allowed === undefined ? [] : [ruleOf(key, [...allowed].sort())]));
  if (rules.length === 0) return '';
  const chain = ['type filter hook input priority -10; policy accept;', ...rules];
  return ['  chain input {', ...chain.map((line) => `    ${line}`), '  }', ''].join('\n');
}

function ruleOf(key: string, allowed: readonly string[]): string {
  const [family, device] = key.split(' ');
  const [protocol, field] = family === 'ipv4' ? ['ipv4', 'ip'] : ['ipv6', 'ip6'];
  const source = allowed.length === 0 ? '' : ` ${field} saddr != { ${allowed.join(', ')} }`;
  return `iifname "${device}" meta nfproto ${protocol} meta l4proto 112${source} drop`;
}
