import { expect } from 'chai';

import { makeTestBalancer, type TestBalancer, type TestBalancerOptions } from './domain.ts';
import {
  type Method,
  type OperatorAnswer,
  operatorBench,
  type OperatorBench,
} from './operator-bench.ts';

/** The routes of the operator API over a real domain. */
export interface OperatorHost extends OperatorBench {
  host: TestBalancer;
  /** Sends a change that must be accepted, as an administrator or with other headers. */
  change: (
    method: Method,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<OperatorAnswer>;
  /** Makes an ACTIVE load balancer. @returns its path below /v1 */
  balancer: (given?: object) => Promise<string>;
}

export const networkOfHost = '6e000000-0000-4000-8000-000000000001';

export async function operatorHost(
  folder: string,
  options?: TestBalancerOptions,
): Promise<OperatorHost> {
  const host = await makeTestBalancer(folder, options);
  const bench = await operatorBench(host.domain);
  const change: OperatorHost['change'] = async (...request) => {
    const answer = await bench.ask(...request);
    expect(answer.status, `${request[0]} ${request[1]}: ${answer.text}`).to.be.oneOf([200, 202]);
    return answer;
  };
  return {
    ...bench,
    host,
    change,
    async balancer(given = {}) {
      const vip = { network_id: networkOfHost };
      const sent = { vip, tenant_id: 'blue', ...given };
      const { body } = await change('post', '/loadbalancers?wait=30s', sent);
      expect(body['provisioning_status']).to.equal('ACTIVE');
      return `/loadbalancers/${body.id}`;
    },
    async stop() {
      await bench.stop();
      await host.stop();
    },
  };
}
