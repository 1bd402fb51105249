import { makeDeployer, type OwnDeployer } from '../../../src/balancer/deploy/deployer.ts';
import { waitUntil } from '../../lab/wait.ts';
import type { FakeNode } from '../controller/fake-node.ts';
import { type Ground, makeGround } from '../controller/ground.ts';
import { type SimulatedAgent, simulateAgent } from './agents.ts';
import { shortRenderer } from './deploying.ts';

/** Two nodes with simulated agents, over real connections. */
export interface DeployGround {
  ground: Ground;
  deployer: OwnDeployer;
  nodes: readonly { id: number; node: FakeNode; agent: SimulatedAgent }[];
  /** With what it has to remember as after a restart of the controller. */
  newDeployer(): OwnDeployer;
  /** Returns when the links reach all nodes. */
  reached(): Promise<void>;
  stop(): Promise<void>;
}

export async function makeDeployGround(
  folder: string,
  kinds: readonly SimulatedAgent['kind'][] = ['ours', 'ours'],
): Promise<DeployGround> {
  const ground = await makeGround(folder);
  const nodes: { id: number; node: FakeNode; agent: SimulatedAgent }[] = [];
  for (const [index, kind] of kinds.entries()) {
    const { node, joined } = await ground.addNode(`n${index + 1}`, `machine-${index + 1}`);
    nodes.push({ id: joined.id, node, agent: simulateAgent(node, kind) });
  }
  await ground.links.refresh();
  const newDeployer = () =>
    makeDeployer({
      links: ground.links,
      render: shortRenderer,
      log: ground.log,
      times: { answerMs: 5000, haproxyMs: 5000 },
    });
  const reached = async () => {
    for (const { id } of nodes) {
      await waitUntil(`node ${id} answers`, () => ground.links.isReachable(id), { everyMs: 5 });
    }
  };
  await reached();
  return {
    ground,
    nodes,
    newDeployer,
    reached,
    deployer: newDeployer(),
    stop: () => ground.stop(),
  };
}
