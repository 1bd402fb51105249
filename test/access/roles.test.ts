import { expect } from 'chai';

import { roleAllows, roles } from '../../src/access/roles.ts';

describe('a role', () => {
  it('allows what it and the lower roles allow', () => {
    const allowed = roles.map((role) => roles.filter((needed) => roleAllows(role, needed)));
    expect(allowed).to.deep.equal([
      ['monitor'],
      ['monitor', 'viewer'],
      ['monitor', 'viewer', 'operator'],
      ['monitor', 'viewer', 'operator', 'admin'],
    ]);
  });
});
