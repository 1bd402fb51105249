import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect } from 'chai';
import express, { type Response } from 'express';
import request from 'supertest';

import { limitRequests } from '../../../src/server/middleware/limit-requests.ts';
import { workOn } from '../../../src/server/middleware/under-way.ts';
import { answerErrors } from '../../../src/server/middleware/answer-errors.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { makeProblems } from '../../../src/server/problem.ts';
import { waitUntil } from '../../lab/wait.ts';
import { keepingLog } from '../../support/keeping-log.ts';

describe('the limit of requests under way', () => {
  const servers: http.Server[] = [];

  after(() => {
    for (const each of servers) each.close();
  });

  /** An app whose requests wait until the test answers them; the header `caller` says who asks. */
  async function bench(max: number) {
    const underWay: Response[] = [];
    const app = express();
    app.use((incoming, response, next) => {
      response.locals['caller'] = { name: incoming.get('caller'), role: 'viewer' };
      next();
    });
    app.use(limitRequests(max));
    app.use((incoming, response) => {
      underWay.push(response);
      incoming.resume();
    });
    app.use(answerErrors(keepingLog().log, makeProblems(faults).answer));
    const server = app.listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const ask = (caller: string) => request(server).get('/').set('caller', caller);
    /** Sends the headers of an upload. */
    const begin = (caller: string) => {
      const { port } = server.address() as AddressInfo;
      const headers = { caller, 'Content-Length': 4 };
      const sent = http.request({ port, method: 'PUT', headers, agent: false });
      sent.on('error', () => undefined);
      sent.flushHeaders();
      return sent;
    };
    return { ask, begin, underWay };
  }

  it('is half as high for one caller, which leaves room for others', async () => {
    const { ask, underWay } = await bench(4);
    const first = [ask('a'), ask('a')].map((each) => each.then(({ status }) => status));
    await waitUntil('both', () => underWay.length === 2);
    const refused = await ask('a');
    expect([refused.status, refused.headers['retry-after']]).to.deep.equal([429, '5']);
    const others = [ask('b'), ask('c')].map((each) => each.then(({ status }) => status));
    await waitUntil('all', () => underWay.length === 4);
    expect((await ask('d')).status).to.equal(503);
    const closed = underWay.map((response) => once(response, 'close'));
    for (const response of underWay) response.end();
    expect(await Promise.all([...first, ...others])).to.deep.equal([200, 200, 200, 200]);
    await Promise.all(closed);
    const again = ask('a').then(({ status }) => status);
    await waitUntil('room again', () => underWay.length === 5);
    underWay[4]?.end();
    expect(await again).to.equal(200);
  });

  it('counts a request of a client that has gone until its work has ended', async () => {
    const { ask, underWay } = await bench(2);
    let endWork: (() => void) | undefined;
    const gone = ask('a');
    gone.catch(() => undefined);
    await waitUntil('the request', () => underWay.length === 1);
    const work = new Promise<void>((resolve) => (endWork = resolve));
    const [response] = underWay as [Response];
    void workOn(response, work);
    const closed = once(response, 'close');
    gone.abort();
    await closed;
    expect((await ask('a')).status).to.equal(429);
    endWork?.();
    const again = ask('a').then(({ status }) => status);
    await waitUntil('room again', () => underWay.length === 2);
    underWay[1]?.end();
    expect(await again).to.equal(200);
  });

  it('does not count a request whose body is still arriving', async () => {
    const { ask, begin, underWay } = await bench(2);
    const slow = [begin('a'), begin('a'), begin('a')];
    await waitUntil('their headers', () => underWay.length === 3);
    const other = ask('a').then(({ status }) => status);
    await waitUntil('the other', () => underWay.length === 4);
    const [response] = underWay.slice(3) as [Response];
    const closed = once(response, 'close');
    response.end();
    expect(await other).to.equal(200);
    await closed;
    slow[0]?.end('body');
    // The three came over connections of their own, in any order.
    await waitUntil('the whole body', () =>
      underWay.slice(0, 3).some(({ req }) => req.readableEnded),
    );
    expect((await ask('a')).status).to.equal(429);
    for (const each of slow) each.destroy();
  });
});
