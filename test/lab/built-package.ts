import { access, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The path of the package of this version that `npm run package` made. */
export async function builtPackage(): Promise<string> {
  const manifest = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as { version: string };
  // As in Debian's versions, where 1.0.0~rc.1 comes before 1.0.0.
  const file = `${root}build/ha-agent_${manifest.version.replace('-', '~')}_amd64.deb`;
  await access(file).catch(() => {
    throw new Error(`There is no ${file}. Run 'npm run package' first.`);
  });
  return file;
}
