import { isIP } from 'node:net';

import * as z from 'zod';

// Values of keys that occur in several sections.

export const port = z.number().int().min(1).max(65535);
export const absolutePath = z.string().regex(/^\//, 'expected an absolute path');
export const address = z
  .string()
  .refine((text) => isIP(text) !== 0, 'expected an IP address, such as "192.0.2.1", or null');
