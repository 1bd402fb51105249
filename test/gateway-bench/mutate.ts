import type { Random } from '../support/random.ts';

/** A way to spoil a configuration of keepalived, such as a bug or a broken disk would. */
interface Fault {
  what: string;
  spoil: (text: string, random: Random) => string;
}

const oneOf = <T>(values: readonly T[], random: Random): T =>
  values[Math.floor(random() * values.length)] as T;

/** Replaces the value of a word in one of the lines that have it. */
function setValue(text: string, word: string, value: string, random: Random): string {
  const lines = text.split('\n');
  const places = lines.flatMap((line, at) => (line.trim().startsWith(`${word} `) ? [at] : []));
  const place = oneOf(places, random);
  lines[place] = `  ${word} ${value}`;
  return lines.join('\n');
}

function changeLine(
  text: string,
  isMeant: (line: string) => boolean,
  change: (line: string) => string[],
  random: Random,
): string {
  const lines = text.split('\n');
  const places = lines.flatMap((line, at) => (isMeant(line) ? [at] : []));
  const place = oneOf(places, random);
  return lines.flatMap((line, at) => (at === place ? change(line) : [line])).join('\n');
}

const blocksOf = (text: string): string[] =>
  text.match(/^vrrp_instance \w+ \{\n[^]*?^\}\n/gm) ?? [];

const values: readonly [word: string, values: readonly string[]][] = [
  ['virtual_router_id', ['0', '256', '999', '-1', 'x', '1e9', '']],
  ['priority', ['0', '256', '1000', '-5', 'high', '']],
  ['advert_int', ['0', '-1', '41', '4096', 'soon', '']],
  ['interface', ['nosuch0', '', '../mgmt0']],
  ['unicast_src_ip', ['10.0.0.300', 'fe80::', 'here', '']],
  ['garp_master_refresh', ['-1', 'often', '']],
  ['state', ['OWNER', '']],
];

const ofValues: readonly Fault[] = values.map(([word, wrong]) => ({
  what: `a wrong ${word}`,
  spoil: (text, random) => setValue(text, word, oneOf(wrong, random), random),
}));

const ofText: readonly Fault[] = [
  {
    what: 'a text that is cut off',
    // The last brace may be missing.
    spoil: (text, random) => text.slice(0, Math.floor(text.length * (0.3 + 0.65 * random()))),
  },
  {
    what: 'a missing closing brace',
    spoil: (text, random) =>
      changeLine(
        text,
        (line) => line.trim() === '}',
        () => [],
        random,
      ),
  },
  {
    what: 'a missing opening brace',
    spoil: (text, random) =>
      changeLine(
        text,
        (line) => line.endsWith('{'),
        (line) => [line.slice(0, -1)],
        random,
      ),
  },
  {
    what: 'an unknown word',
    spoil: (text, random) =>
      changeLine(
        text,
        (line) => line.startsWith('  state'),
        (line) => [line, '  statte MASTER'],
        random,
      ),
  },
  {
    what: 'an unknown block',
    spoil: (text) => `${text}vrrp_instanze vg_9 {\n  state BACKUP\n}\n`,
  },
  {
    what: 'an address that is none',
    spoil: (text, random) =>
      text.replace(
        /^ {4}\S+\/24$/m,
        `    ${oneOf(['10.0.0.300/24', '10.0.0.5/33', 'none/24', '1.2.3/24'], random)}`,
      ),
  },
  {
    what: 'a name twice',
    spoil: (text, random) => text + oneOf(blocksOf(text), random),
  },
  {
    what: 'a router id twice on an interface',
    spoil: (text, random) => text + oneOf(blocksOf(text), random).replace(/vg_\w+/, 'vg_99'),
  },
  {
    what: 'an instance without an interface',
    spoil: (text, random) =>
      changeLine(
        text,
        (line) => line.startsWith('  interface'),
        () => [],
        random,
      ),
  },
  {
    what: 'an instance without a router id',
    spoil: (text, random) =>
      changeLine(
        text,
        (line) => line.startsWith('  virtual_router_id'),
        () => [],
        random,
      ),
  },
  {
    what: 'an instance that is missing',
    spoil: (text, random) => text.replace(oneOf(blocksOf(text), random), ''),
  },
  {
    what: 'a peer that is none',
    spoil: (text) => text.replace(/(unicast_peer \{\n\s+)\S+/, '$1here'),
  },
  {
    what: 'a group of instances that are not there',
    spoil: (text) => `${text}vrrp_sync_group vg_s {\n  group {\n    vg_98\n    vg_97\n  }\n}\n`,
  },
  {
    what: 'bytes that are no text',
    spoil: (text, random) => {
      const at = Math.floor(text.length * (0.3 + 0.6 * random()));
      return `${text.slice(0, at)}\u0001\u0002{\u00ff"\u0000${text.slice(at + 6)}`;
    },
  },
  {
    what: 'an open quotation',
    spoil: (text, random) =>
      changeLine(
        text,
        (line) => line.startsWith('  priority'),
        (line) => [line.replace('priority ', 'priority "')],
        random,
      ),
  },
  { what: 'an empty text', spoil: () => '' },
];

const all = [...ofText, ...ofValues];

/** The mutation of a number. @returns what it is, and the text that it makes of another one */
export function mutationOf(
  number: number,
  random: Random,
): { what: string; spoil: (text: string) => string } {
  const fault = all[number % all.length] as Fault;
  return { what: fault.what, spoil: (text) => fault.spoil(text, random) };
}
