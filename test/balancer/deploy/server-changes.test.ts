import { expect } from 'chai';

import { serverChanges } from '../../../src/balancer/deploy/server-changes.ts';
import { readDriverConfig } from '../../../src/parsers/haproxy/driver-config.ts';

const file = (...servers: string[]) =>
  ['global', 'backend p:l', ...servers.map((each) => `    server ${each}`), ''].join('\n');

describe('the differences of two files of haproxy', () => {
  it('are changes of members if only weights and states differ', () => {
    const before = file('a 192.0.2.1:80 weight 1 check', 'b 192.0.2.2:80 weight 2 disabled');
    const after = file('a 192.0.2.1:80 weight 0 check', 'b 192.0.2.2:80 weight 2');
    expect(serverChanges(before, after)).to.deep.equal([
      { backend: 'p:l', server: 'a', weight: 0, is_enabled: true },
      { backend: 'p:l', server: 'b', weight: 2, is_enabled: true },
    ]);
    expect(serverChanges(before, before)).to.deep.equal([]);
  });

  it('need a reload if anything else differs', () => {
    const before = file('a 192.0.2.1:80 weight 1 check');
    for (const after of [
      file('a 192.0.2.1:81 weight 2 check'),
      file('a 192.0.2.1:80 weight 2'),
      file('b 192.0.2.1:80 weight 2 check'),
      file('a 192.0.2.1:80 weight x check'),
      file('a 192.0.2.1:80 weight 1 check', 'b 192.0.2.2:80 weight 1'),
      before.replace('global', 'defaults'),
      before.replace('p:l', 'q:l'),
    ]) {
      expect(serverChanges(before, after)).to.equal(undefined);
    }
  });

  it('may be comments, which agents accept after the file of a driver', () => {
    const place = { base: '/b', certificates: '/b/certs', id: 'lb' };
    const comment = `# certificate secret-a.pem ${'0'.repeat(32)}\n`;
    expect(
      readDriverConfig(`global\n    user nobody\ndefaults\n    retries 3\n${comment}`, place)
        .problems,
    ).to.deep.equal([]);
  });
});
