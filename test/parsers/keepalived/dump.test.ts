import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import { readDump } from '../../../src/parsers/keepalived/dump.ts';

// Recorded from keepalived 2.2.7, without the keys that are not read.
const dump =
  '[{"data":{"iname":"8bd34ed4","vrid":1,"state":2,"wantstate":2,"auth_data":"s3cr3tpw"},"stats":{"advert_sent":3}}]';

describe('what keepalived says of itself', () => {
  it('has the state of each instance, and no secret', () => {
    const [instance] = readDump(dump) ?? [];
    expect(instance).to.include({ name: '8bd34ed4', state: 'MASTER', since: null });
    expect(JSON.stringify(instance)).not.to.include('s3cr3tpw');
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

  for (const version of ['2.1.5', '2.2.7', '2.3.3', '2.3.3-version-2']) {
    it(`has what each instance runs with, as keepalived ${version} says it`, async () => {
      const file = new URL(`../../fixtures/keepalived-json/${version}.json`, import.meta.url);
      const instances = readDump(await readFile(file, 'utf8')) ?? [];
      expect(instances).to.have.length(6);
      const [ipv4, ipv6] = instances;
      expect(ipv4?.since).to.be.within(1.79e12, 1.8e12);
      expect(ipv4).to.deep.include({
        name: 'vg_1',
        state: 'MASTER',
        transitions: 1,
        interface: 'gna0',
        routerId: 1,
        priority: 100,
        interval: 0.5,
        preempt: true,
        refreshSeconds: 60,
        addresses: [{ address: '10.99.0.101/24', isSet: true }],
      });
      expect(ipv6?.addresses).to.deep.equal([
        { address: 'fe80::200:5eff:fe00:201/64', isSet: true },
        { address: 'fd99::101/64', isSet: true },
      ]);
      expect(instances[2]).to.include({ name: 'vg_2', preempt: false });
    });
  }

  it('says which addresses are not set', async () => {
    const file = new URL('../../fixtures/keepalived-json/2.2.7.json', import.meta.url);
    const instances = readDump(await readFile(file, 'utf8')) ?? [];
    expect(instances[2]?.addresses).to.deep.equal([{ address: '10.99.0.102/24', isSet: false }]);
  });
});
