import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { makeMetrics } from '../../src/server/metrics.ts';

describe('the metrics of a process', () => {
  it('wake it up a few times a second at most', async () => {
    const { registry } = makeMetrics();
    // The shortest delay that is recorded is the time between two samples. Each reading begins again.
    let shortest = Infinity;
    while (!(shortest < 10)) {
      await sleep(2000);
      const text = await registry.metrics();
      shortest = Number(/^nodejs_eventloop_lag_min_seconds (\S+)$/m.exec(text)?.[1]);
    }
    expect(shortest).to.be.greaterThan(0.05);
  });
});
