import { expect } from 'chai';
import express from 'express';
import sinon from 'sinon';
import request from 'supertest';

import { answerAsOf } from '../../../src/routes/ha/answer.ts';

describe('an answer of what was read before', () => {
  before(() => {
    // No time passes until the answer.
    sinon.useFakeTimers({ toFake: ['performance'] });
  });
  after(() => {
    sinon.restore();
  });

  const askedAfter = (ms: number) => {
    const app = express();
    app.get('/', (_request, response) => {
      answerAsOf(response, performance.now() - ms, {});
    });
    return request(app).get('/');
  };

  it('says how many seconds ago, once it is more than one', async () => {
    expect((await askedAfter(2500)).headers).to.include({ age: '2' });
    expect((await askedAfter(100)).headers).not.to.have.property('age');
  });
});
