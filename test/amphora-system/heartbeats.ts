import { expect } from 'chai';

import type { AmphoraLab } from '../lab/amphora/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { memberIn, traffic } from './balancer.ts';
import type { Bench } from './bench.ts';
import { askHaproxy } from './bench.ts';
import type { Service } from './service.ts';

/** A heartbeat as Octavia's own code unwraps it. */
interface Heartbeat {
  from: string;
  bytes: number;
  message?: {
    id: string;
    ver: number;
    seq: number;
    listeners: Record<string, { status: string; stats: Record<string, number> }>;
    pools: Record<string, { status: string; members: Record<string, string> }>;
  };
  /** Why it was not accepted. */
  refused?: string;
}

const poolKey = `${traffic.pools.http}:${traffic.listeners.http.id}`;

/** The heartbeats of both nodes, received where the controller has its health manager. */
export function describeHeartbeats(bench: Bench, service: () => Service): void {
  describe('heartbeats', () => {
    const receive = async (count: number, key = bench().heartbeatKey): Promise<Heartbeat[]> => {
      const step = { do: 'heartbeats', key, count, seconds: 60 };
      return (await service().driver.play(step)).result as Heartbeat[];
    };

    before(async () => {
      await service().driver.play({ do: 'listen', address: bench().controller });
    });
    after(async () => {
      await service().driver.play({ do: 'stop_listening' });
    });

    it('report each listener and pool of both amphorae', async () => {
      const lab = bench();
      const found = await receive(4);
      expect(found.map(({ refused }) => refused)).to.deep.equal([...found.map(() => undefined)]);
      expect(new Set(found.map(({ from }) => from)).size).to.equal(2);
      for (const { from, message } of found) {
        const sender = lab.nodes.find(({ address }) => address === from);
        expect(message).to.include({ id: sender?.id, ver: 3 });
        const listeners = Object.values(traffic.listeners).map(({ id }) => id);
        expect(Object.keys(message?.listeners ?? {}).sort()).to.deep.equal(listeners.sort());
        const states = Object.values(message?.listeners ?? {}).map(({ status }) => status);
        expect(new Set(states)).to.deep.equal(new Set(['OPEN']));
        const members = message?.pools[poolKey]?.members ?? {};
        expect(new Set(Object.values(members))).to.deep.equal(new Set(['UP']));
        expect(Object.keys(members)).to.have.length(4);
      }
    });

    it('are refused by a receiver with another key', async () => {
      for (const { refused } of await receive(2, 'another key')) {
        expect(refused).to.be.a('string');
      }
    });

    it('report a member that dies, and one that is back, within two intervals', async () => {
      const lab = bench();
      for (const state of ['down', 'up'] as const) {
        const wanted = state === 'up' ? 'UP' : 'DOWN';
        await lab.setMember('member1', state);
        await haproxiesSay(lab, wanted);
        await service().driver.play({ do: 'drain_heartbeats' });
        const found = await receive(2 * lab.nodes.length);
        for (const { address, name } of lab.nodes) {
          const own = found.filter(({ from }) => from === address);
          const members = own.at(-1)?.message?.pools[poolKey]?.members;
          expect(members?.[memberIn('http', 0)], name).to.equal(wanted);
          expect(members?.[memberIn('http', 1)], name).to.equal('UP');
        }
      }
    });
  });
}

/** Waits until the monitors of all nodes have seen the state of member1. */
export async function haproxiesSay(lab: AmphoraLab, state: string): Promise<void> {
  for (const node of lab.nodes) {
    await waitUntil(`haproxy of ${node.name} to say ${state}`, async () => {
      const csv = await askHaproxy(node, traffic.id, 'show stat -1 4 -1');
      const row = csv
        .split('\n')
        .find((line) => line.startsWith(`${poolKey},${memberIn('http', 0)},`));
      return row?.split(',')[17]?.startsWith(state) === true;
    });
  }
}
