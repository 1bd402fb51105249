import { createHash } from 'node:crypto';

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Not for security: the API of agents has it. */
export function md5Of(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
