import { expect } from 'chai';

import { roleAllows, roles } from '../../src/auth/roles.ts';

describe('a role', () => {
  it('allows what it and those before it allow', () => {
    const allowed = roles.map((role) => roles.filter((needed) => roleAllows(role, needed)));
    expect(allowed).to.deep.equal([
      ['viewer'],
      ['viewer', 'operator'],
      ['viewer', 'operator', 'admin'],
    ]);
  });
});
