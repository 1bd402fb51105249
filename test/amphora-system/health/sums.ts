import { expect } from 'chai';

import { problemsOf } from '../../amphora-bench/heartbeat/report.ts';
import { playRound, type RoundKind } from '../../amphora-bench/heartbeat/rounds.ts';
import { traffic } from '../balancer.ts';
import type { Bench } from '../bench.ts';
import type { Service } from '../service.ts';
import { startHealthManager } from './manager.ts';

/** A share of `npm run amphora:sums`, which has all kinds of disturbances and half an hour. */
export function describeSums(bench: Bench, service: () => Service): void {
  describe('the sum of the differences in heartbeats', () => {
    const play = async (kind: RoundKind, seconds: number) => {
      const lab = bench();
      const { driver, balancer } = service();
      const health = await startHealthManager(lab, driver);
      try {
        await health.define();
        const { tcp, http } = traffic.listeners;
        const parts = { lab, driver, health, balancer, lb: traffic.id, tcp, http };
        return await playRound(parts, kind, seconds);
      } finally {
        await health.close();
      }
    };

    it('is exactly what clients and haproxy have counted in a minute of traffic', async () => {
      const round = await play('calm', 60);
      expect(problemsOf(round)).to.deep.equal([]);
      expect(round.counted.tcp.connections).to.be.above(500);
      expect(round.counted.http.connections).to.be.above(300);
    });

    it('is at most an interval less for each reload, SIGKILL of the agent and restart of haproxy', async () => {
      const round = await play('all', 60);
      expect(problemsOf(round)).to.deep.equal([]);
      expect(round.events).to.be.above(2);
    });
  });
}
