import { parseKeepalivedConf, type Statement } from '../parsers/keepalived/syntax.ts';
import type { VrrpInstance } from '../parsers/keepalived/dump.ts';
import { find, wordOf } from '../parsers/keepalived/vocabulary.ts';
import { differencesOf } from './running.ts';
import type { WantedKeepalived } from './wanted.ts';

/**
 * Compares a rendered configuration with what was wanted. keepalived itself takes a file that lacks an instance or has
 * another address, and would drop an address before anybody could go back.
 * @param text as it was read from the disk again
 * @returns a short text for each difference; empty if there is none
 */
export function textDifferencesOf(
  text: string,
  wanted: WantedKeepalived,
  refreshSeconds: number,
): string[] {
  const { statements } = parseKeepalivedConf(text);
  const blocks = statements.filter(({ tokens }) => tokens[0] === 'vrrp_instance');
  const byName = new Map(blocks.map((each) => [each.tokens[1], each.block]));
  const options = { refreshSeconds, mayHaveOthers: false };
  return [
    ...differencesOf(blocks.map(instanceOf), wanted, options),
    ...(blocks.length === byName.size ? [] : ['an instance is there twice']),
    ...wanted.instances.flatMap(({ name, peers, source }) => {
      const block = byName.get(name);
      const isSame =
        wordOf(block, 'unicast_src_ip') === (source ?? undefined) &&
        linesOf(block, 'unicast_peer').join(' ') === (peers ?? []).join(' ');
      return isSame ? [] : [`${name} has other peers`];
    }),
  ];
}

function instanceOf({ tokens, block }: Statement): VrrpInstance {
  // keepalived would take a value of its own for one that is missing. NaN is no number that anybody wanted.
  const numberOf = (word: string) => Number(wordOf(block, word) ?? NaN);
  return {
    name: tokens[1] ?? '',
    state: 'INIT',
    since: null,
    transitions: undefined,
    interface: wordOf(block, 'interface') ?? '',
    routerId: numberOf('virtual_router_id'),
    priority: numberOf('priority'),
    effectivePriority: undefined,
    interval: numberOf('advert_int'),
    preempt: find(block, 'nopreempt') === undefined,
    refreshSeconds: numberOf('garp_master_refresh'),
    addresses: linesOf(block, 'virtual_ipaddress').map((address) => ({ address, isSet: false })),
  };
}

/** The first words of the lines in a block. */
function linesOf(block: readonly Statement[] | undefined, name: string): string[] {
  return find(block, name)?.block?.map(({ tokens }) => tokens[0]) ?? [];
}
