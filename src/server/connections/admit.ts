import type { Server } from 'node:http';
import https from 'node:https';
import type net from 'node:net';

import { awaitClientHello } from './client-hello.ts';
import type { Connections } from './connections.ts';

/** Passes only accepted connections to a server, and to TLS only those that send a ClientHello. */
export function admit(server: Server | https.Server, connections: Connections): void {
  // The server's own listeners begin TLS or HTTP. A connection that never gets that far must cost almost nothing.
  const serve = server.listeners('connection') as ((socket: net.Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: net.Socket) => {
    if (!connections.accept(socket)) return;
    const begin = () => {
      for (const each of serve) each.call(server, socket);
    };
    if (server instanceof https.Server) {
      awaitClientHello(socket, () => {
        connections.startTls(socket, begin);
      });
    } else {
      begin();
    }
  });
  server.on('secureConnection', (socket: net.Socket) => {
    connections.secured(socket);
  });
}
