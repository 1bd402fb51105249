// Installs the npm modules when they are missing or older than package-lock.json, so that a fresh
// clone needs no command before `npm test` or `npm run demo`.
//
// npm writes node_modules/.package-lock.json last, so a half-done install is older than the lock.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} path */
const modifiedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (modifiedAt(`${root}node_modules/.package-lock.json`) < modifiedAt(`${root}package-lock.json`)) {
  console.error('Installing npm modules (npm ci) ...');
  // Errors only: npm warns of modules that do not run on the machine's Node.js, but the scripts run on Node.js 24.
  const options = ['--ignore-scripts', '--no-progress', '--loglevel=error'];
  const { status } = spawnSync('npm', ['ci', ...options], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error(
      'npm ci failed; its message is above. Check the npm registry setting, then run this again.',
    );
    process.exit(1);
  }
}
