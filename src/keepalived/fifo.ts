import { constants, open } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

import { ifThere } from '../kit/files/files.ts';

export interface FifoReader {
  /** Opens the FIFO if it is another one than before, or was not there. Call it again and again. */
  refresh(): Promise<void>;
  close(): void;
}

/**
 * Reads the FIFO into which keepalived writes each transition (keepalived.conf(5), `vrrp_notify_fifo`). A line is a hint
 * that something changed, and no truth: nothing is written for what stays as it is.
 * @param path keepalived makes it, and another one after a restart
 * @param onLine called once for whatever came together
 */
export function makeFifoReader(path: string, onLine: () => void): FifoReader {
  let opened: { inode: bigint; socket: Socket } | undefined;
  let refreshing: Promise<void> | undefined;
  let isClosed = false;

  function close(): void {
    opened?.socket.destroy();
    opened = undefined;
  }

  async function refresh(): Promise<void> {
    const found = await ifThere(stat(path, { bigint: true }));
    const inode = found?.isFIFO() === true ? found.ino : undefined;
    if (inode === opened?.inode && opened?.socket.destroyed !== true) return;
    close();
    if (inode === undefined) return;
    const socket = await openFifo(path);
    if (socket === undefined) return;
    if (isClosed) {
      socket.destroy();
      return;
    }
    socket.on('data', onLine);
    socket.on('error', close);
    opened = { inode, socket };
  }

  return {
    refresh: () =>
      (refreshing ??= refresh().finally(() => {
        refreshing = undefined;
      })),
    close() {
      isClosed = true;
      close();
    },
  };
}

/**
 * A reader that opens it only for reading gets its end at each reload, and hears nothing more. A socket waits in the
 * event loop; a stream of a file would hold one of its few threads for ever.
 */
async function openFifo(path: string): Promise<Socket | undefined> {
  // A FileHandle would close the descriptor when it is collected.
  const opening = promisify(open)(path, constants.O_RDWR | constants.O_NONBLOCK);
  const fd = await ifThere(opening, ['ENOENT', 'ENXIO', 'EACCES']);
  return fd === undefined ? undefined : new Socket({ fd, readable: true, writable: false });
}
