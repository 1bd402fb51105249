import { expect } from 'chai';
import fc from 'fast-check';

import { maskArgv, maskPairs, maskText, maskValues } from '../../../src/kit/secrets/masking.ts';

describe('secrets', () => {
  it('are masked in arguments, including their blanks and quotes', () => {
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

  it('are masked in name-value pairs of the CIB and of crm_mon, whatever else the values contain', () => {
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

  for (const name of [
    'pwd',
    'psk',
    'sshkey',
    'accesskey',
    'auth',
    'credentials',
    'pw',
    'bindpw',
    'db_pwd',
    'access_key',
    'secret_key',
    'authToken',
    'userPass',
    'pass-phrase',
    'snmp.community',
  ]) {
    it(`include a value with the name ${name}`, () => {
      expect(maskText(`${name}=x`)).to.equal(`${name}=********`);
      expect(maskArgv([`${name}=a b`, `--${name}`, 'x'])).to.deep.equal([
        `${name}=********`,
        `--${name}`,
        '********',
      ]);
      expect(maskPairs(`<nvpair name="${name}" value="x"/>`)).to.include('value="********"');
      expect(maskValues({ params: { [name]: 'x' } })).to.deep.equal({
        params: { [name]: '********' },
      });
    });
  }

  for (const name of ['passwd_script', 'token_file', 'keyboard', 'keys', 'snmp_auth_prot']) {
    it(`do not include a value with the name ${name}`, () => {
      const xml = `<nvpair name="${name}" value="x"/>`;
      expect(maskPairs(xml)).to.equal(xml);
      expect(maskText(`${name}=x`)).to.equal(`${name}=x`);
    });
  }

  for (const [what, xml, expected] of [
    [
      'a name with references',
      `<nvpair name="pass&#119;d" value="x"/>`,
      `<nvpair name="pass&#119;d" value="********"/>`,
    ],
    [
      'a pair in single quotes, value first',
      `<nvpair value='x' name='psk'/>`,
      `<nvpair value="********" name='psk'/>`,
    ],
    [
      'a pair in a comment',
      `<!-- <nvpair name="pw" value="x"/> -->`,
      `<!-- <nvpair name="pw" value="********"/> -->`,
    ],
    ['words in a comment', `<a/><!--password=x--><b/>`, `<a/><!--password=********--><b/>`],
    ['a section of text', `<a><![CDATA[pwd: x]]></a>`, `<a><![CDATA[pwd: ********]]></a>`],
    [
      'the password of a URL',
      `<recipient value="https://user:pw@host/"/>`,
      `<recipient value="https://user:********@host/"/>`,
    ],
    [
      'a value that contains quotes',
      `<nvpair name="options" value="password=&quot;a b&quot;"/>`,
      `<nvpair name="options" value="password=********"/>`,
    ],
    [
      'XML in a value',
      `<a b="&lt;nvpair name=&quot;pw&quot; value=&quot;x&quot;/&gt;"/>`,
      `<a b="&lt;nvpair name=&quot;pw&quot; value=********/&gt;"/>`,
    ],
    [
      'a pair that another refers to',
      `<nvpair id="a" name="b" value="x"/><nvpair id-ref="a" name="pw"/>`,
      `<nvpair id="a" name="b" value="********"/><nvpair id-ref="a" name="pw"/>`,
    ],
    [
      'a value that a rule compares',
      `<expression attribute="pw" operation="eq" value="x"/>`,
      `<expression attribute="pw" operation="eq" value="********"/>`,
    ],
    [
      'a parameter of an operation',
      `<op id="i"><instance_attributes><nvpair name="psk" value="x"/></instance_attributes></op>`,
      `<op id="i"><instance_attributes><nvpair name="psk" value="********"/></instance_attributes></op>`,
    ],
  ] as const) {
    it(`are masked in XML as ${what}`, () => {
      expect(maskPairs(xml)).to.equal(expected);
    });
  }

  for (const [what, text, expected] of [
    [
      'escaped quotes',
      String.raw`{\"pwd\": \"a b\", \"ip\": 1}`,
      String.raw`{\"pwd\": ********, \"ip\": 1}`,
    ],
    ['quotes in quotes', String.raw`{"pwd": "a\" b", "ip": 1}`, '{"pwd": ********, "ip": 1}'],
    ['quotes that are not closed', 'pwd="a b\nip=1', 'pwd=********\nip=1'],
    ['the header Authorization', 'Authorization: Bearer abc.def\n', 'Authorization: ********\n'],
    ['a piece of a tag', 'name="pwd" value="a b" x', 'name="pwd" value=******** x'],
    ['an assignment of another language', "'pwd' => 'a b',", "'pwd' => ********,"],
  ] as const) {
    it(`are masked in a text with ${what}`, () => {
      expect(maskText(text)).to.equal(expected);
    });
  }

  it('are masked in JSON even if name and value are separate fields', () => {
    expect(maskValues({ name: 'pw', value: 'x', n: [1, null, true] })).to.deep.equal({
      name: 'pw',
      value: '********',
      n: [1, null, true],
    });
    expect(maskValues({ credentials: { user: 'a', days: 3 } })).to.deep.equal({
      credentials: { user: '********', days: '********' },
    });
  });

  it('are reported to the caller without the mask', () => {
    const reported: string[] = [];
    const report = (value: string) => reported.push(value);
    maskPairs('<nvpair name="pw" value="a&amp;b"/><a b="pwd=&quot;c d&quot;"/>', report);
    maskValues({ psk: 5, text: 'pwd=e' }, report);
    maskArgv(['--pw', 'f', 'psk=g h'], report);
    expect(reported).to.deep.equal(['a&b', 'c d', '5', 'e', 'f', 'g h']);
  });

  it('do not change a document without secrets by a single byte', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...harmless)), (pieces) => {
        const xml = pieces.join('');
        expect(maskPairs(xml)).to.equal(xml);
        expect(maskText(xml)).to.equal(xml);
      }),
    );
  });

  it('do not include harmless words', () => {
    const text = 'monitor keyboard=us keys=3 interval=20s';
    expect(maskText(text)).to.equal(text);
    expect(maskArgv(text.split(' '))).to.deep.equal(text.split(' '));
  });
});

const harmless = [
  '<',
  '>',
  '"',
  "'",
  '&amp;',
  '&',
  '\\',
  '\n',
  ' ',
  '=',
  ':',
  '-',
  '--',
  '/',
  '@',
  '://',
  'ü',
  '\0',
  '<a',
  '<a b="c">',
  "<nvpair name='ip' value='1'/>",
  '</a>',
  '<!--',
  '-->',
  ']]>',
  'ip',
  'n1',
];
