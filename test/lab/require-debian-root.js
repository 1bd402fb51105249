// Runs before anything else of the lab, so it may use nothing that has to be installed first: not even
// npm modules, and only syntax that an old Node can parse. Says everything that is missing at once.
import { readFileSync } from 'node:fs';

/** @param {string} path */
const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const wanted = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);
const problems = [];

if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  problems.push(
    `Node is ${process.versions.node}, and ${wanted.join('.')} or newer is needed: install a newer Node.`,
  );
}
if (process.platform !== 'linux' || !/^ID="?debian"?$/m.test(read('/etc/os-release'))) {
  problems.push('This is not a Debian machine: run it on one, a virtual machine will do.');
}
if (process.arch !== 'x64') {
  problems.push(
    `The processor is ${process.arch}, and the nodes are x86-64: run it on an x86-64 machine.`,
  );
}
if (process.getuid?.() !== 0) {
  problems.push(
    'You are not root, and the nodes need mounts and network namespaces: run the same command as root (sudo npm run ...).',
  );
}

if (problems.length > 0) {
  console.error(
    ['The lab runs real clusters on this machine, and cannot do it here. Nothing was touched.']
      .concat(problems)
      .join('\n - '),
  );
  process.exit(1);
}
