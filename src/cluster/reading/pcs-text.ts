import type { PcsText } from '../../pcs/text.ts';
import type { Configuration } from './configuration.ts';

/** What pcs says about parts of a configuration: the fields documented as `raw`. */
export interface CibWords {
  constraints: (of: Configuration) => Promise<string>;
  fencing: (of: Configuration) => Promise<string>;
}

/** Faults of both: those of PcsText. */
export function makeCibWords(pcs: PcsText): CibWords {
  return {
    constraints: ({ xml }) => pcs.about(xml, ['constraint', '--full']),
    fencing: ({ xml }) => pcs.about(xml, ['stonith', 'config']),
  };
}
