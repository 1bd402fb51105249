import { type Command, InvalidArgumentError, Option } from 'commander';

import {
  addHeader,
  addMember,
  addText,
  apiWord,
  protocols,
  readListener,
  readMonitor,
  readPersistence,
  readSeconds,
  readThreshold,
  readWhole,
  type WantedListener,
  type WantedMember,
} from './values.ts';

/** How long `--wait` waits by default. */
const usualWaitSeconds = 30;
const maxWaitSeconds = 300;

/** The options of a change. */
export interface WaitOptions {
  wait?: true;
  timeout: number;
}

/** Adds `--wait` and `--timeout`. */
export function withWait(command: Command): Command {
  return command
    .option('--wait', 'end when the nodes run the change, or when it has failed')
    .option(
      '--timeout <seconds>',
      'how long --wait waits',
      (text) => readWhole(text, 1, maxWaitSeconds),
      usualWaitSeconds,
    );
}

/** The options of `add`, as commander has them. */
export interface AddOptions extends WaitOptions {
  network?: string;
  subnet?: string;
  port?: string;
  address?: string;
  tenant: string;
  description?: string;
  disabled?: true;
  listener?: WantedListener;
  connectionLimit?: number;
  certificate?: string[];
  header?: string[];
  member?: WantedMember[];
  poolProtocol?: string;
  algorithm: string;
  persistence?: object;
  monitor?: { type: string; url_path?: string };
  delay: number;
  checkTimeout?: number;
  fall: number;
  rise: number;
  expect?: string;
}

/** The mode of the members that a listener has by default. */
const poolProtocols: Readonly<Record<string, string>> = {
  TCP: 'TCP',
  HTTP: 'HTTP',
  HTTPS: 'HTTPS',
  TERMINATED_HTTPS: 'HTTP',
};

/** Adds the options of a load balancer with all that is below it. */
export function withTree(command: Command): Command {
  return command
    .option('--network <network>', 'the network of its address, by name or id')
    .option('--subnet <id>', 'the subnet of its address')
    .option('--port <id>', 'a port, made before by the API, whose address it gets')
    .option('--address <address>', 'its address; by default a free one')
    .option('--tenant <tenant>', 'the tenant that it belongs to', 'default')
    .option('--description <text>', 'a text for people')
    .option('--disabled', 'make it disabled')
    .option(
      '--listener <protocol:port>',
      'what it listens on: tcp, http, https (passed through) or tls (ended here), such as http:80',
      readListener,
    )
    .option('--connection-limit <number>', 'the most connections at a time', (text) =>
      readWhole(text, 1, 1_000_000),
    )
    .option(
      '--certificate <id>',
      "a certificate of a tls listener, from 'hactl lb secret put'; once for each, the default first",
      addText,
    )
    .addOption(
      new Option('--header <name>', 'a header that it adds to requests, once for each')
        .choices(['X-Forwarded-For', 'X-Forwarded-Port', 'X-Forwarded-Proto'])
        .argParser(addHeader),
    )
    .option(
      '--member <address:port>',
      'where the traffic goes, once for each; with ":WEIGHT" at the end, it has another weight than 1',
      addMember,
    )
    .addOption(
      new Option(
        '--pool-protocol <protocol>',
        'how members are spoken to, by default as the listener says; proxy sends the PROXY header first',
      ).choices(['tcp', 'http', 'https', 'proxy']),
    )
    .addOption(
      new Option('--algorithm <algorithm>', 'which member gets a connection')
        .choices(['round-robin', 'least-connections', 'source-ip'])
        .default('round-robin'),
    )
    .option(
      '--persistence <kind>',
      'keep clients on their member: source-ip, http-cookie[:NAME] or app-cookie:NAME',
      readPersistence,
    )
    .option(
      '--monitor <kind>',
      'how members are checked: ping, tcp, tls-hello, http:PATH or https:PATH',
      readMonitor,
    )
    .option('--delay <seconds>', 'the time between two checks of a member', readSeconds, 5)
    .option(
      '--check-timeout <seconds>',
      'how long a check may take; by default 3 seconds, or the delay if that is shorter',
      readSeconds,
    )
    .option('--fall <number>', 'failed checks until a member is out', readThreshold, 3)
    .option('--rise <number>', 'good checks until a member is back', readThreshold, 2)
    .option('--expect <codes>', 'the answers that a check expects, such as 200,202-204');
}

/**
 * The body of the POST.
 * @param vip its VIP, with the id of a network
 */
export function treeOf(name: string, vip: object, options: AddOptions): object {
  const { listener, tenant, description, disabled, certificate, connectionLimit } = options;
  if (listener === undefined) {
    for (const each of ['member', 'monitor', 'persistence', 'certificate', 'header'] as const) {
      if (options[each] !== undefined) {
        throw new InvalidArgumentError(`--${each} needs a --listener.`);
      }
    }
  }
  const [first, ...others] = certificate ?? [];
  const isTls = listener?.protocol === protocols['tls'];
  if (isTls !== (first !== undefined)) {
    throw new InvalidArgumentError('A tls listener needs a --certificate, and only such a one.');
  }
  return {
    name,
    tenant_id: tenant,
    ...(description !== undefined && { description }),
    ...(disabled && { enabled: false }),
    vip,
    ...(listener && {
      listeners: [
        {
          name,
          ...listener,
          ...(connectionLimit !== undefined && { connection_limit: connectionLimit }),
          ...(first !== undefined && { default_tls_container_id: first }),
          ...(others.length > 0 && { sni_containers: others }),
          ...(options.header && {
            insert_headers: Object.fromEntries(options.header.map((each) => [each, 'true'])),
          }),
          default_pool: poolOf(name, listener, options),
        },
      ],
    }),
  };
}

function poolOf(name: string, { protocol }: WantedListener, options: AddOptions): object {
  const { poolProtocol, algorithm, persistence, member: members, monitor } = options;
  return {
    name,
    protocol: poolProtocol?.toUpperCase() ?? poolProtocols[protocol],
    lb_algorithm: apiWord(algorithm),
    ...(persistence && { session_persistence: persistence }),
    members: members ?? [],
    ...(monitor && { health_monitor: monitorOf(monitor, options) }),
  };
}

function monitorOf(
  monitor: object,
  { delay, checkTimeout, fall, rise, expect }: AddOptions,
): object {
  return {
    ...monitor,
    delay,
    timeout: checkTimeout ?? Math.min(3, delay),
    fall_threshold: fall,
    rise_threshold: rise,
    ...(expect !== undefined && { expected_codes: expect }),
  };
}
