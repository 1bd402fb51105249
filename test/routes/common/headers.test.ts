import { expect } from 'chai';
import sinon from 'sinon';

import { ageHeader } from '../../../src/routes/common/headers.ts';

describe('an answer of what was read before', () => {
  before(() => {
    // No time passes until the answer.
    sinon.useFakeTimers({ toFake: ['performance'] });
  });
  after(() => {
    sinon.restore();
  });

  it('says how many seconds ago, once it is more than one', () => {
    expect(ageHeader(performance.now() - 2500)).to.deep.equal({ Age: '2' });
    expect(ageHeader(performance.now() - 100)).to.deep.equal({});
  });
});
