import { expect } from 'chai';

import { decodeAcl, encodeAcl } from '../../src/parsers/posix-acl.ts';

// The list of a file of mode 0660 with users 3 (rw) and 5 (r) and group 7 (none). attributes.test.ts compares it with
// the kernel's.
const recorded =
  '0200000001000600ffffffff02000600030000000200040005000000040004' +
  '00ffffffff080000000700000010000600ffffffff20000000ffffffff';

describe('an access control list of the kernel', () => {
  it('is written back as it was read', () => {
    const bytes = Buffer.from(recorded, 'hex');
    const acl = decodeAcl(bytes);
    expect(acl).to.deep.equal({
      user: 6,
      users: [
        { id: 3, perms: 6 },
        { id: 5, perms: 4 },
      ],
      group: 4,
      groups: [{ id: 7, perms: 0 }],
      mask: 6,
      other: 0,
    });
    expect(acl && encodeAcl(acl).toString('hex')).to.equal(recorded);
  });

  it('has no mask if it names nobody and no mask was set', () => {
    const acl = { user: 7, users: [], group: 5, groups: [], mask: null, other: 0 };
    expect(decodeAcl(encodeAcl(acl))).to.deep.equal(acl);
  });

  it('has each id once, because the first entry counts for the kernel', () => {
    const twice = `${recorded.slice(0, 40)}0200020003000000${recorded.slice(40)}`;
    expect(decodeAcl(Buffer.from(twice, 'hex'))).to.deep.equal(
      decodeAcl(Buffer.from(recorded, 'hex')),
    );
  });

  it('is written in the order of its ids, as the kernel requires', () => {
    const users = [
      { id: 9, perms: 1 },
      { id: 2, perms: 2 },
    ];
    const acl = { user: 7, users, group: 5, groups: [], mask: 7, other: 0 };
    expect(decodeAcl(encodeAcl(acl))?.users.map(({ id }) => id)).to.deep.equal([2, 9]);
  });

  for (const [what, hex] of [
    ['an empty value', ''],
    ['another version', `03${recorded.slice(2)}`],
    ['half an entry', recorded.slice(0, -8)],
    ['a list without others', recorded.slice(0, -16)],
  ] as const) {
    it(`is not made from ${what}`, () => {
      expect(decodeAcl(Buffer.from(hex, 'hex'))).to.equal(undefined);
    });
  }
});
