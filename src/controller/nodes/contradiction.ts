import type { KeepalivedReport } from '../../keepalived/report.ts';
import type { NodeWord } from './nodes.ts';

/** @param former the word before, which knows since when an instance is MASTER */
export function wordOf(report: KeepalivedReport, former: NodeWord | undefined): NodeWord {
  const receivedAt = performance.now();
  const masters = report.instances.filter(({ state }) => state === 'MASTER');
  return {
    report,
    receivedAt,
    masterSince: new Map(
      masters.map(({ name }) => [name, former?.masterSince?.get(name) ?? receivedAt]),
    ),
  };
}

/**
 * Whether a node has said of an instance that it is MASTER, and another one says so for the first time since. The word of
 * the first one does not count until it has said so again: it may have been cut off.
 */
export function isContradicted(word: NodeWord | undefined, other: NodeWord | undefined): boolean {
  return [...(word?.masterSince?.keys() ?? [])].some(
    (name) => (other?.masterSince?.get(name) ?? -Infinity) > (word?.receivedAt ?? 0),
  );
}
