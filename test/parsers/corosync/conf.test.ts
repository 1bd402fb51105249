import { expect } from 'chai';
import fc from 'fast-check';

import { corosyncConfAsJson } from '../../../src/routes/ha/documents/corosync-conf.ts';
import {
  corosyncSetting,
  locateCorosyncConf,
  loggingToStderrAlone,
  parseCorosyncConf,
  writeCorosyncConf,
} from '../../../src/parsers/corosync/conf.ts';
import { anyConf, anyConfText, expectInvalid } from '../../support/corosync-confs.ts';

const json = (text: string) => corosyncConfAsJson(parseCorosyncConf(text));

describe('corosync.conf', () => {
  describe('is read as corosync reads it:', () => {
    for (const [what, text, expected] of [
      ['nothing', '', {}],
      ['comments and blank lines', '# a {\n\n \t# b: c\n', {}],
      ['blanks and tabs around', '\ttotem  {\n  a:\tb c \t\n\t}', { totem: { a: 'b c' } }],
      ['no blank after the colon', 'totem {\na:b\n}', { totem: { a: 'b' } }],
      ['lines from Windows', 'totem {\r\n a: b\r\n}\r\n', { totem: { a: 'b' } }],
      ['an empty value', 'totem {\na:\nb: \n}', { totem: { a: '', b: '' } }],
      ['colons in a value', 'totem {\na:: b : c\n}', { totem: { a: ': b : c' } }],
      ['a hash in a value', 'totem {\na: b # c\n}', { totem: { a: 'b # c' } }],
      ['a closing brace in a value', 'totem {\na: }\nb: c}\n}', { totem: { a: '}', b: 'c}' } }],
      ['a section with a colon', 'totem: {\na: b\n}', { totem: { a: 'b' } }],
      ['a setting outside of any section', 'abc: d\n', { abc: 'd' }],
      ['sections in sections', 'a {\nb {\nc {\nd: e\n}\n}\n}', { a: { b: { c: { d: 'e' } } } }],
      ['no line break at the end', 'a {\n}', { a: {} }],
    ] as const) {
      it(what, () => {
        expect(json(text)).to.deep.equal(expected);
      });
    }

    it('syntax that corosync has refused since 3.1, in the way of older versions', () => {
      expect(json('a { b: c\nd: e\n} f\ng: h\n')).to.deep.equal({ a: { d: 'e' }, g: 'h' });
      expect(json('a {{\nb: c\nd }\ne: f')).to.deep.equal({ a: { b: 'c' }, e: 'f' });
      expect(json('}\nno meaning\na {\nb: c\n')).to.deep.equal({ a: { b: 'c' } });
      expect(json('a\n{\nb: c\n}')).to.deep.equal({ '': { b: 'c' } });
    });

    it('a line of blanks in linear time', () => {
      const blanks = ' '.repeat(1_000_000);
      expect(json(`a: b${blanks}c`)).to.deep.equal({ a: `b${blanks}c` });
    });
  });

  describe('is not written', () => {
    for (const [what, content] of [
      ['with a line break in a value', { key: 'a', value: 'b\nc: d' }],
      ['with a line break in a key', { key: 'a: b\nc', value: 'd' }],
      ['with a line break in a name', { name: 'a {\n}\nb', content: [] }],
      ['with a brace in a value', { key: 'a', value: '{' }],
      ['with a colon in a key', { key: 'a:', value: 'b' }],
      ['with a key that makes a comment', { key: '#a', value: 'b' }],
      ['with a name that makes a comment', { name: '#a', content: [] }],
      ['with a blank at the end of a value', { key: 'a', value: 'b ' }],
      ['with a carriage return at the end of a value', { key: 'a', value: 'b\r' }],
      ['with a colon at the end of a name', { name: 'a:', content: [] }],
    ] as const) {
      it(what, () => {
        const conf = { name: '', content: [{ name: 'totem', content: [content] }] };
        expectInvalid(() => writeCorosyncConf(conf), /^corosync\.conf cannot hold 'totem\./);
      });
    }
  });

  describe('for a check logs only to stderr,', () => {
    const checked = (text: string) =>
      corosyncConfAsJson(parseCorosyncConf(loggingToStderrAlone(text)));

    it('even for parts of corosync, and if the file configures no log', () => {
      const conf =
        'logging {\n\tto_logfile: yes\n to_syslog :yes\r\n logger_subsys {\n to_logfile: yes\n}\n}\n';
      const alone = { to_stderr: 'yes', to_syslog: 'no' };
      expect(checked(conf)).to.deep.equal({
        logging: [
          { to_logfile: 'no', to_syslog: 'no', logger_subsys: { to_logfile: 'no' } },
          alone,
        ],
      });
      expect(checked('totem {\n}')).to.deep.equal({ totem: {}, logging: alone });
    });

    it('and keeps all other lines and mistakes unchanged', () => {
      const conf = '# a\nlogging {\n to_logfile: maybe\n #to_syslog: yes\n logfile: /x\n}';
      expect(loggingToStderrAlone(conf)).to.equal(
        `${conf}\nlogging {\nto_stderr: yes\nto_syslog: no\n}\n`,
      );
      for (const text of ['totem {\n', '}\n', 'a {\n}\n}']) {
        expect(loggingToStderrAlone(text)).to.equal(text);
      }
    });
  });

  it('gives the lines of its sections and settings', () => {
    const conf = locateCorosyncConf('# c\na {\n b: 1\n c {\n }\n\n}\nd {\n');
    expect(conf.content).to.deep.equal([
      {
        name: 'a',
        from: 1,
        to: 6,
        content: [
          { key: 'b', value: '1', line: 2 },
          { name: 'c', from: 3, to: 4, content: [] },
        ],
      },
      { name: 'd', from: 7, to: 8, content: [] },
    ]);
  });

  describe('with any content', () => {
    it('is read back as it was written', () => {
      fc.assert(
        fc.property(anyConf, (each) => {
          expect(parseCorosyncConf(writeCorosyncConf(each))).to.deep.equal(each);
        }),
      );
    });

    it('is read from any text, and has the same meaning when written', () => {
      fc.assert(
        fc.property(anyConfText, (each) => {
          const read = parseCorosyncConf(each);
          expect(parseCorosyncConf(writeCorosyncConf(read))).to.deep.equal(read);
        }),
        { numRuns: 1000 },
      );
    });
  });

  it('has the last value of a setting that occurs twice', () => {
    const conf = parseCorosyncConf('totem {\n a: 1\n}\ntotem {\n a: 2\n b {\n a: 3\n }\n}');
    expect(corosyncSetting(conf, 'totem', 'a')).to.equal('2');
    expect(corosyncSetting(conf, 'totem', 'b')).to.equal(undefined);
    expect(corosyncSetting(conf, 'totem', 'c')).to.equal(undefined);
    expect(corosyncSetting(conf, 'quorum', 'a')).to.equal(undefined);
  });
});
