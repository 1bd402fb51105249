import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Where heartbeats go. */
export interface Controller {
  host: string;
  port: number;
}

export interface Datagrams {
  /** Rejects with the system's error if the datagram could not be handed to the network. */
  send(bytes: Buffer, to: Controller): Promise<void>;
  close(): void;
}

/** Sends datagrams over IPv4 and IPv6. A socket is opened when the first datagram needs it. */
export function makeDatagrams(): Datagrams {
  const sockets = new Map<number, Socket>();
  const socketOf = (family: number): Socket => {
    const present = sockets.get(family);
    if (present) return present;
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.unref();
    // A socket that failed is replaced by the next datagram.
    socket.on('error', () => {
      sockets.delete(family);
      socket.close();
    });
    sockets.set(family, socket);
    return socket;
  };
  return {
    send: async (bytes, { host, port }) => {
      // A lookup of an address would be a moment in which what is sent can become old.
      const known = isIP(host);
      const { address, family } =
        known === 0 ? await lookup(host) : { address: host, family: known };
      await new Promise<void>((resolve, reject) => {
        socketOf(family).send(bytes, port, address, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close: () => {
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    },
  };
}
