import { type Command, InvalidArgumentError } from 'commander';

import { readJoinToken } from '../../../controller/certificates/join-tokens.ts';
import { plainFingerprint } from '../../../controller/certificates/life.ts';
import { makeRun } from '../../../kit/exec.ts';
import { makeLog } from '../../../kit/log.ts';
import { joinPath } from '../../../routes/controller/join.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print } from '../print.ts';
import { debianHostFiles, type HostFiles, makeJoiningHost } from './host.ts';
import { refuseWithoutLoadBalancers, writeLoadBalancerFiles } from './load-balancers.ts';
import { makeStartAgent } from './start-agent.ts';

interface JoinOptions {
  name?: string;
  address?: string;
  loadBalancers?: true;
}

/** The files of this host, and its service. */
export interface JoiningParts {
  onRecord: OnRecord;
  files?: HostFiles | undefined;
  /** Starts ha-amphora, now and at each boot. Faults: `service_failed`, those of Run */
  startAgent?: (() => Promise<void>) | undefined;
}

/** Adds `join`. */
export function addJoinCommand(node: Command, parts: JoiningParts): void {
  const { onRecord } = parts;
  withOutput(node.command('join'))
    .summary('make this host a node of a controller')
    .description(
      'Makes this host a node of a controller. The controller has to show the certificate whose fingerprint the token has; only then the secret of the token is sent. The key of this host stays here. ha-amphora, which answers the controller, is started and enabled.',
    )
    .argument('<url>', 'the controller, such as https://192.0.2.1:9876', controllerUrl)
    .argument('<token>', "the join token, from 'hactl node token' on the controller")
    .option('--name <name>', 'the name of the node (default: the name of this host)', nodeName)
    .option(
      '--address <address>',
      'where the controller reaches this host (default: the address that it sees)',
    )
    .option(
      '--load-balancers',
      'let it carry load balancers too, which needs haproxy; what is configured here stays',
    )
    .action(async (url: URL, text: string, options: JoinOptions, command: Command) => {
      const more = options.loadBalancers ? ['--load-balancers'] : [];
      const joined = await onRecord(['node', 'join', url.origin, ...more], () =>
        join(url, text, options, parts),
      );
      printData(command, joined, () => {
        print(`This host is the node ${joined.id} (${joined.name}) of ${url.origin}.`);
        if (options.loadBalancers) print('It can carry load balancers.');
      });
    });
}

async function join(
  url: URL,
  text: string,
  options: JoinOptions,
  { files = debianHostFiles, startAgent = makeStartAgent() }: JoiningParts,
): Promise<{ id: number; name: string }> {
  const token = readJoinToken(text);
  if (token === undefined) {
    throw new InvalidArgumentError("The token is not one that 'hactl node token' prints.");
  }
  const host = makeJoiningHost(makeRun(makeLog('silent')), files);
  await host.refuseJoined();
  const port = await host.port(
    ({ fingerprint256 }) => plainFingerprint(fingerprint256) === token.fingerprint,
  );
  const { name: usual, ...facts } = await host.facts();
  const name = options.name ?? usual;
  if (options.loadBalancers) await refuseWithoutLoadBalancers(files, name);
  const request = await host.request(name);
  // It is loaded for this command only.
  const { askToJoin } = await import('../../../controller/nodes/join-client.ts');
  const joined = await askToJoin(url, joinPath, token, {
    secret: token.secret,
    name,
    ...facts,
    port,
    request,
    ...(options.address !== undefined && { host: options.address }),
  });
  await host.store(joined, { name, controller: url.origin });
  if (options.loadBalancers) await writeLoadBalancerFiles(files, name);
  await startAgent();
  return { id: joined.id, name };
}

function controllerUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && url.pathname === '/' && url.username === '') return url;
  throw new InvalidArgumentError('Expected an address such as https://192.0.2.1:9876.');
}

function nodeName(text: string): string {
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected letters, digits, _, . and -, at most 64.');
}
