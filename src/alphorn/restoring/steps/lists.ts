import { dirname } from 'node:path';

import type { AttributeStore } from '../../format/attributes.ts';
import { changedMeanwhile } from '../path-faults.ts';
import { type GivenLists, readLists } from './lists-here.ts';

/** Sets access control lists of what a restore makes, and removes those that it inherited from its folder. */
export interface Lists {
  /**
   * Sets the lists of a path that nobody else may open yet. Call it before the mode is set, which also puts the list
   * into force.
   * @param path a path below the root
   * Faults: `changed_meanwhile`, those of AttributeStore
   */
  give(path: string, lists: GivenLists): Promise<void>;
}

/** Make one for each restore or undo: it asks only once what a folder passes on. */
export function makeLists(attributes: AttributeStore): Lists {
  const givers = new Map<string, boolean>();

  async function inherits(folder: string): Promise<boolean> {
    const known = givers.get(folder);
    if (known !== undefined) return known;
    const { defaultAcl = null } = (await readLists(attributes, [folder]))(folder);
    const gives = defaultAcl !== null;
    givers.set(folder, gives);
    return gives;
  }

  return {
    async give(path, { acl, defaultAcl }) {
      const isPlain = acl === undefined && defaultAcl === undefined;
      if (isPlain && !(await inherits(dirname(path)))) return;
      const change = { path, acl: acl ?? null, defaultAcl: defaultAcl ?? null };
      const without = await attributes.write([change]);
      // The comparison had found that it can have lists.
      if (without.length > 0) throw changedMeanwhile(path);
    },
  };
}
