import { type Command, InvalidArgumentError } from 'commander';

import { readTextUpTo } from '../../../kit/files/files.ts';
import { printData, withOutput } from '../output.ts';
import { print, printTable } from '../print.ts';
import type { BalancerClient } from './client.ts';
import { secret } from './shown.ts';

/** A chain of certificates with its key is some ten kilobytes. */
const maxFileBytes = 256 * 1024;

/** Adds `secret put`, `secret list` and `secret remove`. */
export function addSecretCommands(lb: Command, client: BalancerClient): void {
  const secrets = lb
    .command('secret')
    .summary('store, list and remove certificates of listeners')
    .description(
      'Stores, lists and removes the certificates of tls listeners. The controller encrypts them, and shows no key.',
    );

  secrets
    .command('put')
    .summary('store a certificate, or replace it')
    .description(
      'Stores a certificate with its chain and key. Under an id that is in use, it replaces the former one, and the listeners that use it show it.',
    )
    .argument('<id>', 'its id, a UUID', readId)
    .argument('<file>', 'PEM file with the certificate, the chain and the key')
    .action(async (id: string, file: string) => {
      const body = { pem: await pemOf(file) };
      const { subject, expires_at: end } = secret.parse(
        await client.send('PUT', `/secrets/${id}`, body),
      );
      print(`The certificate of ${subject} is stored as ${id}. It is valid to ${end}.`);
    });

  withOutput(secrets.command('list'))
    .summary('list the certificates')
    .description('Lists the certificates with their names and how long they are valid.')
    .action(async (_options: unknown, command: Command) => {
      const found = await client.get('/secrets', secret.array());
      printData(command, found, () => {
        if (found.length === 0) print("There are no certificates. 'hactl lb secret put' adds one.");
        else
          printTable(
            ['ID', 'VALID TO', 'SUBJECT', 'NAMES'],
            found.map((each) => [each.id, each.expires_at, each.subject, each.names.join(', ')]),
          );
      });
    });

  secrets
    .command('remove')
    .summary('remove a certificate')
    .description('Removes a certificate that no listener uses.')
    .argument('<id>', 'its id', readId)
    .action(async (id: string) => {
      await client.send('DELETE', `/secrets/${id}`);
      print(`The certificate ${id} is removed.`);
    });
}

function readId(text: string): string {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("Expected a UUID, such as 'uuidgen' prints.");
}

async function pemOf(file: string): Promise<string> {
  const text = await readTextUpTo(file, maxFileBytes);
  if (text === undefined) throw new InvalidArgumentError(`There is no file ${file}.`);
  if (text === false || !text.includes('-----BEGIN ')) {
    throw new InvalidArgumentError(
      `${file} is no PEM file of a certificate with its chain and key. Name such a file.`,
    );
  }
  return text;
}
