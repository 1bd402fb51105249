import { expect } from 'chai';

import { readDump } from '../../../src/parsers/keepalived/dump.ts';

// Recorded from keepalived 2.2.7, without the keys that are not read.
const dump =
  '[{"data":{"iname":"8bd34ed4","vrid":1,"state":2,"wantstate":2,"auth_data":"s3cr3tpw"},"stats":{"advert_sent":3}}]';

describe('what keepalived says of itself', () => {
  it('has the state of each instance, and no secret', () => {
    expect(readDump(dump)).to.deep.equal([{ name: '8bd34ed4', state: 'MASTER' }]);
  });

  it('has the states by their numbers', () => {
    const states = [0, 1, 2, 3].map((state) =>
      readDump(dump.replace('"state":2', `"state":${state}`)),
    );
    expect(states.map((each) => each?.[0]?.state)).to.deep.equal([
      'INIT',
      'BACKUP',
      'MASTER',
      'FAULT',
    ]);
  });

  it('is not read before it is whole', () => {
    for (let length = 0; length < dump.length; length += 1) {
      expect(readDump(dump.slice(0, length)), `${length} characters`).to.equal(undefined);
    }
  });

  it('is not read if it is something else', () => {
    for (const text of ['null', '{}', '[{}]', '[{"data":{"iname":"a","state":9}}]', '["a"]']) {
      expect(readDump(text), text).to.equal(undefined);
    }
  });
});
