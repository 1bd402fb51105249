import { expect } from 'chai';

import {
  instanceNamesOf,
  withEffectiveNopreempt,
  withKnownRoutes,
} from '../../../src/amphora/vrrp/instances.ts';

describe('the instances of a keepalived.conf', () => {
  it('are named in it', () => {
    const config = 'vrrp_script a {\n}\nvrrp_instance one {\n}\n  vrrp_instance two{\n}\n';
    expect(instanceNamesOf(config)).to.deep.equal(['one', 'two']);
  });

  it('begin as BACKUP if nopreempt is set, which would have no effect otherwise', () => {
    expect(withEffectiveNopreempt('vrrp_instance a {\n  state MASTER\n  nopreempt\n}\n')).to.equal(
      'vrrp_instance a {\n  state BACKUP\n  nopreempt\n}\n',
    );
  });

  it('have routes with the word of keepalived for a gateway', () => {
    const [before, after] = ['gateway', 'via'].map(
      (word) => `virtual_routes {\n  10.9.0.0/16 dev eth1 ${word} 10.1.0.254 onlink table 1\n}\n`,
    );
    expect(withKnownRoutes(before ?? '')).to.equal(after);
  });

  it('begin as they are written if nopreempt is not set', () => {
    const config =
      'vrrp_instance a {\n  state MASTER\n}\nvrrp_instance b {\n  state BACKUP\n  nopreempt\n}\n';
    expect(withEffectiveNopreempt(config)).to.equal(config);
  });
});
