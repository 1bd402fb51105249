import { expect } from 'chai';
import request from 'supertest';

import { Fault, type FaultCode } from '../../../src/kit/fault.ts';
import type { NodeDomain, OrderRequest } from '../../../src/node/node.ts';
import examples from '../../../src/routes/node/examples.json' with { type: 'json' };
import { makeNodeApp, nodeBase, nodeFamily } from '../../../src/routes/node/index.ts';
import { unrecordedChanges } from '../../support/amphora/stand-in.ts';
import { answerCheck } from '../../support/answer-check.ts';
import { keepingLog } from '../../support/keeping-log.ts';

const facts = examples['GET /'].body;
const report = examples['GET /keepalived'].body;
const ordered = examples['PUT /keepalived'].request;

describe('the routes of a node', () => {
  let asked: unknown[];
  let domain: NodeDomain;
  beforeEach(() => {
    asked = [];
    const called = (what: unknown) => {
      asked.push(what);
      return Promise.resolve();
    };
    domain = {
      facts: () =>
        Promise.resolve({
          ...facts,
          interfaces: facts.interfaces.map(({ is_up: isUp, ...each }) => ({ ...each, isUp })),
        }),
      order: async (body: OrderRequest) => {
        await called(body);
        return ordered.orders;
      },
      report: async (after) => {
        await called(after);
        return report as never;
      },
      async probe(body) {
        await called(body);
        return examples['POST /address-probe'].body.used;
      },
      requestCertificate: () => Promise.resolve(examples['POST /certificate-request'].body.request),
      certify: called,
      leave: called,
      adopt: () => Promise.resolve(null),
    };
  });

  const parts = () => ({ domain, changes: unrecordedChanges, log: keepingLog().log });
  const ask = async (method: 'get' | 'put' | 'post', path: string, body?: object) => {
    const answer = await request(makeNodeApp(parts()))[method](`${nodeBase}${path}`).send(body);
    answerCheck([nodeFamily(parts())]).check({
      method: method.toUpperCase(),
      url: `${nodeBase}${path}`,
      status: answer.status,
      type: answer.type,
      text: answer.text,
    });
    return { status: answer.status, body: answer.body as unknown };
  };

  it('answer as in their examples', async () => {
    for (const [name, example] of Object.entries(examples)) {
      const [method = '', path = ''] = name.split(' ');
      const sent = 'request' in example ? example.request : undefined;
      const answer = await ask(method.toLowerCase() as 'get', path, sent);
      expect(answer, name).to.deep.equal({ status: example.status, body: example.body });
    }
  });

  it('wait for a report only if its boot is named', async () => {
    await ask('get', '/keepalived?after=4&boot=b');
    await ask('get', '/keepalived?after=4');
    await ask('get', '/keepalived');
    expect(asked).to.deep.equal([{ sequence: 4, boot: 'b' }, undefined, undefined]);
  });

  it('refuse fields that are missing, unknown or none', async () => {
    const wrong: [method: 'get' | 'put' | 'post', path: string, body?: object][] = [
      ['get', '/keepalived?after=-1&boot=b'],
      ['get', '/keepalived?after=x&boot=b'],
      ['put', '/keepalived', {}],
      ['put', '/keepalived', { orders: ordered.orders, wanted: ordered.wanted }],
      ['put', '/certificate', { certificate: 'x', authority: 'y' }],
      ['put', '/certificate', { certificate: 1, authority: 2 }],
      ['post', '/leave', {}],
      ['post', '/address-probe', { interface: 'eth1' }],
    ];
    for (const [method, path, body] of wrong) {
      const answer = await ask(method, path, body);
      expect(answer.status, path).to.equal(400);
      expect(answer.body).to.include({ code: 'invalid_request' });
    }
    expect(asked).to.deep.equal([]);
  });

  const faults: [code: FaultCode, status: number][] = [
    ['invalid_request', 400],
    ['node_configuration_refused', 400],
    ['node_orders_foreign', 409],
    ['node_orders_stale', 409],
    ['node_keepalived_configured', 409],
    ['node_not_applied', 500],
    ['tool_missing', 503],
    ['tool_timeout', 503],
    ['no_space', 507],
    ['stopping', 503],
  ];
  for (const [code, status] of faults) {
    it(`answer ${code} with ${status}, its code and a sentence`, async () => {
      domain = { ...domain, order: () => Promise.reject(new Fault(code, 'It is so.')) };
      expect(await ask('put', '/keepalived', ordered)).to.deep.equal({
        status,
        body: { code, detail: 'It is so.' },
      });
    });
  }

  it('name a path that is not there', async () => {
    const answer = await request(makeNodeApp(parts())).get('/elsewhere');
    expect(answer.status).to.equal(404);
    expect(answer.body).to.include({ code: 'route_not_found' });
  });
});
