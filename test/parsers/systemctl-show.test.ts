import { expect } from 'chai';

import { parseSystemctlShow } from '../../src/parsers/systemctl-show.ts';

describe('parseSystemctlShow', () => {
  it('reads one record for each unit; a value is everything after the first equals sign', () => {
    expect(parseSystemctlShow('Id=a.service\nX=1=2\n\nId=b.service\nX=\n')).to.deep.equal([
      { Id: 'a.service', X: '1=2' },
      { Id: 'b.service', X: '' },
    ]);
  });

  it('reads nothing from nothing', () => {
    expect(parseSystemctlShow('')).to.deep.equal([]);
  });
});
