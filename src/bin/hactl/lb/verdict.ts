import { nameOf, type ShownBalancer, type ShownNode, type ShownStatus } from './shown.ts';

export interface Finding {
  level: 'warning' | 'failing';
  text: string;
}

/** A load balancer, with what its nodes say if it was asked for. */
export interface Examined {
  balancer: ShownBalancer;
  status: ShownStatus | undefined;
}

/** Whether nothing needs to be said about a load balancer. A disabled one is well while nothing is to be done. */
export function isCalm(balancer: ShownBalancer): boolean {
  const { enabled, provisioning_status: provisioning, operating_status: operating } = balancer;
  return provisioning === 'ACTIVE' && (operating === 'ONLINE' || !enabled);
}

/** What is not well with load balancers and nodes, the worst first. */
export function findingsOf(examined: readonly Examined[], nodes: readonly ShownNode[]): Finding[] {
  const found = [...examined.flatMap(findingsOfBalancer), ...nodes.flatMap(findingsOfNode)];
  return [
    ...found.filter(({ level }) => level === 'failing'),
    ...found.filter(({ level }) => level === 'warning'),
  ];
}

function findingsOfBalancer({ balancer, status }: Examined): Finding[] {
  const { provisioning_status: provisioning, operating_status: operating } = balancer;
  const name = nameOf(balancer);
  const level = [provisioning, operating].includes('ERROR') ? 'failing' : 'warning';
  const why = [...(status?.troubles ?? []), ...ofLastError(status)];
  if (why.length > 0) return why.map((each) => ({ level, text: `${name}: ${each}` }));
  if (provisioning === 'ERROR') {
    return [{ level, text: `${name}: Its last change has failed. 'hactl lb repair' tries again.` }];
  }
  if (operating === 'ERROR' || operating === 'DEGRADED') {
    return [{ level, text: `${name}: It is ${operating}. 'hactl lb show' shows its members.` }];
  }
  return [];
}

/** One sentence, unless the troubles have it already. */
function ofLastError(status: ShownStatus | undefined): string[] {
  const error = status?.last_error ?? null;
  return error === null || status?.troubles.includes(error) ? [] : [error];
}

function findingsOfNode({ name, is_reachable: isReachable, troubles }: ShownNode): Finding[] {
  const of = (text: string): Finding => ({ level: 'warning', text: `Node ${name}: ${text}` });
  const said = troubles.map(of);
  if (isReachable || said.length > 0) return said;
  return [of("The controller does not reach it. 'hactl node list' says why.")];
}
