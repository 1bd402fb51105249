import { expect } from 'chai';
import sinon from 'sinon';

import {
  type Attempted,
  defaultTimes,
  makeNodeQueue,
  type NodeQueue,
} from '../../../src/controller/vrrp/node-queue.ts';

describe('the orders to one node', () => {
  let clock: sinon.SinonFakeTimers;
  let begun: number[];
  let orderMs: number;
  let queue: NodeQueue<Attempted>;
  beforeEach(() => {
    clock = sinon.useFakeTimers();
    begun = [];
    orderMs = 100;
    const now = () => clock.now;
    queue = makeNodeQueue(
      async () => {
        const sentAt = now();
        begun.push(sentAt);
        await new Promise((resolve) => setTimeout(resolve, orderMs));
        return { sentAt, isOpen: false };
      },
      defaultTimes,
      now,
    );
  });
  afterEach(() => {
    clock.restore();
  });

  async function change(count: number, everyMs: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      void queue.request();
      await clock.tickAsync(everyMs);
    }
  }

  it('are three for a hundred changes that come within three seconds', async () => {
    await change(100, 30);
    await clock.tickAsync(20_000);
    expect(begun).to.deep.equal([200, 1200, 3200]);
  });

  it('are as few if each of them takes long', async () => {
    orderMs = 900;
    await change(100, 25);
    await clock.tickAsync(20_000);
    expect(begun).to.deep.equal([200, 1300, 3200]);
  });

  it('follow a change within a fifth of a second if none has just been made', async () => {
    await change(100, 30);
    await clock.tickAsync(20_000);
    const before = clock.now;
    await change(1, 1000);
    expect(begun.at(-1)).to.equal(before + 200);
  });

  it('are two a second apart for two changes', async () => {
    await change(2, 500);
    await clock.tickAsync(20_000);
    expect(begun).to.deep.equal([200, 1200]);
  });
});
