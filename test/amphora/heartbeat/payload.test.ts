import { expect } from 'chai';

import { type Beat, payloadOf } from '../../../src/amphora/heartbeat/payload.ts';

const stats = { tx: 5, rx: 7, conns: 2, totconns: 9, ereq: 1 };
const members = [
  { id: 'm1', status: 'UP' },
  { id: 'm2', status: 'no check' },
];
const beat: Beat = {
  amphora: 'A',
  seq: 67,
  listeners: [
    { id: 'L1', status: 'OPEN', stats, pools: [{ name: 'P1:L1', status: 'UP', members }] },
    { id: 'L2', status: 'FULL', stats, pools: [] },
  ],
};

describe('the payload of a heartbeat', () => {
  it('has all pools in one object in version 3, with the keys in the order of the real agent', () => {
    expect(payloadOf(beat, 3)).to.equal(
      '{"id":"A","seq":67,"listeners":{' +
        '"L1":{"status":"OPEN","stats":{"tx":5,"rx":7,"conns":2,"totconns":9,"ereq":1}},' +
        '"L2":{"status":"FULL","stats":{"tx":5,"rx":7,"conns":2,"totconns":9,"ereq":1}}},' +
        '"pools":{"P1:L1":{"status":"UP","members":{"m1":"UP","m2":"no check"}}},"ver":3}',
    );
  });

  it('has the pools of each listener by their ids in version 1', () => {
    expect(payloadOf(beat, 1)).to.equal(
      '{"id":"A","seq":67,"listeners":{' +
        '"L1":{"pools":{"P1":{"status":"UP","members":{"m1":"UP","m2":"no check"}}},' +
        '"status":"OPEN","stats":{"tx":5,"rx":7,"conns":2,"totconns":9,"ereq":1}},' +
        '"L2":{"pools":{},"status":"FULL","stats":{"tx":5,"rx":7,"conns":2,"totconns":9,"ereq":1}}},"ver":1}',
    );
  });
});
