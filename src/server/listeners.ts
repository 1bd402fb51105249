import http, { type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import type net from 'node:net';

import type { Config } from '../config.ts';
import { apiTls, type TlsIdentity } from '../tls.ts';
import { close, freeSocket, listen, type Listeners, tcp } from './listen.ts';

/** Those of the API. */
export interface ApiListeners extends Listeners {
  /** Serves new connections with another certificate. */
  setIdentity(identity: TlsIdentity): void;
}

/**
 * Opens every configured door. The Unix socket gets its mode from the process's umask, for
 * a mode that is set behind would leave a moment in which anybody can connect.
 * Faults: `cannot_listen`
 */
export async function openListeners(
  apps: { network: RequestListener; socket: RequestListener },
  config: Config,
  identity: TlsIdentity,
): Promise<ApiListeners> {
  const secure = https.createServer({ ...apiTls, ...identity }, apps.network);
  const opened: { server: Server | https.Server; address: string }[] = [];
  const open = async (server: Server | https.Server, where: net.ListenOptions, address: string) => {
    // A UI polls over one connection; the default of 5 s would close it between two polls.
    server.keepAliveTimeout = 65_000;
    server.maxConnections = 1000;
    await listen(server, where, address);
    opened.push({ server, address });
  };
  const stop = async () => {
    await Promise.all(opened.map(({ server }) => close(server)));
  };

  try {
    await freeSocket(config.socket);
    await open(http.createServer(apps.socket), { path: config.socket }, config.socket);
    const tls = tcp(config.https_address, config.https_port);
    await open(secure, tls.where, `https://${tls.name}`);
    if (config.http_port !== null) {
      const plain = tcp(config.http_address, config.http_port);
      await open(http.createServer(apps.network), plain.where, `http://${plain.name}`);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    addresses: opened.map(({ address }) => address),
    stop,
    setIdentity: (next) => {
      secure.setSecureContext({ ...apiTls, ...next });
    },
  };
}

/**
 * Opens a socket for root on this host. Its mode is that of the process's umask.
 * Faults: `cannot_listen`
 */
export async function openSocketListener(app: RequestListener, path: string): Promise<Listeners> {
  const server = http.createServer(app);
  await freeSocket(path);
  await listen(server, { path }, path);
  return { addresses: [path], stop: () => close(server) };
}
