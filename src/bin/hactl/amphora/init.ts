import { type Command, InvalidArgumentError } from 'commander';

import { makePairCertificates } from '../../../amphora/pair-certificates.ts';
import { makeRun } from '../../../kit/exec.ts';
import { makeLog } from '../../../kit/log.ts';
import type { OnRecord } from '../on-record.ts';
import { printData, withOutput } from '../output.ts';
import { print } from '../print.ts';

/** Adds `init`. */
export function addInitCommand(amphora: Command, onRecord: OnRecord): void {
  withOutput(amphora.command('init'))
    .summary('make the certificates of amphorae by hand')
    .description(
      'Makes an authority, a certificate for each amphora and one for the controller, which only root can read. Nothing renews them: those of the amphorae and of the controller end after three years.',
    )
    .argument('<folder>', 'where to put them; it must not exist')
    .argument('<id...>', 'the ids of the amphorae, such as two UUIDs for a pair', addId, [])
    .action(async (folder: string, ids: string[], _options: unknown, command: Command) => {
      const made = await onRecord(['amphora', 'init', folder, ...ids], () =>
        makePairCertificates(folder, ids, makeRun(makeLog('silent'))),
      );
      printData(command, made, () => {
        for (const [id, path] of Object.entries(made.servers)) {
          print(`On amphora ${id}: ${path} becomes /etc/octavia/certs/server.pem`);
        }
        print(`On each amphora: ${made.ca} becomes /etc/octavia/certs/client_ca.pem`);
        print(`For the controller: ${made.client}, and ${made.ca} to verify the amphorae`);
        print(`Away from all of them: ${made.caKey}, which signs further certificates`);
      });
    });
}

function addId(id: string, former: readonly string[]): string[] {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    throw new InvalidArgumentError('Expected letters, digits, - and _, at most 64.');
  }
  if (former.includes(id)) throw new InvalidArgumentError('Each id may be there once.');
  return [...former, id];
}
