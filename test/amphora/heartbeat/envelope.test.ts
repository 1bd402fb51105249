import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';

import { expect } from 'chai';

import { envelopeOf, maxDatagramBytes } from '../../../src/amphora/heartbeat/envelope.ts';
import { payloadOf } from '../../../src/amphora/heartbeat/payload.ts';

// octavia's wrap_envelope (11.0.0-2 of Debian 12) made the envelope of the JSON.
const recorded = new URL('../../fixtures/amphora/heartbeat/', import.meta.url);
const key = 'insecure-schlüssel';

/** What octavia's get_payload does: it compares the signature, then takes the rest apart. */
function unwrapped(envelope: Buffer | undefined): string {
  const compressed = envelope?.subarray(0, -64) ?? Buffer.of();
  const signature = createHmac('sha256', key).update(compressed).digest('hex');
  expect(envelope?.subarray(-64).toString('latin1')).to.equal(signature);
  return inflateSync(compressed).toString('utf8');
}

describe('the envelope of a heartbeat', () => {
  // The compressed bytes differ, because Node.js has another zlib.
  it('is unwrapped in the same way as the one that octavia made', () => {
    const real = unwrapped(readFileSync(new URL('octavia-11.0.0.envelope', recorded)));
    const sent = readFileSync(new URL('octavia-11.0.0.json', recorded), 'utf8');
    expect(JSON.parse(real)).to.deep.equal(JSON.parse(sent));
    const { bytes } = envelopeOf(real, key);
    expect(unwrapped(bytes)).to.equal(real);
    expect(bytes?.subarray(0, 2).toString('hex')).to.equal('78da');
  });

  it('has another signature with another key', () => {
    const signature = (of: string) => envelopeOf('{}', of).bytes?.subarray(-64).toString('latin1');
    expect(signature('a'))
      .to.match(/^[0-9a-f]{64}$/)
      .and.not.equal(signature('b'));
  });

  it('holds 500 listeners of two members, whatever they have counted', () => {
    const id = () => randomUUID();
    const count = (below: number) => Math.floor(Math.random() * below);
    const listeners = Array.from({ length: 500 }, () => {
      const listener = id();
      const members = [id(), id()].map((member) => ({ id: member, status: 'UP' }));
      return {
        id: listener,
        status: 'OPEN',
        stats: {
          tx: count(1e11),
          rx: count(1e10),
          conns: count(1e3),
          totconns: count(1e6),
          ereq: count(1e3),
        },
        pools: [{ name: `${id()}:${listener}`, status: 'UP', members }],
      };
    });
    const payload = payloadOf({ amphora: id(), seq: 100_000, listeners }, 3);
    expect(envelopeOf(payload, key).bytes?.length).to.be.greaterThan(50_000);
  });

  it('is refused with its size if it does not fit into a datagram', () => {
    const random = randomBytes(maxDatagramBytes).toString('base64');
    expect(envelopeOf(random, key).tooLarge).to.be.greaterThan(maxDatagramBytes);
    expect(envelopeOf('x'.repeat(10 * maxDatagramBytes), key).bytes).to.have.length.below(5000);
  });
});
