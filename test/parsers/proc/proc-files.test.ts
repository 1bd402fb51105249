import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import {
  cpuTicksIn,
  interfaceBytesIn,
  loadIn,
  numbersIn,
} from '../../../src/parsers/proc/proc-files.ts';

describe('the parsers of /proc', () => {
  it('read the ticks of all processors', () => {
    expect(cpuTicksIn('cpu  10 1 5 80 4 1 2 3 7 0\ncpu0 1 1 1 1\n')).to.deep.equal({
      total: 106,
      idle: 84,
      user: 11,
      system: 6,
      softIrq: 2,
    });
  });

  it('read the bytes of interfaces, beside a name too', () => {
    const head = 'Inter-|   Receive\n face |bytes\n';
    expect(
      interfaceBytesIn(
        `${head}  eth1:1234 5 0 0 0 0 0 0 99 7 0 0 0 0 0 0\n    lo: 1 1 0 0 0 0 0 0 2 1\n`,
      ),
    ).to.deep.equal([
      { name: 'eth1', rx: 1234, tx: 99 },
      { name: 'lo', rx: 1, tx: 2 },
    ]);
  });

  it('read those of this host', () => {
    const text = (file: string) => readFileSync(`/proc/${file}`, 'utf8');
    expect(cpuTicksIn(text('stat')).total).to.be.greaterThan(0);
    expect(numbersIn(text('meminfo')).get('MemTotal')).to.be.greaterThan(0);
    expect(interfaceBytesIn(text('net/dev')).map(({ name }) => name)).to.include('lo');
    expect(loadIn('0.50 0.45 0.47 1/5 7')).to.deep.equal([0.5, 0.45, 0.47]);
  });
});
