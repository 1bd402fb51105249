import { dirname } from 'node:path';

import type { AttributeStore } from '../../format/attributes.ts';
import { changedMeanwhile } from '../path-faults.ts';
import { type GivenLists, readLists } from './lists-here.ts';

/** Gives access control lists to what a restore makes, and takes away those that its folder gave to it. */
export interface Lists {
  /**
   * To be called of what nobody else may open yet, before it gets its mode: the mode opens it to the list too.
   * @param path of the host, below its root
   * Faults: `changed_meanwhile`, those of AttributeStore
   */
  give(path: string, lists: GivenLists): Promise<void>;
}

/** For one restore or undo; what a folder gives to what is made in it is asked once. */
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
      // It was found to have them when it was compared.
      if (without.length > 0) throw changedMeanwhile(path);
    },
  };
}
