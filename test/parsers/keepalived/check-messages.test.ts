import { expect } from 'chai';

import { readCheckMessages } from '../../../src/parsers/keepalived/check-messages.ts';

// The reports are those of keepalived 2.2.7 about the files beside them.
describe('the complaints of keepalived about a configuration', () => {
  const read = (report: string[], config = '') => readCheckMessages(report.join('\n'), config);

  it('leave out what it says of a configuration as the drivers write it', () => {
    const messages = read([
      '(a.conf: Line 20) Truncating auth_pass to 8 characters',
      "Script user 'keepalived_script' does not exist",
      'SECURITY VIOLATION - scripts are being executed but script_security not enabled.',
      '(8bd34ed4) Warning - nopreempt will not work with initial state MASTER - clearing',
      '',
    ]);
    expect(messages).to.deep.equal([]);
  });

  it('leave out what 2.1.5 to 2.3.3 say of configurations of LVS as the drivers write them', () => {
    const messages = read([
      'SECURITY VIOLATION - check scripts are being executed but script_security not enabled.',
      'Virtual server [ipv4-group]:0 has no real servers - ignoring',
      '(a.conf: Line 14) Virtual server [10.0.0.2]:sctp:80 has no real servers - ignoring',
      "(a.conf: Line 48) Address family of virtual server and real server 2001:db8::99 don't match - skipping real server.",
    ]);
    expect(messages).to.deep.equal([]);
  });

  it('name the line, and quote nothing', () => {
    const messages = read([
      "(a.conf: Line 20) Unknown keyword 's3cr3tpw'",
      "(Line 19) Unterminated quote 'auth_type \"s3cr3tpw'",
      "(a.conf: Line 11) (8bd34ed4): VRID 's3cr3tpw' not valid - must be between 1 & 255",
    ]);
    expect(messages).to.deep.equal([
      "line 20: Unknown keyword '…'",
      "line 19: Unterminated quote '…'",
      "line 11: (8bd34ed4): VRID '…' not valid - must be between 1 & 255",
    ]);
  });

  it('repeat no word of the file except the words of the language', () => {
    const config = 'virtual_routes {\n  10.0.0.0/24 dev eth1 src s3cr3tpw\n}\n';
    const messages = read(
      [
        '(a.conf: Line 2) VRRP parsed invalid IP s3cr3tpw. skipping IP...',
        '(a.conf: Line 2) invalid route src address s3cr3tpw',
        "(a.conf: Line 2) WARNING - interface eth1 for VROUTE nexthop doesn't exist",
      ],
      config,
    );
    expect(messages).to.deep.equal([
      'line 2: VRRP parsed invalid IP … skipping IP...',
      'line 2: invalid route src address …',
      "line 2: WARNING - interface … for VROUTE nexthop doesn't exist",
    ]);
  });

  it('are at most five, and each is there once', () => {
    const twice = [
      "There are 2 missing '}'s or extra '{'s",
      "There are 2 missing '}'s or extra '{'s",
    ];
    expect(read(twice)).to.have.length(1);
    const many = Array.from({ length: 9 }, (_each, at) => `(a.conf: Line ${at}) Unknown`);
    expect(read(many)).to.have.length(5);
  });
});
