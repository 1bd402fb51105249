import type { Host } from '../host.ts';
import {
  type CorosyncSection,
  type CorosyncSetting,
  parseCorosyncConf,
  writeCorosyncConf,
} from '../parsers/corosync-conf.ts';
import { readCorosyncConfFile } from './conf.ts';

type Content = CorosyncSection['content'];

/**
 * The text of corosync.conf without a node, by its name or address; what hangs on the number of nodes is put
 * right (votequorum(5): `two_node`, `expected_votes`).
 * @returns also how many nodes are left; undefined if there is no such node in it
 * Faults: `corosync_conf_unreadable`
 */
export async function removeCorosyncNode(
  host: Host,
  name: string,
): Promise<{ text: string; others: number } | undefined> {
  const text = await readCorosyncConfFile(host);
  if (text === undefined) return undefined;
  const conf = parseCorosyncConf(text);
  const nodes = nodesIn(conf);
  const others = nodes.filter((node) => !isNamed(node, name)).length;
  if (others === nodes.length) return undefined;
  const content = conf.content.map((each) => {
    if (!isSection(each)) return each;
    if (each.name === 'nodelist') {
      return {
        ...each,
        content: each.content.filter((inside) => !(isSection(inside) && isNamed(inside, name))),
      };
    }
    return each.name === 'quorum' ? withVotesOf(each, others) : each;
  });
  return { text: writeCorosyncConf({ ...conf, content }), others };
}

function nodesIn({ content }: CorosyncSection): CorosyncSection[] {
  return content
    .filter(isSection)
    .filter(({ name }) => name === 'nodelist')
    .flatMap((list) => list.content.filter(isSection))
    .filter(({ name }) => name === 'node');
}

/** As corosync knows a node that has no `name`, Pacemaker knows it by its address. */
function isNamed({ content }: CorosyncSection, name: string): boolean {
  const settings = content.filter((each): each is CorosyncSetting => !isSection(each));
  const of = (key: string) => settings.findLast((each) => each.key === key)?.value;
  return (of('name') ?? of('ring0_addr')) === name;
}

function withVotesOf(quorum: CorosyncSection, nodes: number): CorosyncSection {
  const content: Content = quorum.content.flatMap((each): (CorosyncSetting | CorosyncSection)[] => {
    if (isSection(each)) return [each];
    if (each.key === 'two_node' && nodes !== 2) return [];
    if (each.key === 'expected_votes' && Number(each.value) > nodes) {
      return [{ ...each, value: `${nodes}` }];
    }
    return [each];
  });
  const needsTwoNode =
    nodes === 2 &&
    !content.some((each) => (isSection(each) ? each.name === 'device' : each.key === 'two_node'));
  return {
    ...quorum,
    content: needsTwoNode ? [...content, { key: 'two_node', value: '1' }] : content,
  };
}

function isSection(each: CorosyncSetting | CorosyncSection): each is CorosyncSection {
  return 'content' in each;
}
