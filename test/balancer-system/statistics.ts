import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { type Counted, startCounting } from '../amphora-bench/heartbeat/traffic.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Balancing } from './bench.ts';
import { makeSimple, type Simple } from './making.ts';

interface Sums {
  bytes_in: number;
  bytes_out: number;
  total_connections: number;
}

interface Round {
  counted: Counted;
  tcp: Sums;
  http: Sums;
}

const echoPort = 7;
const maxLost = 0.005;

/** The statistics of listeners, compared with what clients have counted. */
export function testStatistics(at: () => Balancing): void {
  describe('the statistics of listeners', () => {
    let made: Simple;
    let echo = '';

    before(async () => {
      made = await makeSimple(at());
      echo = await made.addListener({ protocol: 'TCP', protocol_port: echoPort });
      const pool = await made.addPool(echo, { protocol: 'TCP' });
      for (const { address } of at().lab.members) {
        await made.addMember(pool, { ip_address: address, protocol_port: 7 });
      }
    });

    after(() => made.remove());

    const statsOf = (listener: string) => made.read<Sums>(`/listeners/${listener}/stats`);

    /** Waits until nodes have nothing more to report. */
    async function settled(): Promise<[Sums, Sums]> {
      let last = '';
      await waitUntil(
        'the statistics to stay',
        async () => {
          const now = JSON.stringify([await statsOf(echo), await statsOf(made.listener)]);
          const isSame = now === last;
          last = now;
          return isSame;
        },
        // Longer than two heartbeats of each node.
        { everyMs: 3000 },
      );
      return [await statsOf(echo), await statsOf(made.listener)];
    }

    async function play(seconds: number, work: () => Promise<unknown>): Promise<Round> {
      const before = await settled();
      const stop = startCounting(at().lab, {
        ...{ address: made.address, tcpPort: echoPort, httpPort: 80 },
        ...{ tcpPerSecond: 15, httpPerSecond: 10, long: 5 },
      });
      let counted: Counted;
      try {
        await Promise.all([work(), sleep(seconds * 1000)]);
      } finally {
        // Clients that are left would count for the next round.
        counted = await stop();
      }
      const after = await settled();
      return {
        counted,
        tcp: difference(before[0], after[0]),
        http: difference(before[1], after[1]),
      };
    }

    it('are exact, in connections and in bytes', async () => {
      const { counted, tcp, http } = await play(30, () => Promise.resolve());
      expect(counted.tcp.cut + counted.tcp.refused + counted.http.cut).to.equal(0);
      expect(tcp).to.deep.equal({
        bytes_in: counted.tcp.sent,
        bytes_out: counted.tcp.received,
        total_connections: counted.tcp.connections,
      });
      expect(http.total_connections).to.equal(counted.http.connections);
      expect(counted.tcp.connections).to.be.above(200);
    });

    it('lack at most 0.5 % with reloads and a change of the node that has the VIP', async () => {
      const { counted, tcp } = await play(60, async () => {
        for (let index = 1; index <= 4; index += 1) {
          await sleep(5000);
          // Another limit is another file, so haproxy is reloaded.
          await made.put(`/listeners/${echo}`, { connection_limit: 500 + index });
        }
        await at().change('POST', `${made.path}/failover`);
      });
      const right = counted.tcp.sent + counted.tcp.received - counted.tcp.bytesOfCut;
      const found = tcp.bytes_in + tcp.bytes_out;
      expect(found).to.be.within(right * (1 - maxLost), right + counted.tcp.bytesOfCut);
      const connections = counted.tcp.connections;
      expect(tcp.total_connections).to.be.within(
        Math.floor((connections - counted.tcp.cut) * (1 - maxLost)),
        connections,
      );
    });

    it('add up to those of the load balancer', async () => {
      const [tcp, http] = await settled();
      const { loadbalancer } = await made.read<{ loadbalancer: Sums & { listeners: Sums[] } }>(
        '/stats',
      );
      expect(loadbalancer.total_connections).to.equal(
        tcp.total_connections + http.total_connections,
      );
      expect(loadbalancer.bytes_out).to.equal(tcp.bytes_out + http.bytes_out);
      expect(loadbalancer.listeners).to.have.length(2);
    });
  });
}

const difference = (before: Sums, after: Sums): Sums => ({
  bytes_in: after.bytes_in - before.bytes_in,
  bytes_out: after.bytes_out - before.bytes_out,
  total_connections: after.total_connections - before.total_connections,
});
