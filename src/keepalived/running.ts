import { parseIp } from '../kit/ip.ts';
import type { VrrpInstance } from '../parsers/keepalived/dump.ts';
import { renderedAddresses } from './render.ts';
import type { WantedInstance, WantedKeepalived } from './wanted.ts';

export interface RunningOptions {
  /** That of the rendered file. */
  refreshSeconds: number;
  /** Whether the administrator's file may have more instances. */
  mayHaveOthers: boolean;
}

/**
 * Compares what keepalived runs with what it should run. Peers and checks are not in what it says of itself; the number
 * of `refreshSeconds` stands for them.
 * @returns a short text for each difference; empty if there is none
 */
export function differencesOf(
  instances: readonly VrrpInstance[],
  wanted: WantedKeepalived,
  { refreshSeconds, mayHaveOthers }: RunningOptions,
): string[] {
  const running = new Map(instances.map((each) => [each.name, each]));
  const names = new Set(wanted.instances.map(({ name }) => name));
  const others = mayHaveOthers ? [] : instances.filter(({ name }) => !names.has(name));
  return [
    ...wanted.instances.flatMap((each) =>
      differenceOf(running.get(each.name), each, refreshSeconds),
    ),
    ...others.map(({ name }) => `${name} should not be there`),
  ];
}

function differenceOf(
  found: VrrpInstance | undefined,
  wanted: WantedInstance,
  refreshSeconds: number,
): string[] {
  const { name } = wanted;
  if (found === undefined) return [`${name} is not there`];
  const pairs: readonly [what: string, is: unknown, shouldBe: unknown][] = [
    ['interface', found.interface, wanted.interface],
    ['router id', found.routerId, wanted.routerId],
    ['priority', found.priority, wanted.priority],
    ['preemption', found.preempt, wanted.preempt],
    ['refresh', found.refreshSeconds, refreshSeconds],
    [
      'addresses',
      addressText(found.addresses.map(({ address }) => address)),
      addressText(renderedAddresses(wanted)),
    ],
  ];
  const different = pairs.filter(([, is, shouldBe]) => is !== undefined && is !== shouldBe);
  const isInterval =
    found.interval === undefined || Math.abs(found.interval - wanted.interval) < 0.005;
  return [
    ...different.map(([what]) => `${name} has another ${what}`),
    ...(isInterval ? [] : [`${name} has another interval`]),
  ];
}

function addressText(addresses: readonly string[]): string {
  return addresses.map(canonicalAddress).sort().join(' ');
}

/** An address with its prefix length in its canonical text, as the kernel prints it. */
export function canonicalAddress(address: string): string {
  const [text = '', prefix] = address.split('/');
  const ip = parseIp(text);
  if (ip === undefined) return address;
  // keepalived leaves out the length of a single address.
  return `${ip.text}/${prefix ?? (ip.version === 4 ? '32' : '128')}`;
}
