import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a new empty folder before each test of the suite, and removes it afterwards. */
export function temporaryFolder(): { path: string } {
  const folder = { path: '' };
  beforeEach(async () => {
    folder.path = await mkdtemp(join(tmpdir(), 'ha-agent-test-'));
  });
  afterEach(async () => {
    // A process that a test has just killed may have created one more file.
    await rm(folder.path, { recursive: true, force: true, maxRetries: 10 });
  });
  return folder;
}
