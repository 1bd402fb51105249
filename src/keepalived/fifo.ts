import { constants, open } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

import { ifThere } from '../kit/files/files.ts';
import { readNotifyLines } from '../parsers/keepalived/notify.ts';

/** A reload stops what is no longer there, and its name is never said again. */
const maxStopped = 1024;

export interface FifoReader {
  /** Opens the FIFO if it is another one than before, or was not there. Call it again and again. */
  refresh(): Promise<void>;
  /** The instances that the keepalived of this FIFO has stopped. */
  stopped(): ReadonlySet<string>;
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
  let stopped = new Set<string>();
  let refreshing: Promise<void> | undefined;
  let isClosed = false;

  function close(): void {
    opened?.socket.destroy();
    opened = undefined;
    stopped = new Set();
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
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      for (const { name, state } of readNotifyLines(text)) {
        if (state !== 'STOP') stopped.delete(name);
        else if (stopped.size < maxStopped) stopped.add(name);
      }
      onLine();
    });
    socket.on('error', close);
    opened = { inode, socket };
  }

  return {
    refresh: () =>
      (refreshing ??= refresh().finally(() => {
        refreshing = undefined;
      })),
    stopped: () => stopped,
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
