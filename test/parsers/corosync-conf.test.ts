import { expect } from 'chai';
import fc from 'fast-check';

import { corosyncSetting, parseCorosyncConf } from '../../src/parsers/corosync-conf.ts';

describe('parseCorosyncConf', () => {
  it('reads sections, nested and repeated, and values with blanks and colons', () => {
    const conf = parseCorosyncConf(
      [
        '# made by hand',
        'totem {',
        '    version: 2',
        '\tcluster_name:  my : cluster ',
        '    interface {',
        '        ringnumber: 0',
        '    }',
        '}',
        '',
        'nodelist {',
        '  node {',
        '    name: a',
        '  }',
        '  node {',
        '    name: b',
        '  }',
        '}',
      ].join('\n'),
    );
    expect(conf.sections.map(({ name }) => name)).to.deep.equal(['totem', 'nodelist']);
    expect(conf.sections[0]?.settings).to.deep.equal([
      ['version', '2'],
      ['cluster_name', 'my : cluster'],
    ]);
    expect(conf.sections[0]?.sections[0]?.name).to.equal('interface');
    expect(conf.sections[1]?.sections.map(({ settings }) => settings)).to.deep.equal([
      [['name', 'a']],
      [['name', 'b']],
    ]);
  });

  it('passes over what corosync would refuse', () => {
    expect(parseCorosyncConf('}\nno meaning\ntotem {\n a: 1\n}\n}\n').sections).to.have.lengthOf(1);
  });

  it('reads any text without an exception', () => {
    const piece = fc.constantFrom('{', '}', ':', '#', '\n', ' ', '\t', 'totem', 'a: b', '\r\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(parseCorosyncConf(pieces.join(''))).to.have.keys('name', 'settings', 'sections');
      }),
    );
  });

  it('finds a setting; of two the last one counts', () => {
    const conf = parseCorosyncConf('totem {\n a: 1\n}\ntotem {\n a: 2\n b {\n a: 3\n }\n}');
    expect(corosyncSetting(conf, 'totem', 'a')).to.equal('2');
    expect(corosyncSetting(conf, 'totem', 'c')).to.equal(undefined);
    expect(corosyncSetting(conf, 'quorum', 'a')).to.equal(undefined);
  });
});
