import { expect } from 'chai';

import type { OperatorAnswer } from '../../support/balancer/operator-bench.ts';
import { type OperatorHost, operatorHost } from '../../support/balancer/operator-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const vip = { network_id: '6e000000-0000-4000-8000-000000000001' };
const fifty = Array.from({ length: 50 }, (_each, at) => at);

describe('clients of the operator API', () => {
  const folder = temporaryFolder();
  let bench: OperatorHost;

  beforeEach(async () => {
    bench = await operatorHost(folder.path);
  });
  afterEach(() => bench.stop());

  const portsOf = async (lb: string) => {
    const { body } = await bench.ask('get', `${lb}/listeners`);
    const ports = (body as unknown as { protocol_port: number }[]).map(
      (each) => each.protocol_port,
    );
    return ports.sort((one, other) => one - other);
  };
  const add = (lb: string, at: number, headers = {}) =>
    bench.ask('post', `${lb}/listeners`, { protocol: 'TCP', protocol_port: 1000 + at }, headers);
  const settle = (lb: string) =>
    bench.host.domain.loadBalancers.settled(lb.split('/').at(-1) ?? '', 200_000);
  const portOf = (at: number) => 1000 + at;

  it('change one load balancer as often as they are told so, and are refused in the documented words', async () => {
    const lb = await bench.balancer();
    const accepted: number[] = [];
    const client = async (at: number) => {
      const answer = await add(lb, at);
      if (answer.status === 202) {
        accepted.push(at);
        return;
      }
      expect(answer.status, answer.text).to.equal(409);
      expect(answer.body).to.deep.equal({
        faultcode: 'Client',
        faultstring: `Load Balancer ${lb.split('/').at(-1) ?? ''} is immutable and cannot be updated.`,
        debuginfo: null,
      });
    };
    await Promise.all(fifty.map(client));
    expect(await settle(lb)).to.equal(true);
    expect(accepted.length).to.be.within(1, 49);
    const inOrder = accepted.sort((one, other) => one - other).map(portOf);
    expect(await portsOf(lb)).to.deep.equal(inOrder);
  });

  it('lose and double nothing when each tries until it is accepted', async () => {
    const lb = await bench.balancer();
    const client = async (at: number) => {
      for (;;) {
        const { status } = await add(lb, at);
        if (status === 202) return;
        expect(status).to.equal(409);
        await settle(lb);
      }
    };
    await Promise.all(fifty.map(client));
    expect(await settle(lb)).to.equal(true);
    expect(await portsOf(lb)).to.deep.equal(fifty.map(portOf));
  });

  it('that queue are all accepted, one after another', async () => {
    const lb = await bench.balancer();
    const answers = await Promise.all(fifty.map((at) => add(lb, at, { Prefer: 'queue' })));
    expect(answers.filter(({ status }) => status !== 202)).to.deep.equal([]);
    expect(await settle(lb)).to.equal(true);
    expect(await portsOf(lb)).to.deep.equal(fifty.map(portOf));
  });

  it('change 50 load balancers at the same time without a conflict', async () => {
    const made = await Promise.all(
      fifty.map(() => bench.change('post', '/loadbalancers?wait=30s', { vip, tenant_id: 'blue' })),
    );
    const paths = made.map(({ body }) => `/loadbalancers/${body.id}`);
    expect(new Set(made.map(({ body }) => JSON.stringify(body['vip']))).size).to.equal(50);
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(paths.map((lb) => add(lb, round)));
      expect(answers.filter(({ status }) => status !== 202)).to.deep.equal([]);
      await Promise.all(paths.map(settle));
    }
    for (const lb of paths) expect(await portsOf(lb)).to.deep.equal([1000, 1001, 1002]);
  });

  it('meet a quota exactly when 20 of them create at the same time', async () => {
    const quota = { load_balancer: 7, listener: 5, pool: 3, member: 4, health_monitor: 2 };
    await bench.change('put', '/quotas/blue', { quota });
    const twenty = fifty.slice(0, 20);
    const outcome = (answers: readonly OperatorAnswer[], kind: string) => {
      const refused = answers.filter(({ status }) => status !== 202);
      for (const { status, body } of refused) {
        expect(status).to.equal(403);
        expect(body.faultstring).to.equal(`Quota has been met for resources: ${kind}`);
      }
      return answers.length - refused.length;
    };
    const balancers = await Promise.all(
      twenty.map(() => bench.ask('post', '/loadbalancers?wait=30s', { vip, tenant_id: 'blue' })),
    );
    expect(outcome(balancers, 'Load Balancer')).to.equal(7);
    const made = balancers.filter(({ status }) => status === 202);
    const paths = made.map(({ body }) => `/loadbalancers/${body.id}`);
    // Each waits for its turn, so that only the quota can refuse it.
    const headers = { Prefer: 'queue' };
    const create = (below: string, body: (at: number) => object) =>
      Promise.all(
        twenty.map((at) => {
          const lb = paths[at % paths.length] ?? '';
          return bench.ask('post', `${lb}${below}?wait=30s`, body(at), headers);
        }),
      );
    const listeners = await create('/listeners', (at) => ({
      protocol: 'TCP',
      protocol_port: portOf(at),
    }));
    expect(outcome(listeners, 'Listener')).to.equal(5);
    const ofPool = { protocol: 'TCP', lb_algorithm: 'ROUND_ROBIN' };
    const pools = await create('/pools', () => ofPool);
    expect(outcome(pools, 'Pool')).to.equal(3);
    const at = pools.findIndex(({ status }) => status === 202);
    const pool = `${paths[at % paths.length] ?? ''}/pools/${pools[at]?.body.id ?? ''}`;
    const members = await Promise.all(
      twenty.map((host) =>
        bench.ask(
          'post',
          `${pool}/members?wait=30s`,
          { ip_address: `10.0.0.${host + 1}`, protocol_port: 80 },
          headers,
        ),
      ),
    );
    expect(outcome(members, 'Member')).to.equal(4);
  });
});
