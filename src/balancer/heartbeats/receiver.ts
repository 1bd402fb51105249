import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

import { Fault, systemErrorCode } from '../../kit/fault.ts';

export interface Receiver {
  port: number;
  stop(): Promise<void>;
}

/** What the kernel keeps while this process is busy: the heartbeats of 2,000 nodes. */
const bufferBytes = 4 * 1024 * 1024;

/**
 * Listens for datagrams. `::` takes those of IPv4 as well.
 * @param onDatagram must not throw
 * Faults: `invalid_config` if the port is taken, or the address is not of this host
 */
export async function openReceiver(
  { host, port }: { host: string; port: number },
  onDatagram: (datagram: Buffer) => void,
  onError: (error: Error) => void,
): Promise<Receiver> {
  const socket = await bound(host, port);
  socket.on('message', onDatagram);
  socket.on('error', onError);
  try {
    socket.setRecvBufferSize(bufferBytes);
  } catch {
    // A smaller buffer loses heartbeats only in a flood.
  }
  return {
    port: socket.address().port,
    async stop() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

async function bound(host: string, port: number): Promise<Socket> {
  try {
    return await boundTo(host, port);
  } catch (error) {
    const code = systemErrorCode(error);
    // The kernel may have been started without IPv6.
    if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) {
      return bound('0.0.0.0', port);
    }
    throw new Fault(
      'invalid_config',
      `Heartbeats cannot be received at UDP port ${port} of ${host} (${code ?? 'it failed'}). Free that port, or choose another one in the configuration.`,
    );
  }
}

async function boundTo(host: string, port: number): Promise<Socket> {
  const socket = createSocket(isIPv4(host) ? 'udp4' : 'udp6');
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
