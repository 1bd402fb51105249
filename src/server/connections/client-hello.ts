import type net from 'node:net';

// A record of TLS (RFC 8446, section 5.1): its type, two bytes of version, two bytes of length, and the content.
const headBytes = 5;
const handshakeRecord = 0x16;
const maxContentBytes = 2 ** 14;

/**
 * Waits for the first record of a TLS client, its ClientHello, before TLS begins. So a connection that does not send the
 * whole record costs no more than its socket. A connection that sends anything else is closed.
 * @param then called once the record is there; it has been put back into the socket for TLS to read
 */
export function awaitClientHello(socket: net.Socket, then: () => void): void {
  let received: Buffer = Buffer.alloc(0);

  function take(bytes: Buffer): void {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    const missing = missingBytes(received);
    if (missing === undefined) socket.destroy();
    else if (missing <= 0) {
      socket.off('data', take).off('end', hangUp);
      // A flowing socket would lose what is put back. TLS first reads what the socket has (`tls.TLSSocket`).
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

/** How many bytes of the record are missing; undefined if it is not a handshake record. */
function missingBytes(record: Buffer): number | undefined {
  if (record.length > 0 && record[0] !== handshakeRecord) return undefined;
  if (record.length < headBytes) return headBytes - record.length;
  const contentBytes = record.readUInt16BE(headBytes - 2);
  return contentBytes > maxContentBytes ? undefined : headBytes + contentBytes - record.length;
}
