import { open, rm } from 'node:fs/promises';

import { Fault, noSpaceOf, systemErrorCode } from '../../kit/fault.ts';
import type { LiferaftStore } from '../receiving/store.ts';

/**
 * Copies a stored liferaft to a file for root only, which can be carried to a host that has nothing yet.
 * @param to a path where nothing is yet
 * Faults: `liferaft_not_found`, `liferaft_damaged`, `invalid_request` if there is such a file, `no_space`
 */
export async function exportLiferaft(
  store: Pick<LiferaftStore, 'open'>,
  name: string,
  to: string,
): Promise<void> {
  const liferaft = await store.open(name);
  try {
    await liferaft.check();
    const file = await open(to, 'wx', 0o600);
    try {
      for await (const piece of liferaft.bytes()) await file.appendFile(piece);
      await file.sync();
    } catch (error) {
      await rm(to, { force: true });
      throw error;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw faultOf(to, error);
  } finally {
    await liferaft.close();
  }
}

function faultOf(to: string, error: unknown): unknown {
  if (systemErrorCode(error) !== 'EEXIST') return noSpaceOf(error, to) ?? error;
  return new Fault(
    'invalid_request',
    `There is something at ${to} already. Name a file that is new.`,
  );
}
