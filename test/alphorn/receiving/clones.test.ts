import { expect } from 'chai';

import { makeCloneCheck, silentMs } from '../../../src/alphorn/receiving/clones.ts';
import { headersOf, type WhoSends, whoSendsOf } from '../../../src/alphorn/peers/who-sends.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const id = '5e7638bc';
const digits = (digit: string) => digit.repeat(32);

describe('a host with a clone', () => {
  const folder = temporaryFolder();
  /** Milliseconds. */
  let now: number;
  let clones: ReturnType<typeof makeCloneCheck>;
  beforeEach(() => {
    now = 1_000_000;
    clones = makeCloneCheck(folder.path, () => now);
  });

  const first: WhoSends = {
    machine: digits('a'),
    boot: digits('1'),
    name: 'first',
    upSeconds: 100_000,
  };
  const check = (who: WhoSends, address = '192.0.2.1') => clones.check(id, who, address);
  const pass = (seconds: number) => {
    now += seconds * 1000;
  };

  beforeEach(() => clones.accept(id, first, '192.0.2.1'));

  it('is accepted as long as machine and boot are the same', async () => {
    pass(30);
    await check(first, '192.0.2.7');
    await check({ ...first, name: 'renamed' });
  });

  it('has a clone with another machine-id refused, by both names and addresses', async () => {
    const clone = { ...first, machine: digits('b'), name: 'clone' };
    pass(100_000);
    const { message } = await faultOf('host_cloned', check(clone, '192.0.2.9'));
    expect(message).to.include('first (192.0.2.1)').and.to.include('clone (192.0.2.9)');
    expect(message)
      .to.include('zgenhostid')
      .and.not.to.match(/delete/i);
    await check(first);
    await clones.accept(id, clone, '192.0.2.9');
    await check(clone);
    await faultOf('host_cloned', check(first));
  });

  it('has a clone refused that was alive at the same time', async () => {
    const clone = { ...first, boot: digits('2'), name: 'clone', upSeconds: 45 };
    pass(30);
    await faultOf('host_cloned', check(clone));
    await check(first);
    pass(30);
    await faultOf('host_cloned', check({ ...clone, upSeconds: 75 }));
  });

  it('is accepted after a restart', async () => {
    pass(60);
    const again = { ...first, boot: digits('2'), upSeconds: 30 };
    await check(again);
    pass(30);
    await check({ ...again, upSeconds: 60 });
  });

  it('stays accepted when it comes back, although the clone looked like its restart', async () => {
    pass(60);
    const clone = { ...first, boot: digits('2'), name: 'clone', upSeconds: 30 };
    await check(clone);
    pass(30);
    await check(first);
    pass(30);
    const { message } = await faultOf('host_cloned', check({ ...clone, upSeconds: 90 }));
    expect(message).to.include('clone (192.0.2.1)');
    await check(first);
  });

  it('is replaced by its clone after a long silence', async () => {
    pass(silentMs / 1000 + 1);
    await check({ ...first, boot: digits('2') });
  });

  it('is also told apart after a restart of the receiver', async () => {
    pass(60);
    const clone = { ...first, boot: digits('2'), upSeconds: 30 };
    await check(clone);
    clones = makeCloneCheck(folder.path, () => now);
    await check(first);
    await faultOf('host_cloned', check({ ...clone, upSeconds: 1000 }));
  });

  it('is accepted if its older version does not describe itself', async () => {
    await clones.check(id, undefined, '192.0.2.9');
    await clones.accept(id, undefined, '192.0.2.9');
    await check(first);
  });

  it('describes itself in headers, whatever its name', () => {
    const renamed = { ...first, name: 'größe\r\nx' };
    expect(whoSendsOf(headersOf(renamed))).to.deep.equal(renamed);
    expect(whoSendsOf({ ...headersOf(renamed), 'x-liferaft-boot': 'x' })).to.equal(undefined);
    expect(whoSendsOf({ ...headersOf(renamed), 'x-liferaft-host-name': '%' })).to.include({
      name: '%',
    });
    expect(whoSendsOf({})).to.equal(undefined);
  });
});
