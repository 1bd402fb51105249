import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { expect } from 'chai';

import { type Controller, makeDatagrams } from '../../../src/amphora/heartbeat/datagrams.ts';
import { envelopeOf } from '../../../src/amphora/heartbeat/envelope.ts';
import {
  type BeatResult,
  type BeatSender,
  makeBeatSender,
} from '../../../src/amphora/heartbeat/sender.ts';
import type { Log } from '../../../src/kit/log.ts';

interface Receiver {
  socket: Socket;
  at: Controller;
  received: string[];
}

async function makeReceiver(host: string): Promise<Receiver> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const received: string[] = [];
  socket.on('message', (bytes) => received.push(bytes.toString('hex')));
  socket.bind(0, host);
  await once(socket, 'listening');
  return { socket, at: { host, port: socket.address().port }, received };
}

/** Waits until it holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('the sender of heartbeats', () => {
  let receivers: Receiver[] = [];
  let sender: BeatSender | undefined;
  let logged: string[] = [];
  let results: BeatResult[] = [];
  let done: boolean[] = [];
  let reason: string | undefined;
  let payloadOf: (seq: number) => string;
  let isCurrent: (seq: number) => boolean;

  beforeEach(() => {
    [receivers, logged, results, done] = [[], [], [], []];
    reason = undefined;
    payloadOf = (seq) => `{"seq":${seq}}`;
    isCurrent = () => true;
  });

  afterEach(async () => {
    await sender?.stop();
    for (const { socket } of receivers) socket.close();
  });

  function start(controllers: Controller[]): BeatSender {
    let seq = 0;
    const write = (_: object, text: string) => void logged.push(text);
    sender = makeBeatSender(
      { controllers, key: 'k', intervalMs: 20 },
      {
        mayBeat: () => Promise.resolve(reason),
        make: (key) => {
          const made = { envelope: envelopeOf(payloadOf(seq), key), seq, version: 3 as const };
          seq += 1;
          return Promise.resolve({
            ...made,
            isCurrent: () => isCurrent(made.seq),
            done: (isSent) => {
              done.push(isSent);
              return Promise.resolve();
            },
          });
        },
        datagrams: makeDatagrams(),
        log: { debug: write, info: write, warn: write, error: write } as unknown as Log,
        count: (result) => results.push(result),
      },
    );
    sender.start();
    return sender;
  }

  const hexOf = (seq: number, key = 'k') =>
    envelopeOf(payloadOf(seq), key).bytes?.toString('hex') ?? '';

  it('sends each heartbeat to one controller in turn, by IPv4 and IPv6', async () => {
    receivers = [await makeReceiver('127.0.0.1'), await makeReceiver('::1')];
    const [four, six] = receivers;
    const own = start(receivers.map(({ at }) => at));
    await until(() => (six?.received.length ?? 0) >= 2);
    expect(four?.received.slice(0, 2)).to.deep.equal([hexOf(0), hexOf(2)]);
    expect(six?.received.slice(0, 2)).to.deep.equal([hexOf(1), hexOf(3)]);
    expect(own.last()?.seq).to.be.greaterThan(1);
    expect(own.last()?.to).to.match(/^(?:127\.0\.0\.1|\[::1\]):\d+$/);
    expect(done).to.include(true).and.not.include(false);
  });

  it('uses a new key and list from the next heartbeat on', async () => {
    receivers = [await makeReceiver('127.0.0.1'), await makeReceiver('127.0.0.1')];
    const [first, second] = receivers;
    const own = start(receivers.slice(0, 1).map(({ at }) => at));
    await until(() => first?.received.length === 1);
    own.reconfigure({
      controllers: receivers.slice(1).map(({ at }) => at),
      key: 'other',
      intervalMs: 10,
    });
    await until(() => (second?.received.length ?? 0) > 1);
    expect(first?.received).to.deep.equal([hexOf(0)]);
    expect(second?.received[0]).to.equal(hexOf(1, 'other'));
  });

  it('goes on while a controller cannot be reached, and logs it once', async () => {
    receivers = [await makeReceiver('127.0.0.1')];
    const gone = { host: 'no-such-controller.invalid', port: 5555 };
    const own = start([gone, ...receivers.map(({ at }) => at)]);
    await until(() => own.problem()?.includes('no-such-controller.invalid:5555') === true);
    await until(() => own.problem() === undefined);
    await until(() => (receivers[0]?.received.length ?? 0) >= 3);
    expect(logged.filter((text) => text.includes('could not be sent'))).to.have.length(1);
    expect(results).to.include.members(['failed', 'sent']);
    expect(done).to.include(false);
  });

  it('is silent while there is a reason, which is logged once', async () => {
    receivers = [await makeReceiver('127.0.0.1')];
    reason = 'keepalived is configured and does not run';
    const own = start(receivers.map(({ at }) => at));
    await until(() => results.length >= 3);
    expect(own.last()).to.equal(undefined);
    expect(own.problem()).to.include('keepalived is configured and does not run');
    reason = undefined;
    await until(() => (receivers[0]?.received.length ?? 0) >= 1);
    await until(() => own.problem() === undefined);
    expect(logged).to.deep.equal([
      'No heartbeat is sent: keepalived is configured and does not run.',
      'heartbeats are sent again',
    ]);
  });

  it('has no problem without a controller, as on a host that was set up by hand', async () => {
    const own = start([]);
    await until(() => results.length >= 2);
    expect(own.problem()).to.equal(undefined);
  });

  it('does not send a heartbeat that a change has made old, and makes it again', async () => {
    receivers = [await makeReceiver('127.0.0.1')];
    isCurrent = (seq) => seq >= 2;
    start(receivers.map(({ at }) => at));
    await until(() => (receivers[0]?.received.length ?? 0) >= 1);
    expect(receivers[0]?.received[0]).to.equal(hexOf(2));
    expect(done.slice(0, 3)).to.deep.equal([false, false, true]);
  });

  it('uses a new key and list for a heartbeat that is just being made', async () => {
    receivers = [await makeReceiver('127.0.0.1'), await makeReceiver('127.0.0.1')];
    const [first, second] = receivers;
    const own = start(receivers.slice(0, 1).map(({ at }) => at));
    const controllers = receivers.slice(1).map(({ at }) => at);
    isCurrent = () => {
      own.reconfigure({ controllers, key: 'other', intervalMs: 20 });
      isCurrent = () => true;
      return true;
    };
    await until(() => (second?.received.length ?? 0) >= 1);
    expect(first?.received).to.have.length.at.most(1);
    expect(second?.received[0]).to.equal(hexOf(1 + (first?.received.length ?? 0), 'other'));
  });

  it('sends a heartbeat at last if changes never end', async () => {
    receivers = [await makeReceiver('127.0.0.1')];
    isCurrent = () => false;
    start(receivers.map(({ at }) => at));
    await until(() => (receivers[0]?.received.length ?? 0) >= 1);
  });

  it('says that a heartbeat is too large', async () => {
    receivers = [await makeReceiver('127.0.0.1')];
    const random = randomBytes(100_000).toString('base64');
    payloadOf = () => random;
    const own = start(receivers.map(({ at }) => at));
    await until(() => results.length >= 2);
    expect(own.problem()).to.include('does not fit');
    expect(new Set(results)).to.deep.equal(new Set(['too_large']));
    expect(logged).to.have.length(1);
    expect(logged[0]).to.include('does not fit');
    expect(receivers[0]?.received).to.deep.equal([]);
  });
});
