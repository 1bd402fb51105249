import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';

/**
 * The address of this host that a node reaches, by the kernel's choice of the way to that node. Nothing is sent.
 * @param host an address or a name of the node
 * Rejects with the system's error if there is no way
 */
export async function receivingAddress(host: string): Promise<string> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    // A UDP socket is connected without a packet, and any port will do.
    socket.connect(9, address);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}
