import { expect } from 'chai';

import { parseAccounts } from '../../src/parsers/accounts.ts';

describe('passwd and group', () => {
  it('give each number its name', () => {
    const names = parseAccounts(
      'root:x:0:0:root:/root:/bin/bash\nhacluster:x:107:112::/var/lib/pacemaker:/usr/sbin/nologin\n',
    );
    expect([...names]).to.deep.equal([
      [0, 'root'],
      [107, 'hacluster'],
    ]);
  });

  it('give a number the first of its names', () => {
    expect(parseAccounts('root:x:0:\ntoor:x:0:\n').get(0)).to.equal('root');
  });

  it('may have lines that are not accounts', () => {
    expect([
      ...parseAccounts(
        '+::::::\n+@users\n+nis:x:5:\n-nis:x:6:\n\n#root:x:0:\nhalf:x\n:x:7:\nbad:x:7a:\nhuge:x:99999999999:\nok:x:8:',
      ),
    ]).to.deep.equal([[8, 'ok']]);
  });
});
