import { expect } from 'chai';

import { makeKnownSecrets, maskOccurrences } from '../../../src/kit/secrets/known-secrets.ts';
import { expectLinear } from '../../support/growth.ts';

describe('known secrets', () => {
  const known = (...values: readonly string[]) => {
    const secrets = makeKnownSecrets();
    secrets.ofCib(values);
    return secrets;
  };

  it('are masked in a text, even as XML and JSON write them', () => {
    const { maskText } = known('hunter2', 'a<b>"c"&d');
    expect(maskText("login with hunter2 failed: 'hunter2'")).to.equal(
      "login with ******** failed: '********'",
    );
    expect(maskText('value="a&lt;b&gt;&quot;c&quot;&amp;d"')).to.equal('value="********"');
    expect(maskText(String.raw`{"x":"a<b>\"c\"&d"}`)).to.equal('{"x":"********"}');
  });

  it('are masked in values of JSON, but not in names of fields', () => {
    const json = { outcome: ['x outcome', { n: 1, on: true, none: null }] };
    expect(known('outcome').maskJson(json)).to.deep.equal({
      outcome: ['x ********', { n: 1, on: true, none: null }],
    });
  });

  it('are masked in XML, but not in names of elements and attributes', () => {
    const xml = '<blocked blocked="blocked">blocked</blocked>';
    expect(known('blocked').maskXml(xml)).to.equal(
      '<blocked blocked="********">********</blocked>',
    );
  });

  for (const [what, value] of [
    ['is shorter than six characters', 'abcde'],
    ['is a number of fewer than nine digits', '12345678'],
    ["is one of the cluster's own terms", 'Started'],
  ] as const) {
    it(`are not masked if the value ${what}`, () => {
      expect(known(value).maskText(`x ${value} y`)).to.equal(`x ${value} y`);
    });
  }

  it('are not masked in a longer word', () => {
    const { maskText } = known('hunter');
    expect(maskText('hunters, xhunter, hunter2 and hunter-2')).to.equal(
      'hunters, xhunter, hunter2 and ********-2',
    );
  });

  it('are masked as a whole even if several have the same beginning', () => {
    const { maskText } = known('secret-1', 'secret-12', 'secret-123 4');
    expect(maskText('secret-12,secret-1,secret-123 4,secret-9')).to.equal(
      '********,********,********,secret-9',
    );
  });

  it('are masked as a whole even if they have many lines', () => {
    const key = `-----BEGIN KEY-----\n${'QUJD'.repeat(1000)}\n-----END KEY-----`;
    expect(known(key).maskText(`x ${key} y`)).to.equal('x ******** y');
    expect(known(key).maskJson({ key })).to.deep.equal({ key: '********' });
  });

  it('include the secrets of a request until it is answered', () => {
    const secrets = known('of-the-cib');
    const release = secrets.hold(['of-a-request']);
    expect(secrets.maskText('of-the-cib of-a-request')).to.equal('******** ********');
    release();
    expect(secrets.maskText('of-the-cib of-a-request')).to.equal('******** of-a-request');
  });

  it('include the secrets of the current and the previous CIB, but none of earlier ones', () => {
    const secrets = known('the-first');
    secrets.ofCib(['the-second']);
    secrets.ofCib(['the-second']);
    expect(secrets.maskText('the-first the-second')).to.equal('******** ********');
    secrets.ofCib(['the-third']);
    expect(secrets.maskText('the-first the-second')).to.equal('the-first ********');
  });

  it('are masked in linear time', function () {
    this.timeout(600_000);
    const alike = Array.from(
      { length: 5000 },
      (_, index) => `-!-!-!-${'!-'.repeat(index % 99)}${index}`,
    );
    const long = '-!'.repeat(5000);
    for (const values of [alike, [...alike, long], ['a'.repeat(10_000)], ['-'.repeat(9) + 'a']]) {
      for (const evil of ['-!', '!', 'a', '-', ' a', '-a', 'aaaaaa ', '<']) {
        const make = (length: number) => evil.repeat(length / evil.length);
        expectLinear((text) => maskOccurrences(text, values), make);
      }
    }
  });
});
