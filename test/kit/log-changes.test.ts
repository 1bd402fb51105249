import { expect } from 'chai';

import { makeChangeDetector } from '../../src/kit/log-changes.ts';

describe('a detector of changed states', () => {
  it('reports each change of a subject once', () => {
    const hasChanged = makeChangeDetector();
    expect(hasChanged('a', undefined)).to.equal(false);
    expect(hasChanged('a', 'failing')).to.equal(true);
    expect(hasChanged('a', 'failing')).to.equal(false);
    expect(hasChanged('b', 'failing')).to.equal(true);
    expect(hasChanged('a', undefined)).to.equal(true);
    expect(hasChanged('a', 'failing')).to.equal(true);
  });

  it('forgets all subjects when there are too many', () => {
    const hasChanged = makeChangeDetector(2);
    for (const subject of ['a', 'b', 'c']) hasChanged(subject, 'failing');
    expect(hasChanged('c', 'failing')).to.equal(false);
    expect(hasChanged('a', 'failing')).to.equal(true);
  });
});
