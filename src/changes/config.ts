import * as z from 'zod';

import { defaultKeeping } from './audit/audit-files.ts';

/** The keys of the pipeline and of the audit log. */
export const changesConfig = z.strictObject({
  require_confirmation: z
    .boolean()
    .default(false)
    .describe(
      'Whether requests that cannot be undone must be confirmed by a second, identical request.',
    ),
  audit_max_bytes: z
    .number()
    .int()
    .min(1024 * 1024)
    .max(1024 ** 3)
    .default(defaultKeeping.maxBytes)
    .describe('Maximum size in bytes of one file of the audit log.'),
  audit_keep_files: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(defaultKeeping.keepFiles)
    .describe('How many closed files of the audit log are kept; each covers at most 30 days.'),
});

export type ChangesConfig = Readonly<z.output<typeof changesConfig>>;
