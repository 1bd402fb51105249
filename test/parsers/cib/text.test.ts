import { expect } from 'chai';

import { configurationIdentity, withoutStatus } from '../../../src/parsers/cib/text.ts';
import { generations, recorded } from '../../support/fixtures.ts';

describe('the text of a CIB', () => {
  for (const generation of generations) {
    it(`loses its status, and nothing else, on ${generation.suite}`, () => {
      const { stdout } = recorded(generation, 'cibadmin', 'everything-query');
      const [before = '', after] = stdout.split('<status>\n');
      expect(after).to.be.a('string');
      expect(withoutStatus(stdout)).to.equal(`${before.trimEnd()}\n  <status/>\n</cib>\n`);
    });
  }

  it('stays whole if it only seems to have a status', () => {
    for (const xml of [
      '<cib><configuration/></cib>',
      '<cib><status><status_like/></status><more/></cib>',
      '<cib><configuration><!-- <status> --></configuration></cib>',
    ]) {
      expect(withoutStatus(xml)).to.equal(xml);
    }
  });

  it('has the same identity as long as its version, schema and configuration are the same', () => {
    const cib = (attributes: string, configuration: string) =>
      configurationIdentity(
        `<cib ${attributes}><configuration>${configuration}</configuration><status/></cib>`,
      );
    const one = cib('epoch="7" num_updates="1" admin_epoch="0"', '<tags/>');
    expect(cib('epoch="7" num_updates="2" admin_epoch="0"', '<tags/>')).to.equal(one);
    expect(cib('epoch="8" num_updates="1" admin_epoch="0"', '<tags/>')).not.to.equal(one);
    expect(cib('epoch="7" num_updates="1" admin_epoch="1"', '<tags/>')).not.to.equal(one);
    expect(cib('epoch="7" num_updates="1" admin_epoch="0"', '<acls/>')).not.to.equal(one);
  });
});
