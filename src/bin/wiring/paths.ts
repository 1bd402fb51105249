import { type AlphornPaths, debianAlphornPaths } from '../../alphorn/paths.ts';
import { type ClusterPaths, debianClusterPaths } from '../../cluster/paths.ts';

/**
 * The files of the agent that no key of the configuration moves, in the sections of their users. Tests use other paths.
 */
export type Paths = ClusterPaths & { alphorn: AlphornPaths };

/** The paths on Debian. */
export const debianPaths: Paths = { ...debianClusterPaths, alphorn: debianAlphornPaths };
