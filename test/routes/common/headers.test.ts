import { expect } from 'chai';
import sinon from 'sinon';

import { ageHeader } from '../../../src/routes/common/headers.ts';

describe('an answer from an earlier reading', () => {
  before(() => {
    // The clock stands still until the answer.
    sinon.useFakeTimers({ toFake: ['performance'] });
  });
  after(() => {
    sinon.restore();
  });

  it('says how many seconds old the reading is, from one second on', () => {
    expect(ageHeader(performance.now() - 2500)).to.deep.equal({ Age: '2' });
    expect(ageHeader(performance.now() - 100)).to.deep.equal({});
  });
});
