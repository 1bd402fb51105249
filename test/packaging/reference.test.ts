import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { expect } from 'chai';
import type { Command } from 'commander';
import { z } from 'zod';

import { manPage, type PageName, pageNames } from '../../packaging/man/pages.ts';
import { describedProgram } from '../../packaging/reference/commands.ts';
import { keysOf } from '../../packaging/reference/keys.ts';
import { documentsWithTables, withTables } from '../../packaging/reference/tables.ts';
import { rulesSchema } from '../../src/alphorn/collecting/rules.ts';
import { exitCodes } from '../../src/bin/hactl/exit-codes.ts';
import { configFile } from '../../src/kit/paths.ts';
import { debianPaths } from '../../src/bin/wiring/paths.ts';
import { configSchema } from '../../src/bin/wiring/config.ts';

/** The page as a person reads it, without the requests and escapes of roff. */
async function read(page: PageName): Promise<string> {
  return (await manPage(page)).replace(/\\f[BIR]|\\&/g, '').replaceAll('\\-', '-');
}

describe('the reference', () => {
  it('names each key of the configuration in ha-agent.json(5)', async () => {
    const page = await read('ha-agent.json.5');
    for (const key of Object.keys(configSchema.shape)) expect(page).to.include(`\n${key} (`);
  });

  it('names each key of the settings and rules of Alphorn in ha-agent.json(5)', async () => {
    const page = await read('ha-agent.json.5');
    const keys = [
      'interval',
      'sync.enabled',
      'sync.destinations',
      ...Object.keys(rulesSchema.shape),
    ];
    for (const key of keys) expect(page).to.include(`\n${key} (`);
  });

  it('names each path that the program knows in ha-agent(8)', async () => {
    const page = await read('ha-agent.8');
    const paths = [configFile, ...textsIn(debianPaths)].filter((path) => path !== '/');
    expect(paths).to.include('/etc/corosync/authkey').and.to.include('/run/systemd/transient');
    for (const path of paths) expect(page).to.include(`\n${path}\n`);
  });

  it('names each file that an administrator may edit in ha-agent(8)', async () => {
    const page = await read('ha-agent.8');
    const paths = (await readFile('packaging/debian/conffiles', 'utf8')).trim().split('\n');
    for (const path of paths)
      expect(
        [path, dirname(path)].some((each) => page.includes(`\n${each}\n`)),
        path,
      ).to.equal(true);
  });

  it('names each service and port in ha-agent(8)', async () => {
    const page = await read('ha-agent.8');
    for (const unit of await readdir('systemd')) expect(page).to.include(`\n${unit}\n`);
    const presets = Object.entries(configSchema.parse({})).filter(([key]) => key.endsWith('_port'));
    expect(presets.map(([, port]) => port)).to.deep.equal([8443, null, 8444]);
    for (const [key, port] of presets) {
      expect(page).to.include(`Key: ${key}.`);
      if (port !== null) expect(page).to.include(`\n${String(port)}\n`);
    }
  });

  it('names each command of hactl, with its arguments and options, in hactl(8)', async () => {
    const page = await read('hactl.8');
    const sections = new Map(
      page.split('\n.S').map((text) => [text.slice(2).split('\n')[0], text]),
    );
    const common = sections.get('OPTIONS') ?? '';
    const check = (command: Command, name: string) => {
      const section = sections.get(name);
      expect(section, name).to.include(command.description());
      for (const { long } of command.options)
        expect(`${section ?? ''}${common}`, name).to.include(String(long));
      for (const argument of command.registeredArguments)
        expect(section, name).to.include(`\n${argument.name().toUpperCase()}\n`);
      for (const each of command.commands) check(each, `${name} ${each.name()}`.trim());
    };
    for (const each of describedProgram().commands) check(each, each.name());
    expect(common).to.include('--version');
  });

  it('names each exit code in hactl(8)', async () => {
    const page = await read('hactl.8');
    const status = page.slice(page.indexOf('.SH EXIT STATUS'), page.indexOf('.SH ENVIRONMENT'));
    for (const code of Object.values(exitCodes)) expect(status).to.include(`\n${code}\n`);
  });

  it('leaves no placeholder in a page', async () => {
    for (const page of pageNames) expect(await manPage(page)).not.to.match(/^@/m);
  });

  it('cannot be made from a schema with a key that has no description', () => {
    expect(() => keysOf(z.strictObject({ a: z.string() }))).to.throw('a has no description');
  });

  for (const document of documentsWithTables) {
    it(`has its tables in ${document} as 'npm run reference' writes them`, async () => {
      const text = await readFile(document, 'utf8');
      expect(text).to.match(/<!-- table: [\w-]+ -->/);
      expect(await withTables(text)).to.equal(text);
    });
  }
});

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Object.values(value as object).flatMap(textsIn);
}
