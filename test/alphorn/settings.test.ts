import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import {
  checkSettings,
  defaultSettings,
  destinationOf,
  readSettings,
  writeSettings,
} from '../../src/alphorn/settings.ts';
import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const documented = {
  interval: 30000,
  sync: { enabled: true, destinations: ['192.168.7.62', '192.168.7.64'] },
};

describe("Alphorn's settings", () => {
  const folder = temporaryFolder();
  const file = () => join(folder.path, 'etc', 'config.json');

  it('are the defaults if there is no file', async () => {
    expect(await readSettings(file())).to.deep.equal({
      interval: 30000,
      sync: { enabled: false, destinations: [] },
    });
  });

  it('are read as they were written, and leave no other file', async () => {
    await writeSettings(file(), documented);
    await writeSettings(file(), { ...documented, interval: 1000 });
    expect(await readSettings(file())).to.deep.equal({ ...documented, interval: 1000 });
    expect(JSON.parse(await readFile(file(), 'utf8'))).to.deep.equal({
      ...documented,
      interval: 1000,
    });
    expect(await readdir(join(folder.path, 'etc'))).to.deep.equal(['config.json']);
  });

  it('are a fault that names the file and the key if the file is wrong', async () => {
    await writeSettings(file(), defaultSettings);
    for (const [text, named] of [
      ['{', 'no JSON'],
      ['{"interval": 999, "sync": {"enabled": true, "destinations": []}}', "'interval'"],
      ['{"interval": 1000, "sync": {"enabled": true, "destinations": [1]}}', "destinations[0]'"],
    ] as const) {
      await writeFile(file(), text);
      const fault = await faultOf('alphorn_settings_invalid', readSettings(file()));
      expect(fault.message).to.include(file()).and.to.include(named);
    }
  });

  const sync = documented.sync;
  const wrong: readonly (readonly [what: string, value: unknown, field: string, type: string])[] = [
    ['a value that is not an object', [], '', 'array'],
    ['nothing', undefined, '', 'undefined'],
    ['null', null, '', 'null'],
    ['an unknown key', { ...documented, keep: 5 }, 'keep', 'number'],
    [
      'an unknown key in a section',
      { ...documented, sync: { ...sync, key: 'x' } },
      'sync.key',
      'string',
    ],
    ['no interval', { sync }, 'interval', 'undefined'],
    ['an interval below a second', { interval: 999, sync }, 'interval', 'number'],
    ['an interval above what a timer takes', { interval: 2 ** 31, sync }, 'interval', 'number'],
    ['an interval that is not a whole number', { interval: 1000.5, sync }, 'interval', 'number'],
    ['an interval as text', { interval: '30000', sync }, 'interval', 'string'],
    ['no sync', { interval: 1000 }, 'sync', 'undefined'],
    ['sync as a list', { interval: 1000, sync: [] }, 'sync', 'array'],
    ['enabled as text', withSync({ enabled: 'true' }), 'sync.enabled', 'string'],
    ['one destination as text', withSync({ destinations: 'a' }), 'sync.destinations', 'string'],
    [
      'an invalid destination',
      withSync({ destinations: ['a', ''] }),
      'sync.destinations[1]',
      'string',
    ],
    [
      'a destination that is null',
      withSync({ destinations: [null] }),
      'sync.destinations[0]',
      'null',
    ],
    [
      'a destination twice',
      withSync({ destinations: ['a', 'b', 'A'] }),
      'sync.destinations[2]',
      'string',
    ],
    ['101 destinations', withSync({ destinations: many(101) }), 'sync.destinations', 'array'],
  ];
  for (const [what, value, field, type] of wrong) {
    it(`with ${what} are invalid`, () => {
      const { errors = [] } = checkSettings(value);
      expect(errors.map((error) => [error.field, error.type])).to.deep.include([field, type]);
      for (const { message } of errors) expect(message).to.match(/^(?:must|is) /);
    });
  }

  it('may have 100 destinations', () => {
    expect(checkSettings(withSync({ destinations: many(100) })).errors).to.equal(undefined);
  });

  it('treat all spellings of an address as one destination', () => {
    for (const [a, b] of [
      ['192.0.2.7', '192.0.2.7:8444'],
      ['Backup.example', 'backup.EXAMPLE:8444'],
      ['2001:db8::7', '[2001:DB8:0:0:0:0:0:7]:8444'],
    ] as const) {
      const { errors = [] } = checkSettings(withSync({ destinations: [a, b] }));
      expect(
        errors.map(({ field }) => field),
        `${a} ${b}`,
      ).to.deep.equal(['sync.destinations[1]']);
    }
  });

  it('name a destination by address or name, with or without a port', () => {
    expect(destinationOf('192.0.2.7')).to.deep.equal({ host: '192.0.2.7', port: 8444 });
    expect(destinationOf('192.0.2.7:99')).to.deep.equal({ host: '192.0.2.7', port: 99 });
    expect(destinationOf('backup-1.example:65535')).to.deep.equal({
      host: 'backup-1.example',
      port: 65535,
    });
    expect(destinationOf('2001:db8::7')).to.deep.equal({ host: '2001:db8::7', port: 8444 });
    expect(destinationOf('[2001:db8::7]:99')).to.deep.equal({ host: '2001:db8::7', port: 99 });
    expect(destinationOf('fe80::1%eth0')).to.deep.equal({ host: 'fe80::1%eth0', port: 8444 });
    for (const text of [
      '',
      ' ',
      'a b',
      'a:',
      'a:0',
      'a:65536',
      'a:1:2',
      'a:x',
      ':8444',
      '[::1',
      '::1]',
      '[a]:1',
      '[]',
      '192.168.7',
      '256.1.1.1',
      '1.2.3.4.5',
      '-a',
      'a-',
      'a..b',
      '.a',
      'a_b',
      'a/b',
      'a@b',
      'ä',
      'a\n',
      'http://a',
      '--a',
      `${'a'.repeat(64)}.b`,
      `${'a.'.repeat(127)}b`,
    ]) {
      expect(destinationOf(text), JSON.stringify(text)).to.equal(undefined);
    }
  });

  function withSync(more: object): object {
    return { interval: 1000, sync: { ...sync, ...more } };
  }

  function many(count: number): string[] {
    return Array.from({ length: count }, (_, index) => `host${index}`);
  }
});
