import http from 'node:http';

/** Clients that ask an address all the time, each over a connection of its own. */
export interface Clients {
  readonly failures: readonly string[];
  count(): number;
  /** Lets the clients finish what they began. */
  stop(): Promise<void>;
}

const everyMs = 20;
/** Longer than the machine may stand still. */
const timeoutMs = 10_000;

/** Starts a request every 20 ms. One that has no answer with the status 200 in 10 s is a failure. */
export function startClients({ host, port }: { host: string; port: number }): Clients {
  const failures: string[] = [];
  const open = new Set<Promise<void>>();
  let count = 0;
  const timer = setInterval(() => {
    count += 1;
    const asked = ask(host, port).catch((error: unknown) => {
      failures.push(`${new Date().toISOString()} ${String(error)}`);
    });
    open.add(asked);
    void asked.finally(() => open.delete(asked));
  }, everyMs);
  return {
    failures,
    count: () => count,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

function ask(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, agent: false });
    const timer = setTimeout(() => {
      request.destroy(new Error(`no answer in ${timeoutMs} ms`));
    }, timeoutMs);
    request.on('close', () => {
      clearTimeout(timer);
    });
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`status ${response.statusCode ?? 'none'}`));
      });
    });
  });
}
