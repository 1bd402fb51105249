import { type AlphornPaths, debianAlphornPaths } from '../../alphorn/paths.ts';
import { type ClusterPaths, debianClusterPaths } from '../../cluster/paths.ts';

/**
 * The files that the agent uses and that no key of the configuration moves, in the sections of those who use them. Tests
 * have others.
 */
export type Paths = ClusterPaths & { alphorn: AlphornPaths };

/** Where Debian has them. */
export const debianPaths: Paths = { ...debianClusterPaths, alphorn: debianAlphornPaths };
