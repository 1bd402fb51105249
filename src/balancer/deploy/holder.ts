import type { NodeWord } from '../../controller/nodes/nodes.ts';
import { parseIp, withoutPrefix } from '../../kit/ip.ts';

/** Whether a node has said last that its keepalived holds an address. */
export function holdsAddress(word: NodeWord | undefined, address: string): boolean {
  const wanted = textOf(address);
  return (word?.report.instances ?? []).some(
    ({ state, addresses }) =>
      state === 'MASTER' && addresses.some((each) => textOf(each) === wanted),
  );
}

function textOf(address: string): string {
  return parseIp(withoutPrefix(address))?.text ?? address;
}
