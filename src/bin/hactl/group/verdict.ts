import type { ShownGroup } from './client.ts';

export interface Finding {
  level: 'warning' | 'failing';
  text: string;
}

const offline = 2;
const [unknown, master, backup] = [0, 1, 2];

/** What is not well with groups, the worst first. Offline groups are well unless a node still has them. */
export function findingsOf(
  groups: readonly ShownGroup[],
  nameOf: (group: ShownGroup, node: number) => string,
): Finding[] {
  const found = groups.flatMap((group) => findingsOfGroup(group, (node) => nameOf(group, node)));
  return [
    ...found.filter(({ level }) => level === 'failing'),
    ...found.filter(({ level }) => level === 'warning'),
  ];
}

function findingsOfGroup(group: ShownGroup, nameOf: (node: number) => string): Finding[] {
  const { name, real_nodes: nodes, status, is_healthy: isHealthy } = group;
  const troubled = nodes.filter(({ detail }) => !isCalm(detail));
  if (status !== offline && nodes.length === 0) {
    return [{ level: 'failing', text: `Group ${name} has no nodes, so nobody serves it.` }];
  }
  const ofNodes = troubled.map(({ node, detail }): Finding => {
    return { level: 'warning', text: `Group ${name} on ${nameOf(node)}: ${detail}` };
  });
  if (status === offline || isHealthy) return ofNodes;
  return [{ level: 'failing', text: `Group ${name} ${whyNot(group, nameOf)}` }, ...ofNodes];
}

/** What a node says if nothing is wrong. */
function isCalm(detail: string): boolean {
  return detail.startsWith('keepalived ') && /: [\w]+ (?:MASTER|BACKUP)/.test(detail)
    ? true
    : detail === 'The group is offline.';
}

function whyNot({ real_nodes: nodes }: ShownGroup, nameOf: (node: number) => string): string {
  const masters = nodes.filter(({ status }) => status === master);
  if (masters.length > 1) {
    return `has ${masters.length} masters: ${masters.map(({ node }) => nameOf(node)).join(' and ')}.`;
  }
  if (masters[0]) return `is not served properly by its MASTER ${nameOf(masters[0].node)}.`;
  if (nodes.every(({ status }) => status === unknown)) return 'is not known to be on any node.';
  return nodes.some(({ status }) => status === backup)
    ? 'has no MASTER; one of its nodes may be about to take over.'
    : 'has no MASTER, and no node that could take over.';
}
