import * as z from 'zod';

import { absolutePath } from './values.ts';

/** The keys that every family and every service uses. */
export const commonConfig = z.strictObject({
  state_directory: absolutePath
    .default('/var/lib/ha-agent')
    .describe(
      "Folder for tokens, the audit log, the agent's own certificate, patches that undo changes, and answers to repeated requests.",
    ),
  runtime_directory: absolutePath
    .default('/run/ha-agent')
    .describe('Folder for files that are needed only while the agent runs.'),
  read_deadline_seconds: z
    .number()
    .min(1)
    .max(120)
    .default(10)
    .describe('Timeout in seconds of a command that only reads.'),
  change_deadline_seconds: z
    .number()
    .min(5)
    .max(3600)
    .default(120)
    .describe(
      'Timeout in seconds of a command that changes something, and for the cluster to follow it.',
    ),
  log_level: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('How much goes to the journal; debug has a line for each command and request.'),
});

export type CommonConfig = Readonly<z.output<typeof commonConfig>>;
