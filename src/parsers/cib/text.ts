import { parseXml } from '../xml.ts';

/**
 * The CIB without its status, which may be a hundred times as long as the configuration and changes all the time.
 */
export function withoutStatus(xml: string): string {
  // In serialised XML, `<` only begins an element or is in a comment. The status comes last, and elements in it may have
  // any name.
  const start = xml.indexOf('<status', xml.lastIndexOf('</configuration>'));
  if (start < 0 || !/^<status(?:\/>|>.*<\/status>)\s*<\/cib>\s*$/s.test(xml.slice(start)))
    return xml;
  return `${xml.slice(0, start)}<status/>\n</cib>\n`;
}

/** The CIB `xml` with the status of the CIB `whole`. */
export function withStatusOf(xml: string, whole: string): string {
  const status = whole.slice(
    withoutStatus(whole).lastIndexOf('<status'),
    whole.lastIndexOf('</cib>'),
  );
  const start = xml.lastIndexOf('<status');
  return `${xml.slice(0, start < 0 ? xml.lastIndexOf('</cib>') : start)}${status}</cib>\n`;
}

/** An attribute that a node loses when it leaves the cluster. */
export interface TransientAttribute {
  node: string;
  name: string;
}

/** The same CIB without that attribute in the node's state. */
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
 * Whether the text of a CIB is the cluster's. A node that has started and not joined yet shows its own former CIB. That
 * has no status, which is never on the disk, or a status without members.
 */
export function isOfCluster(xml: string): boolean {
  return /<node_state\s[^<>]*\bjoin="member"/.test(xml);
}

/** The coordinator (DC) that the text of a CIB names; undefined if it names none. */
export function coordinatorOfCib(xml: string): { id: string; name: string } | undefined {
  const id = /<cib\s[^<>]*\sdc-uuid="([^"]*)"/.exec(xml)?.[1];
  if (id === undefined) return undefined;
  const node = [...xml.matchAll(/<node\s[^<>]*>/g)].find(
    ([tag]) => /\sid="([^"]*)"/.exec(tag)?.[1] === id,
  );
  const name = node && /\suname="([^"]*)"/.exec(node[0])?.[1];
  return name === undefined ? undefined : { id, name };
}

/** The version of a configuration, `admin_epoch.epoch`, from the text of a CIB. */
export function versionOfCib(xml: string): string {
  const { adminEpoch, epoch } = countersOfCib(xml);
  return `${adminEpoch}.${epoch}`;
}

/** The version of the next configuration, for which Pacemaker adds one. */
export function nextVersionOfCib(xml: string): string {
  const { adminEpoch, epoch } = countersOfCib(xml);
  return `${adminEpoch}.${epoch + 1}`;
}

/** The counters of the configuration's changes, from the text of a CIB. */
function countersOfCib(xml: string): { adminEpoch: number; epoch: number } {
  const start = /<cib\s[^<>]*>/.exec(xml)?.[0] ?? '';
  const of = (name: string) => Number(new RegExp(`\\s${name}="([^"]*)"`).exec(start)?.[1] ?? 0);
  return { adminEpoch: of('admin_epoch'), epoch: of('epoch') };
}

/** The same CIB, with the agent of each template written into the resources that are made from it. */
export function withAgentsOfTemplates(xml: string): string {
  const agents = new Map(
    // The value of an attribute contains no `<`.
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
 * A text that identifies the configuration in the text of a CIB: two CIBs with the same identity differ only in their
 * status.
 */
export function configurationIdentity(xml: string): string {
  const start = xml.indexOf('<configuration');
  if (start < 0) return xml;
  const version = xml.slice(0, start).match(/\b(?:admin_epoch|epoch|validate-with)="[^"]*"/g);
  return `${version?.join(' ') ?? ''} ${xml.slice(start)}`;
}
