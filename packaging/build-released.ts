// Prints the path of the package of the last release (packaging/released.json), which is built first if this machine has
// not done so yet: npm run package:released
import { releasedPackage } from '../test/lab/released-package.ts';
import { progressOnStderr } from '../test/lab/progress.ts';

try {
  console.log(await releasedPackage(progressOnStderr));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
