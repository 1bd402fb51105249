import { expect } from 'chai';
import sinon from 'sinon';

import { setDeadline } from '../../../src/kit/concurrency/deadline.ts';

describe('a deadline', () => {
  let clock: sinon.SinonFakeTimers;
  beforeEach(() => {
    clock = sinon.useFakeTimers();
  });
  afterEach(() => {
    sinon.restore();
  });

  it('passes once, after its time', () => {
    const passed = sinon.spy();
    setDeadline(1000, passed);
    clock.tick(999);
    expect(passed.callCount).to.equal(0);
    clock.tick(1);
    expect(passed.callCount).to.equal(1);
    clock.tick(5000);
    expect(passed.callCount).to.equal(1);
  });

  it('loses at most a tenth of its time in a standstill of the machine, however long that lasts', () => {
    const passed = sinon.spy();
    setDeadline(1000, passed);
    clock.tick(100);
    // Simulates a standstill: the clock jumps, and each due timer fires once.
    clock.jump(120_000);
    expect(passed.callCount).to.equal(0);
    clock.tick(799);
    expect(passed.callCount).to.equal(0);
    clock.tick(101);
    expect(passed.callCount).to.equal(1);
  });

  it('starts again on a restart', () => {
    const passed = sinon.spy();
    const deadline = setDeadline(1000, passed);
    clock.tick(950);
    deadline.restart();
    clock.tick(999);
    expect(passed.callCount).to.equal(0);
    clock.tick(1);
    expect(passed.callCount).to.equal(1);
  });

  it('does not pass once it is cancelled', () => {
    const passed = sinon.spy();
    const deadline = setDeadline(1000, passed);
    clock.tick(950);
    deadline.cancel();
    clock.tick(5000);
    expect(passed.callCount).to.equal(0);
  });
});
