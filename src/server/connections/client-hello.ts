import type net from 'node:net';

// A record of TLS (RFC 8446, section 5.1): its type, two bytes of version, two of length, and as many as that.
const headBytes = 5;
const handshakeRecord = 0x16;
const maxContentBytes = 2 ** 14;

/**
 * Waits for the first record of a TLS client, its ClientHello, without TLS: a connection that sends nothing, or not all of
 * that, costs no more than its socket. A connection that sends anything else is closed.
 * @param then called once the record is there; the socket has it again, to be read by TLS
 */
export function awaitClientHello(socket: net.Socket, then: () => void): void {
  let received: Buffer = Buffer.alloc(0);

  function take(bytes: Buffer): void {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    const missing = missingBytes(received);
    if (missing === undefined) socket.destroy();
    else if (missing <= 0) {
      socket.off('data', take).off('end', hangUp);
      // A socket that flows would lose what is put back. TLS reads from it what it has, then below it (`tls.TLSSocket`).
      socket.pause();
      socket.unshift(received);
      then();
    }
  }

  function hangUp(): void {
    socket.destroy();
  }

  socket.on('data', take).once('end', hangUp);
}

/** How many bytes a record lacks; undefined if it begins no handshake. */
function missingBytes(record: Buffer): number | undefined {
  if (record.length > 0 && record[0] !== handshakeRecord) return undefined;
  if (record.length < headBytes) return headBytes - record.length;
  const contentBytes = record.readUInt16BE(headBytes - 2);
  return contentBytes > maxContentBytes ? undefined : headBytes + contentBytes - record.length;
}
