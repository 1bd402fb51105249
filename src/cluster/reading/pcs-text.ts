import type { PcsText } from '../../pcs/text.ts';
import type { Configuration } from './configuration.ts';

/** The output of pcs about parts of a configuration. */
export interface CibText {
  constraints: (of: Configuration) => Promise<string>;
  fencing: (of: Configuration) => Promise<string>;
}

/** Faults of both: those of PcsText. */
export function makeCibText(pcs: PcsText): CibText {
  return {
    constraints: ({ xml }) => pcs.about(xml, ['constraint', '--full']),
    fencing: ({ xml }) => pcs.about(xml, ['stonith', 'config']),
  };
}
