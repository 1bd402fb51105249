import type { Command } from 'commander';
import * as z from 'zod';

import { amphoraSocket } from '../../../amphora/paths.ts';
import type { KeepalivedReport } from '../../../keepalived/report.ts';
import { askService } from '../../../kit/ask-service.ts';
import { Fault, systemErrorCode } from '../../../kit/fault.ts';
import type { NodeFacts } from '../../../node/node.ts';
import { nodeLocalBase } from '../../../routes/node/local.ts';
import { statIfThere } from '../../../kit/files/files.ts';
import { NotWell } from '../failure.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import { debianHostFiles } from './host.ts';
import type { LoadBalancerFiles } from './load-balancers.ts';

const deadlineMs = 20_000;

interface NodeStatus extends NodeFacts {
  report: KeepalivedReport;
  /** Whether it has what `hactl node join --load-balancers` writes. */
  load_balancers: boolean;
}

const statusAnswer = z.looseObject({
  name: z.string(),
  adopted: z.looseObject({ store: z.string(), epoch: z.number() }).nullable(),
  report: z.looseObject({
    running: z.looseObject({ revision: z.number() }).nullable(),
    isAnswering: z.boolean(),
    instances: z.array(z.looseObject({ name: z.string(), state: z.string() })),
    troubles: z.array(z.string()),
  }),
});
const adoptAnswer = z.looseObject({ released: z.string().nullable() });

/** Adds `status`: this host as a node, as it sees itself. */
export function addNodeStatusCommand(
  node: Command,
  { agentConfig, amphoraConfig }: LoadBalancerFiles = debianHostFiles,
  socket = amphoraSocket,
): void {
  withOutput(node.command('status'))
    .summary('show this host as a node, and what its keepalived does')
    .description(
      'Shows whose orders this host runs, whether it can carry load balancers, the state of each VRRP instance, and what is wrong. As a check of a monitoring system it ends with 0 (well) or 2 (failing).',
    )
    .action(async (_options: unknown, command: Command) => {
      const said = (await ask(socket, '/status', 'GET', statusAnswer)) as unknown as NodeFacts &
        Pick<NodeStatus, 'report'>;
      const files = await Promise.all([agentConfig, amphoraConfig].map(statIfThere));
      const status = { ...said, load_balancers: files.every((each) => each !== undefined) };
      printData(command, status, () => {
        printStatus(status);
      });
      const { troubles } = status.report;
      if (troubles.length > 0) throw new NotWell('failing', troubles);
    });
}

/** Adds `adopt`: another controller may order this host from now on. */
export function addAdoptCommand(node: Command, onRecord: OnRecord, socket = amphoraSocket): void {
  withOutput(node.command('adopt'))
    .summary('let another controller order this host')
    .description(
      'Lets the next controller order this host, whichever store it has. keepalived goes on. Use it when the store whose orders this host runs is lost for good.',
    )
    .action(async (_options: unknown, command: Command) => {
      const { released } = await onRecord(['node', 'adopt'], () =>
        ask(socket, '/adopt', 'POST', adoptAnswer),
      );
      printData(command, { released }, () => {
        print(
          released === null
            ? 'This host runs no orders, so any controller that it has joined may order it.'
            : `This host no longer obeys the store ${released}. The next controller that orders it is obeyed.`,
        );
      });
    });
}

/** Faults: `amphora_not_running`, `amphora_unresponsive` */
async function ask<T>(
  socket: string,
  path: string,
  method: 'GET' | 'POST',
  schema: z.ZodType<T>,
): Promise<T> {
  try {
    const text = await askService(socket, `${nodeLocalBase}${path}`, deadlineMs, method);
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EACCES') throw error;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') {
      throw new Fault(
        'amphora_not_running',
        "ha-amphora does not run on this host. 'systemctl status ha-amphora' says why; a host becomes a node by 'hactl node join'.",
      );
    }
    throw new Fault(
      'amphora_unresponsive',
      `ha-amphora did not answer as a node does. Let this host join a controller first ('hactl node join'), or see 'journalctl -u ha-amphora'.`,
    );
  }
}

function printStatus({ name, adopted, report, load_balancers: hasBalancers }: NodeStatus): void {
  const { running, version, instances } = report;
  print(`Node ${name}, keepalived ${version === '' ? 'not installed' : version}`);
  print(
    running === null
      ? 'It runs no orders.'
      : `It runs revision ${running.revision} of ${adopted === null ? 'no store any more' : `the store ${adopted.store}`}.`,
  );
  if (hasBalancers) print("It can carry load balancers: 'hactl amphora status' shows them.");
  if (instances.length === 0) return;
  printTable(
    ['INSTANCE', 'STATE', 'SINCE', 'ADDRESSES'],
    instances.map(({ name: instance, state, since, addresses }) => [
      instance,
      state,
      since === null ? '-' : new Date(since).toISOString(),
      addresses.join(' ') || '-',
    ]),
  );
}
