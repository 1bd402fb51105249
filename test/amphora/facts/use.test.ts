import { expect } from 'chai';

import { makeCpuUse } from '../../../src/amphora/facts/details.ts';
import { makeRates } from '../../../src/amphora/facts/rates.ts';

describe('the use of the processors', () => {
  it('is that since the boot at first, and then that since the previous call', () => {
    let now = 0;
    const use = makeCpuUse(() => now);
    const first = { total: 1000, idle: 900, user: 60, system: 30, softIrq: 10 };
    expect(use(first)).to.deep.equal({ total: 10, user: 6, system: 3, softIrq: 1 });
    now = 2000;
    const second = { total: 1200, idle: 950, user: 160, system: 70, softIrq: 20 };
    expect(use(second)).to.deep.equal({ total: 75, user: 50, system: 20, softIrq: 5 });
    now = 2500;
    expect(use({ ...second, total: 1201 })).to.deep.equal({
      total: 75,
      user: 50,
      system: 20,
      softIrq: 5,
    });
  });
});

describe('the rates of an interface', () => {
  const bytes = (rx: number, tx: number) => [{ name: 'eth1', rx, tx }];

  it('are those of the last 30 s', () => {
    let now = 0;
    const rates = makeRates(() => now);
    expect(rates.of(bytes(5, 5))[0]?.rxPerSecond).to.equal(0);
    for (now = 0; now <= 60_000; now += 10_000) rates.add(bytes(now, 2 * now));
    now = 60_000;
    expect(rates.of(bytes(90_000, 60_000))).to.deep.equal([
      { name: 'eth1', rx: 90_000, tx: 60_000, rxPerSecond: 2000, txPerSecond: 0 },
    ]);
  });
});
