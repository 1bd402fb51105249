import { once } from 'node:events';

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
  /** An app whose requests wait until the test answers them; the header `caller` says who asks. */
  function bench(max: number) {
    const underWay: Response[] = [];
    const app = express();
    app.use((incoming, response, next) => {
      response.locals['caller'] = { name: incoming.get('caller'), role: 'viewer' };
      next();
    });
    app.use(limitRequests(max));
    app.use((_request, response) => {
      underWay.push(response);
    });
    app.use(answerErrors(keepingLog().log, makeProblems(faults).answer));
    const ask = (caller: string) => request(app).get('/').set('caller', caller);
    return { ask, underWay };
  }

  it('is half as high for one caller, which leaves room for others', async () => {
    const { ask, underWay } = bench(4);
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
    const { ask, underWay } = bench(2);
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
});
