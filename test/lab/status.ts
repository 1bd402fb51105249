import type { ClusterView } from './cluster.ts';
import type { Lab } from './lab.ts';

/** A lab as JSON, with everything that a script needs to use it. */
export interface LabDescription {
  readonly name: string;
  readonly suite: string;
  readonly topology: string;
  /** Whether `up` was completed. */
  readonly isReady: boolean;
  readonly vip: string;
  readonly nodes: readonly {
    readonly name: string;
    readonly host: string;
    readonly address: string;
  }[];
}

export interface LabStatus extends LabDescription {
  /** The names of the nodes that are switched on. */
  readonly on: readonly string[];
  /** The view of a node with quorum, or else of one without; absent if no node answers. */
  readonly cluster?: ClusterView;
}

export const describe = (lab: Lab): LabDescription => ({
  name: lab.name,
  suite: lab.suite,
  topology: lab.topology,
  isReady: lab.isReady,
  vip: lab.vip,
  nodes: lab.nodes.map(({ name, host, address }) => ({ name, host, address })),
});

export async function status(lab: Lab): Promise<LabStatus> {
  const isOn = await Promise.all(lab.nodes.map((node) => node.isOn()));
  const answers = await Promise.allSettled(lab.nodes.map((node) => node.cluster()));
  const views = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const cluster = views.find((view) => view.hasQuorum) ?? views[0];
  return {
    ...describe(lab),
    on: lab.nodes.filter((_, index) => isOn[index]).map((node) => node.name),
    ...(cluster && { cluster }),
  };
}

/** The state of labs for people. */
export function statusText(labs: readonly LabStatus[]): string {
  return labs.length === 0 ? 'No lab is up.' : labs.map(oneText).join('\n\n');
}

function oneText({ cluster, on, ...lab }: LabStatus): string {
  const nodes = lab.nodes.map(({ name, host, address }) => {
    const power = on.includes(name) ? 'on ' : 'off';
    const member = cluster?.online.includes(name) ? 'online' : 'not online';
    return `  ${name}  ${address}  ${power}  ${member}  (${host})`;
  });
  const resources = (cluster?.resources ?? []).map(
    ({ id, role, node }) => `  ${id}: ${role}${node === undefined ? '' : ` on ${node}`}`,
  );
  return [
    `Lab ${lab.name}: ${lab.suite}, ${lab.topology}, VIP ${lab.vip}${lab.isReady ? '' : ', not up (yet)'}`,
    ...nodes,
    ...resources,
  ].join('\n');
}
