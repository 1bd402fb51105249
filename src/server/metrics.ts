import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

import { servedBy } from './served-by.ts';

/** Seconds; a change that waits for the cluster takes minutes. */
const buckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120];

/**
 * Milliseconds between two samples of the event loop's delay. The default of 10 wakes an idle process a hundred times a
 * second, which is most of its CPU.
 */
const samplingMs = 500;

/** The metrics of this process for Prometheus. Each part of the agent adds its own to the registry. */
export interface Metrics {
  registry: Registry;
  /** Counts each request by its route once the answer is sent. */
  countRequests: RequestHandler;
}

/** @returns metrics of their own registry; two of them share nothing */
export function makeMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: samplingMs });
  const labelNames = ['family', 'method', 'route'] as const;
  const requests = new Counter({
    name: 'ha_agent_http_requests_total',
    help: 'Requests by route and status; unknown routes count as the route none.',
    labelNames: [...labelNames, 'status'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'ha_agent_http_request_seconds',
    help: 'Time from the headers of a request to the end of its answer.',
    labelNames,
    buckets,
    registers: [registry],
  });
  return {
    registry,
    countRequests(request, response, next) {
      const startedAt = performance.now();
      response.once('close', () => {
        // A path from a caller must not become a label, because the number of labels would be unlimited.
        const { family, route } = servedBy(response) ?? { family: 'none', route: 'none' };
        const method = route === 'none' ? 'none' : request.method;
        requests.inc({ family, method, route, status: response.statusCode });
        seconds.observe({ family, method, route }, (performance.now() - startedAt) / 1000);
      });
      next();
    },
  };
}
