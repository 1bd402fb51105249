import { parseXml } from '../xml.ts';

/**
 * The CIB without what it knows of the cluster's state, which may be a hundred times as long as the
 * configuration and changes all the time.
 */
export function withoutStatus(xml: string): string {
  // Serialised XML has no `<` but where an element begins, or in a comment. The status is last, and what
  // is in it may have any name.
  const start = xml.indexOf('<status', xml.lastIndexOf('</configuration>'));
  if (start < 0 || !/^<status(?:\/>|>.*<\/status>)\s*<\/cib>\s*$/s.test(xml.slice(start)))
    return xml;
  return `${xml.slice(0, start)}<status/>\n</cib>\n`;
}

/** A CIB without status, with that of another. */
export function withStatusOf(xml: string, whole: string): string {
  const status = whole.slice(
    withoutStatus(whole).lastIndexOf('<status'),
    whole.lastIndexOf('</cib>'),
  );
  const start = xml.lastIndexOf('<status');
  return `${xml.slice(0, start < 0 ? xml.lastIndexOf('</cib>') : start)}${status}</cib>\n`;
}

/** An attribute that a node has until it leaves the cluster. */
export interface TransientAttribute {
  node: string;
  name: string;
}

/** The same CIB, but with a node that has no such attribute in its state. */
export function withoutTransient(whole: string, { node, name }: TransientAttribute): string {
  const start = '<node_state ';
  const isOfNode = (state: string) => {
    const attributes = state.slice(0, state.indexOf('>')).replace(/\/$/, '');
    return parseXml(`${start}${attributes}/>`).attributes['uname'] === node;
  };
  const [before, ...states] = whole.split(start);
  const without = states.map((state) =>
    isOfNode(state)
      ? state.replace(/<nvpair [^<>]*>/g, (pair) => (pair.includes(` name="${name}"`) ? '' : pair))
      : state,
  );
  return [before, ...without].join(start);
}

/**
 * Whether the text of a CIB is the cluster's. That of a node which has started and not joined yet is its own of
 * before: without status, which is never on the disk, or with one that knows no member.
 */
export function isOfCluster(xml: string): boolean {
  return /<node_state\s[^<>]*\bjoin="member"/.test(xml);
}

/** The coordinator (DC), as the text of a CIB has it; undefined where it names none. */
export function coordinatorOfCib(xml: string): { id: string; name: string } | undefined {
  const id = /<cib\s[^<>]*\sdc-uuid="([^"]*)"/.exec(xml)?.[1];
  if (id === undefined) return undefined;
  const node = [...xml.matchAll(/<node\s[^<>]*>/g)].find(
    ([tag]) => /\sid="([^"]*)"/.exec(tag)?.[1] === id,
  );
  const name = node && /\suname="([^"]*)"/.exec(node[0])?.[1];
  return name === undefined ? undefined : { id, name };
}

/** `admin_epoch.epoch` of the text of a CIB. */
export function versionOfCib(xml: string): string {
  const { adminEpoch, epoch } = countersOfCib(xml);
  return `${adminEpoch}.${epoch}`;
}

/** The same of the next configuration, for which Pacemaker counts on by one. */
export function nextVersionOfCib(xml: string): string {
  const { adminEpoch, epoch } = countersOfCib(xml);
  return `${adminEpoch}.${epoch + 1}`;
}

/** What counts changes of the configuration, in the text of a CIB. */
function countersOfCib(xml: string): { adminEpoch: number; epoch: number } {
  const start = /<cib\s[^<>]*>/.exec(xml)?.[0] ?? '';
  const of = (name: string) => Number(new RegExp(`\\s${name}="([^"]*)"`).exec(start)?.[1] ?? 0);
  return { adminEpoch: of('admin_epoch'), epoch: of('epoch') };
}

/** The same CIB, but with a resource that is made from a template saying itself what its agent is. */
export function withAgentsOfTemplates(xml: string): string {
  const agents = new Map(
    // No `<` is in the value of an attribute.
    [...xml.matchAll(/<template [^<]*/g)].map(([tag]) => [
      / id="([^"]*)"/.exec(tag)?.[1],
      tag.match(/ (?:class|provider|type)="[^"]*"/g)?.join('') ?? '',
    ]),
  );
  return xml.replace(
    /(<primitive [^<]*?) template="([^"<]*)"/g,
    (_tag, before: string, id: string) => `${before}${agents.get(id) ?? ''}`,
  );
}

/**
 * What tells one configuration from another, from the text of a CIB alone: two of one identity differ
 * in nothing but what they know of the cluster's state.
 */
export function configurationIdentity(xml: string): string {
  const start = xml.indexOf('<configuration');
  if (start < 0) return xml;
  const version = xml.slice(0, start).match(/\b(?:admin_epoch|epoch|validate-with)="[^"]*"/g);
  return `${version?.join(' ') ?? ''} ${xml.slice(start)}`;
}
