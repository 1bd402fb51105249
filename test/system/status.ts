import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { callHa, forgotten } from './client.ts';

interface Status {
  raw: string;
  xml: string;
  cluster_name: string;
  nodes: { node: { name: string }[] };
}

/** Compares the agent's answer with the output of the cluster's own tools at the same moment. */
export function describeStatus(bench: () => { lab: Lab; token: string }): void {
  describe('status', () => {
    const first = () => bench().lab.nodes[0] as LabNode;
    const second = () => bench().lab.nodes[1] as LabNode;

    /** Puts the cluster into a state, compares, and ends the state. */
    function inState(
      what: string,
      enter: () => Promise<unknown>,
      leave: () => Promise<unknown> = () => Promise.resolve(),
    ): void {
      describe(what, () => {
        before(async () => {
          await enter();
          await settled(first());
        });
        after(async () => {
          await leave();
          await settled(first());
        });

        it('equals a second reading of crm_mon --as-xml', async () => {
          const { answer, xml } = await atOneMoment(first(), bench().token, [
            'crm_mon',
            '--as-xml',
          ]);
          expect(withoutTimes(answer.xml)).to.equal(withoutTimes(xml));
          const script = await readFile(new URL('read-crm-mon.py', import.meta.url), 'utf8');
          const reading = await first().run(['python3', '-c', script], { input: answer.xml });
          const { raw, xml: ownXml, cluster_name, ...state } = answer;
          expect([typeof raw, typeof ownXml, cluster_name]).to.deep.equal([
            'string',
            'string',
            'dolocoin',
          ]);
          expect(state).to.deep.equal(JSON.parse(reading));
        });

        it('has the text of pcs status, except for times', async () => {
          const { answer, xml: pcsText } = await atOneMoment(first(), bench().token, [
            'pcs',
            'status',
          ]);
          expect(withoutTimes(answer.raw)).to.equal(withoutTimes(pcsText));
        });

        it('lists the nodes as pcs status nodes does', async () => {
          const { json } = await callHa(first(), 'node', { token: bench().token });
          const pcsText = await first().run(['pcs', 'status', 'nodes']);
          expect(json).to.deep.equal(nodesIn(pcsText));
        });
      });
    }

    inState('in the storage topology', () => Promise.resolve());

    inState(
      'with a resource banned from a node',
      () => first().run(['pcs', 'resource', 'ban', 'SMB', second().name]),
      () => first().run(['pcs', 'resource', 'clear', 'SMB']),
    );

    inState(
      'with a failed action',
      () => first().run(['crm_resource', '--fail', '--resource', 'NFS', '--node', first().name]),
      () => first().run(['pcs', 'resource', 'cleanup', 'NFS']),
    );

    inState(
      'with a node in standby',
      () => first().run(['pcs', 'node', 'standby', second().name]),
      () => first().run(['pcs', 'node', 'unstandby', second().name]),
    );

    inState(
      'with a node in maintenance',
      () => first().run(['pcs', 'node', 'maintenance', second().name]),
      () => first().run(['pcs', 'node', 'unmaintenance', second().name]),
    );

    inState(
      'with a node whose cluster is stopped',
      () => first().run(['pcs', 'cluster', 'stop', second().name], { deadlineMs: 100_000 }),
      async () => {
        await first().run(['pcs', 'cluster', 'start', second().name], { deadlineMs: 100_000 });
        await first().waitUntilCluster('all nodes online', ({ online }) => online.length === 2);
      },
    );

    inState(
      'after a node was fenced',
      async () => {
        await first().run(['pcs', 'stonith', 'fence', second().name], { deadlineMs: 100_000 });
        await first().waitUntilCluster('all nodes online', ({ online }) => online.length === 2);
      },
      () => first().run(['pcs', 'stonith', 'history', 'cleanup']),
    );

    inState(
      'in maintenance as a whole',
      () => first().run(['pcs', 'property', 'set', 'maintenance-mode=true']),
      () => first().run(['pcs', 'property', 'set', 'maintenance-mode=']),
    );

    inState(
      'with groups, clones and a disabled resource',
      async () => {
        const create = ['pcs', 'resource', 'create'] as const;
        await first().run([...create, 'inGroup1', 'ocf:pacemaker:Dummy', '--group', 'aGroup']);
        await first().run([...create, 'inGroup2', 'ocf:pacemaker:Dummy', '--group', 'aGroup']);
        await first().run([...create, 'cloned', 'ocf:pacemaker:Dummy', 'clone']);
        await first().run([...create, 'promoted', 'ocf:pacemaker:Stateful', 'promotable']);
        await first().run([...create, 'disabled', 'ocf:pacemaker:Dummy', '--disabled']);
      },
      async () => {
        for (const id of ['aGroup', 'cloned', 'promoted', 'disabled']) {
          await first().run(['pcs', 'resource', 'delete', id, '--force']);
        }
      },
    );

    inState(
      'with fence devices that pcs warns of',
      async () => {
        const create = ['pcs', 'stonith', 'create'] as const;
        await first().run([...create, 'acting', 'fence_lab', 'action=off', '--force']);
        await first().run([...create, 'cycling', 'fence_lab', 'method=cycle', '--force']);
      },
      async () => {
        await first().run(['pcs', 'stonith', 'delete', 'acting']);
        await first().run(['pcs', 'stonith', 'delete', 'cycling']);
      },
    );

    inState(
      'with a ban that a rule ends, which only pcs can judge',
      () =>
        first().run([
          'crm_resource',
          '--ban',
          '--resource',
          'SMB',
          '--node',
          second().name,
          '--lifetime',
          'PT1H',
        ]),
      () => first().run(['pcs', 'resource', 'clear', 'SMB']),
    );
  });
}

/**
 * Reads the answer between two runs of a command. If both print the same, nothing changed in between and the answer is
 * of that moment.
 */
async function atOneMoment(
  node: LabNode,
  token: string,
  argv: readonly [string, ...string[]],
): Promise<{ answer: Status; xml: string }> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    await forgotten();
    const before = await node.run(argv);
    const { status, json, text } = await callHa(node, 'status', { token });
    expect(status, text).to.equal(200);
    const after = await node.run(argv);
    if (withoutTimes(before) === withoutTimes(after))
      return { answer: json as Status, xml: before };
  }
  throw new Error('The cluster does not come to rest.');
}

/** Removes the moments of the reading, which differ between two readings of the same state. */
function withoutTimes(text: string): string {
  return (
    text
      .replace(/(Last updated:).*$/m, '$1')
      .replace(/<last_update time="[^"]*"/, '<last_update time=""')
      // Since Pacemaker 2.1, this is the time of pacemakerd's latest message to the tool.
      .replace(/\(last updated [^)]*\)/, '')
      .replace(/ last_updated="[^"]*"/, '')
  );
}

async function settled(node: LabNode): Promise<void> {
  await node.run(['crm_resource', '--wait', '--timeout=90'], { deadlineMs: 100_000 });
}

/** `pcs status nodes` as the contract shows it. */
function nodesIn(pcsText: string): unknown {
  const section = (title: string) => {
    const lines =
      pcsText
        .split(`${title}:\n`)[1]
        ?.split(/\n(?=\S)/)[0]
        ?.split('\n') ?? [];
    const names = (state: string) =>
      lines
        .find((line) => line.startsWith(` ${state}:`))
        ?.split(':')[1]
        ?.trim()
        .split(' ')
        .filter(Boolean) ?? [];
    return {
      online: names('Online'),
      standby: [...names('Standby'), ...names('Standby with resource(s) running')],
      maintenance: names('Maintenance'),
      offline: names('Offline'),
    };
  };
  return {
    pacemaker_nodes: section('Pacemaker Nodes'),
    pacemaker_remote_nodes: section('Pacemaker Remote Nodes'),
  };
}
