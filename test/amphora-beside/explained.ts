import type { Explained } from './differences.ts';

/**
 * The differences between the agent of Debian 12 and ours. Each names a line in docs/amphora.md, "Differences from Octavia's
 * agent".
 */
export const explained: readonly Explained[] = [];
