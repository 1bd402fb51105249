import { expect } from 'chai';
import request from 'supertest';

import { Fault } from '../../../src/kit/fault.ts';
import { amphoraFamily } from '../../../src/routes/amphora/index.ts';
import { makeApp } from '../../../src/server/table/serve.ts';
import {
  certificateOf,
  standInDomain,
  type StandIn,
  unrecordedChanges,
} from '../../support/amphora/stand-in.ts';
import { keepingLog } from '../../support/keeping-log.ts';

const path = '/1.0/loadbalancer/lb-1/servers';
const member = { backend: 'pool:listener', server: 'member' };

function serve(results: StandIn = {}) {
  const { domain, calls } = standInDomain(results);
  const { log } = keepingLog();
  const family = amphoraFamily({ domain, changes: unrecordedChanges, log });
  const before = [certificateOf({ CN: 'controller' })];
  return { calls, app: makeApp({ log, families: [family], before, elsewhere: family }) };
}

describe('PUT /1.0/loadbalancer/:id/servers', () => {
  it('sets weights and states, and answers for each member that it is set', async () => {
    const { app, calls } = serve();
    const servers = [
      { ...member, weight: 0 },
      { ...member, server: 'other', is_enabled: false },
      { ...member, weight: 256, is_enabled: true },
    ];
    const { status, body } = await request(app).put(path).send({ servers });
    expect(status).to.equal(200);
    expect(body).to.deep.equal({
      servers: [
        { ...member, is_set: true },
        { ...member, server: 'other', is_set: true },
        { ...member, is_set: true },
      ],
    });
    expect(calls).to.deep.equal([
      [
        'setServers',
        { kind: 'loadbalancer', id: 'lb-1' },
        [
          { ...member, weight: 0, isEnabled: undefined },
          { ...member, server: 'other', weight: undefined, isEnabled: false },
          { ...member, weight: 256, isEnabled: true },
        ],
      ],
    ]);
  });

  it("answers with haproxy's words what haproxy has refused", async () => {
    const { app } = serve({ refusal: 'No such server.' });
    const { status, body } = await request(app)
      .put(path)
      .send({ servers: [{ ...member, weight: 1 }] });
    expect(status).to.equal(200);
    expect(body).to.deep.equal({
      servers: [{ ...member, is_set: false, reason: 'No such server.' }],
    });
  });

  it('is 503 if haproxy does not answer, and 404 without such a load balancer', async () => {
    const faults = { haproxy_unresponsive: 503, loadbalancer_not_found: 404 } as const;
    for (const [code, expected] of Object.entries(faults)) {
      const fault = new Fault(code as keyof typeof faults, 'Do this next.');
      const { status, body } = await request(serve({ fault }).app)
        .put(path)
        .send({ servers: [{ ...member, weight: 1 }] });
      expect(status).to.equal(expected);
      expect(body).to.include({ code, details: 'Do this next.' });
    }
  });

  const wrong: Readonly<Record<string, unknown>> = {
    'no list': {},
    'an object': { servers: {} },
    'an empty list': { servers: [] },
    'more than 256 members': {
      servers: Array.from({ length: 257 }, () => ({ ...member, weight: 1 })),
    },
    'a member with nothing to set': { servers: [member] },
    'an unknown key': { servers: [{ ...member, weight: 1, state: 'drain' }] },
    'a member without a backend': { servers: [{ server: 'member', weight: 1 }] },
    'null as a member': { servers: [null] },
    'a weight of 257': { servers: [{ ...member, weight: 257 }] },
    'a weight of -1': { servers: [{ ...member, weight: -1 }] },
    'a weight of 1.5': { servers: [{ ...member, weight: 1.5 }] },
    'a weight as a text': { servers: [{ ...member, weight: '1' }] },
    'null as a weight': { servers: [{ ...member, weight: null }] },
    'a state as a text': { servers: [{ ...member, is_enabled: 'true' }] },
    'a semicolon in a name': { servers: [{ ...member, server: 'a; @1 shutdown', weight: 1 }] },
    'a blank in a name': { servers: [{ ...member, server: 'a weight', weight: 1 }] },
    'a line feed in a name': { servers: [{ ...member, server: 'a\n', weight: 1 }] },
    'a slash in a backend': { servers: [{ ...member, backend: 'a/b', weight: 1 }] },
    'two colons in a backend': { servers: [{ ...member, backend: 'a:b:c', weight: 1 }] },
  };
  for (const [what, body] of Object.entries(wrong)) {
    it(`refuses ${what} with 400, and sets nothing`, async () => {
      const { app, calls } = serve();
      const { status } = await request(app)
        .put(path)
        .send(body as object);
      expect([status, calls]).to.deep.equal([400, []]);
    });
  }
});
