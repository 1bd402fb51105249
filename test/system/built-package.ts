import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../build/', import.meta.url));

/** The path of the package that `npm run package` has made. */
export async function builtPackage(): Promise<string> {
  const files = await readdir(folder).catch((): string[] => []);
  const [file, ...others] = files.filter((each) => each.endsWith('.deb'));
  if (file === undefined || others.length > 0) {
    throw new Error(
      `There is not exactly one package in build/. Remove the folder and run 'npm run package'.`,
    );
  }
  return `${folder}${file}`;
}
