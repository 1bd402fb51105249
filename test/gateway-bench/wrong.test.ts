import { expect } from 'chai';

import { gapOf } from './asking.ts';
import { wrongTimes } from './wrong.ts';

const span = { index: 0, from: 0, to: 10_000 };
const was = (at: number, status: number) => ({ at, status, hasAddress: status === 1 });
const said = (...pairs: readonly (readonly [at: number, status: number])[]) =>
  pairs.map(([at, status]) => ({ at, statuses: [status] }));
const times = (...given: Parameters<typeof wrongTimes>) => wrongTimes(...given).map(({ ms }) => ms);

describe('the measure of a wrong word', () => {
  it('is nothing while the API says what is so', () => {
    expect(times([was(-5, 2)], said([100, 2], [200, 2]), span)).to.deep.equal([]);
  });

  it('goes from a change to the first look that shows it', () => {
    const all = said([900, 2], [1100, 2], [1300, 1], [1500, 1]);
    expect(times([was(-5, 2), was(1000, 1)], all, span)).to.deep.equal([300]);
  });

  it('begins again with the next change', () => {
    const readings = [was(-5, 2), was(1000, 1), was(2000, 0)];
    const all = said([900, 2], [1100, 2], [2100, 2], [2400, 0]);
    expect(times(readings, all, span)).to.deep.equal([100, 400]);
  });

  it('goes from the last right look if nothing has changed', () => {
    const all = said([900, 2], [1000, 0], [1400, 2]);
    expect(times([was(-5, 2)], all, span)).to.deep.equal([500]);
  });
});

describe('the gap of a client', () => {
  const asks = (text: string) =>
    Array.from(text).map((by, at) => ({
      kind: 'ask' as const,
      start: at * 5,
      by: by === '.' ? null : by,
    }));

  it('is the sum of the times without an answer', () => {
    expect(gapOf(asks('aaa..b.bb'))).to.deep.equal({ ms: 15, unanswered: 3, end: 35 });
  });

  it('is nothing if each question is answered', () => {
    expect(gapOf(asks('aabb'))).to.include({ ms: 0, unanswered: 0 });
  });
});
