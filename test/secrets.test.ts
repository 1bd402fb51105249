import { expect } from 'chai';

import { maskArgv, maskText } from '../src/secrets.ts';

describe('secrets', () => {
  it('are masked in arguments, blanks and quotes included', () => {
    expect(
      maskArgv([
        'pcs',
        'stonith',
        'create',
        'ipmi',
        'fence_ipmilan',
        'ip=10.0.0.1',
        'passwd=a b"c',
        'ssh_key=k',
        'snmp_priv_passwd=x',
        '--password',
        'hunter2',
        '--token=t',
        'pcmk_host_list=n1',
      ]),
    ).to.deep.equal([
      'pcs',
      'stonith',
      'create',
      'ipmi',
      'fence_ipmilan',
      'ip=10.0.0.1',
      'passwd=********',
      'ssh_key=********',
      'snmp_priv_passwd=********',
      '--password',
      '********',
      '--token=********',
      'pcmk_host_list=n1',
    ]);
  });

  it('are masked in text', () => {
    expect(maskText('login password=hunter2 failed, passwd: "a b", key = c')).to.equal(
      'login password=******** failed, passwd: ********, key = ********',
    );
  });

  it('leave other words alone', () => {
    const text = 'monitor keyboard=us keys=3 interval=20s';
    expect(maskText(text)).to.equal(text);
    expect(maskArgv(text.split(' '))).to.deep.equal(text.split(' '));
  });
});
