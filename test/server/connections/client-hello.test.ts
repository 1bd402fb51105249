import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

import { expect } from 'chai';

import { awaitClientHello } from '../../../src/server/connections/client-hello.ts';

describe('waiting for a ClientHello', () => {
  let server: net.Server;
  let client: net.Socket;
  let accepted: net.Socket;
  let calls = 0;

  beforeEach(async () => {
    calls = 0;
    server = net.createServer((socket) => {
      accepted = socket.on('error', () => undefined);
      awaitClientHello(socket, () => (calls += 1));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined).setNoDelay();
    await Promise.all([once(client, 'connect'), once(server, 'connection')]);
  });
  afterEach(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });

  const record = Buffer.from('1603010005aabbccddee', 'hex');

  /** Sends bytes, and returns once the other side has received them. */
  async function send(bytes: Buffer): Promise<void> {
    const there = accepted.bytesRead + bytes.length;
    client.write(bytes);
    while (accepted.bytesRead < there && !accepted.destroyed) await turn();
  }

  it('ends after one complete record, which can be read again with the bytes after it', async () => {
    await send(Buffer.concat([record, Buffer.from('more')]));
    expect(calls).to.equal(1);
    expect(accepted.read()).to.deep.equal(Buffer.concat([record, Buffer.from('more')]));
  });

  it('ends with the last byte of a record that arrives byte by byte', async () => {
    for (const byte of record.subarray(0, -1)) await send(Buffer.of(byte));
    expect(calls).to.equal(0);
    await send(record.subarray(-1));
    expect(calls).to.equal(1);
    expect(accepted.read()).to.deep.equal(record);
  });

  for (const [what, bytes] of [
    ['is HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['does not begin a handshake', Buffer.from('15030100020100', 'hex')],
    ['announces more than the maximum length of a record', Buffer.from('1603014001', 'hex')],
  ] as const) {
    it(`closes a connection whose first record ${what}`, async () => {
      client.write(bytes);
      await once(accepted, 'close');
      expect(calls).to.equal(0);
    });
  }

  it('closes a connection that ends within its first record', async () => {
    client.resume().end(record.subarray(0, 7));
    await once(accepted, 'close');
    expect(calls).to.equal(0);
  });
});
