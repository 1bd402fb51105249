import { expect } from 'chai';

import { maskArgv, maskPairs, maskText } from '../src/secrets.ts';

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

  it('are masked as pcs, fence agents, JSON and the CIB write them', () => {
    expect(
      maskArgv(['pcs', 'host', 'auth', 'n1', '-u', 'hacluster', '-p', 'hunter2']),
    ).to.include.members(['-u', 'hacluster', '-p', '********']);
    expect(maskText('fence_x --passwd hunter2 --ip a')).to.equal(
      'fence_x --passwd ******** --ip a',
    );
    expect(maskText('{"passwd": "hunter2", "ip": "a"}')).to.equal(
      '{"passwd": ********, "ip": "a"}',
    );
    expect(maskText('<nvpair id="i" name="passwd" value="hunter 2"/>')).to.equal(
      '<nvpair id="i" name="passwd" value=********/>',
    );
  });

  it('are masked in the pairs of the CIB and of crm_mon, whatever else their values hold', () => {
    for (const name of ['passwd', 'apikey', 'community', 'hexadecimal_kg', 'test_pass']) {
      expect(maskPairs(`<nvpair id="i" name="${name}" value="x"/>`)).to.equal(
        `<nvpair id="i" name="${name}" value="********"/>`,
      );
    }
    expect(maskPairs(`<nvpair value='a>b"c' name='passwd' id="i"/>`)).to.equal(
      `<nvpair value="********" name='passwd' id="i"/>`,
    );
    expect(maskPairs('<attribute name="bmc_password" value="x" expected="1"/>')).to.equal(
      '<attribute name="bmc_password" value="********" expected="1"/>',
    );
    expect(maskPairs('<nvpair name="options" value="username=a,password=b"/>')).to.equal(
      '<nvpair name="options" value="username=a,password=********"/>',
    );
    const harmless = '<nvpair id="i" name="pcmk_host_map" value="n1:1;n2:2"/>';
    expect(maskPairs(harmless)).to.equal(harmless);
  });

  it('cost no more than the text is long', () => {
    /** Milliseconds of this process's own, the least of three: others may need the machine meanwhile. */
    const cost = (text: string) => {
      const runs = [1, 2, 3].map(() => {
        const before = process.cpuUsage();
        maskText(text);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      });
      return Math.min(...runs);
    };
    cost('a-'.repeat(1000));
    // A square would be a hundred times as much.
    expect(cost('a-'.repeat(100_000))).to.be.below(30 * Math.max(cost('a-'.repeat(10_000)), 5));
  });

  it('leave other words alone', () => {
    const text = 'monitor keyboard=us keys=3 interval=20s';
    expect(maskText(text)).to.equal(text);
    expect(maskArgv(text.split(' '))).to.deep.equal(text.split(' '));
  });
});
