import { expect } from 'chai';

import { makeConfirmations } from '../../src/changes/confirmations.ts';

describe('confirmations', () => {
  function bench() {
    const clock = { ms: 0 };
    return { clock, confirmations: makeConfirmations(true, () => clock.ms) };
  }

  it('accept a token once', () => {
    const { confirmations } = bench();
    const token = confirmations.issue('ui', 'GET destroy');
    expect(confirmations.redeem(token, 'ui', 'GET destroy')).to.equal(true);
    expect(confirmations.redeem(token, 'ui', 'GET destroy')).to.equal(false);
  });

  it('accept a token only from its caller and for its request, and no wrong attempt spends it', () => {
    const { confirmations } = bench();
    const token = confirmations.issue('ui', 'GET destroy');
    expect(confirmations.redeem(token, 'other', 'GET destroy')).to.equal(false);
    expect(confirmations.redeem(token, 'ui', 'POST reset_all')).to.equal(false);
    expect(confirmations.redeem('made up', 'ui', 'GET destroy')).to.equal(false);
    expect(confirmations.redeem(token, 'ui', 'GET destroy')).to.equal(true);
  });

  it('accept a token for one minute', () => {
    const { confirmations, clock } = bench();
    const [inTime, late] = [confirmations.issue('ui', 'a'), confirmations.issue('ui', 'a')];
    clock.ms = 59_999;
    expect(confirmations.redeem(inTime, 'ui', 'a')).to.equal(true);
    clock.ms = 60_000;
    expect(confirmations.redeem(late, 'ui', 'a')).to.equal(false);
  });

  it('issue random tokens, and forget the oldest beyond a thousand', () => {
    const { confirmations } = bench();
    const tokens = Array.from({ length: 1001 }, () => confirmations.issue('ui', 'a'));
    expect(new Set(tokens).size).to.equal(1001);
    expect(tokens.every((token) => /^[0-9a-f]{32}$/.test(token))).to.equal(true);
    expect(confirmations.redeem(tokens[0] ?? '', 'ui', 'a')).to.equal(false);
    expect(confirmations.redeem(tokens[1] ?? '', 'ui', 'a')).to.equal(true);
  });
});
