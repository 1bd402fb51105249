import { expect } from 'chai';
import fc from 'fast-check';

import { mergeAccounts } from '../../../../../src/alphorn/restoring/accounts/merge/merge.ts';
import {
  type AccountFile,
  accountFiles,
  type AccountTexts,
} from '../../../../../src/alphorn/restoring/accounts/merge/account-files.ts';
import { parseAccountNumbers, parseAccounts } from '../../../../../src/parsers/accounts.ts';

const lines = (...each: string[]) => each.map((line) => `${line}\n`).join('');

/** A new installation with other numbers, and with a service that the lost host did not have. */
const here: AccountTexts = {
  '/etc/passwd': lines(
    'root:x:0:0:root:/root:/bin/bash',
    'messagebus:x:101:101::/run/dbus:/usr/sbin/nologin',
    'hacluster:x:450:451::/var/lib/pacemaker:/usr/sbin/nologin',
    'svc:x:998:998:service:/srv:/usr/sbin/nologin',
    'installer:x:1000:1000::/home/installer:/bin/bash',
  ),
  '/etc/group': lines(
    'root:x:0:',
    'messagebus:x:101:',
    'haclient:x:451:svc',
    'svc:x:998:',
    'installer:x:1000:',
  ),
  '/etc/shadow': lines(
    'root:!:20000:0:99999:7:::',
    'hacluster:!:20000::::::',
    'svc:!:20000::::::',
    'installer:$y$here:20000:0:99999:7:::',
  ),
  '/etc/gshadow': lines('root:*::', 'haclient:!::svc', 'svc:!::', 'installer:!::'),
  '/etc/subuid': lines('installer:100000:65536'),
  '/etc/subgid': lines('installer:100000:65536'),
};

const liferaft: AccountTexts = {
  '/etc/passwd': lines(
    'root:x:0:0:Root:/root:/bin/zsh',
    'messagebus:x:103:103::/old:/bin/false',
    'hacluster:x:107:112::/var/lib/pacemaker:/usr/sbin/nologin',
    'app:x:998:998:app:/srv/app:/usr/sbin/nologin',
    'alice:x:1000:1000::/home/alice:/bin/bash',
  ),
  '/etc/group': lines(
    'root:x:0:',
    'messagebus:x:103:',
    'haclient:x:112:alice',
    'app:x:998:',
    'alice:x:1000:',
  ),
  '/etc/shadow': lines('root:$y$root:19000:0:99999:7:::', 'hacluster:$y$ha:19000::::::'),
  '/etc/gshadow': lines('root:*::', 'haclient:!:alice:alice'),
  '/etc/subuid': lines('alice:100000:65536'),
  '/etc/subgid': lines('alice:100000:65536'),
};

/** The accounts that own files in the liferaft. */
const owners = { users: new Set(['root', 'hacluster']), groups: new Set(['root', 'haclient']) };

const merged = (
  changed: Partial<Parameters<typeof mergeAccounts>[0]> = {},
): ReturnType<typeof mergeAccounts> =>
  mergeAccounts({
    here,
    liferaft,
    owners,
    restored: new Set(accountFiles),
    replace: false,
    ...changed,
  });

const linesOf = (texts: AccountTexts, file: AccountFile) =>
  (texts[file] ?? '').split('\n').slice(0, -1);

describe('the merge of the accounts of a liferaft with those of a host', () => {
  it('keeps all accounts of both, by name', () => {
    const { texts } = merged();
    expect(linesOf(texts, '/etc/passwd')).to.deep.equal([
      'root:x:0:0:Root:/root:/bin/zsh',
      'messagebus:x:101:101::/run/dbus:/usr/sbin/nologin',
      'hacluster:x:107:112::/var/lib/pacemaker:/usr/sbin/nologin',
      // svc keeps the number 998, because app owns no file in the liferaft.
      'app:x:999:999:app:/srv/app:/usr/sbin/nologin',
      'alice:x:1000:1000::/home/alice:/bin/bash',
      'svc:x:998:998:service:/srv:/usr/sbin/nologin',
      'installer:x:1001:1001::/home/installer:/bin/bash',
    ]);
    expect(linesOf(texts, '/etc/group')).to.deep.equal([
      'root:x:0:',
      'messagebus:x:101:',
      'haclient:x:112:alice,svc',
      'app:x:999:',
      'alice:x:1000:',
      'svc:x:998:',
      'installer:x:1001:',
    ]);
  });

  it("takes passwords from the liferaft, and keeps those of this host's own accounts", () => {
    const { texts } = merged();
    expect(linesOf(texts, '/etc/shadow')).to.deep.equal([
      'root:$y$root:19000:0:99999:7:::',
      'hacluster:$y$ha:19000::::::',
      'svc:!:20000::::::',
      'installer:$y$here:20000:0:99999:7:::',
    ]);
    expect(linesOf(texts, '/etc/gshadow')).to.include('haclient:!:alice:alice,svc');
  });

  it('moves a range of subordinate ids of this host if the liferaft gives it to another account', () => {
    const { texts } = merged();
    expect(linesOf(texts, '/etc/subuid')).to.deep.equal([
      'alice:100000:65536',
      'installer:165536:65536',
    ]);
  });

  it('lists accounts that get other subordinate ids, in the order of their ranges', () => {
    const { ranges } = merged({
      here: { '/etc/subuid': lines('a:1000:10', 'a:2000:10', 'b:100:10', 'c:5000:10') },
      liferaft: { '/etc/subuid': lines('a:1000:10', 'a:3000:10', 'd:95:10') },
      restored: new Set(['/etc/subuid']),
    });
    expect(ranges.map(({ name, here, after }) => `${name} ${here} ${after}`)).to.deep.equal([
      'a 2000:10 3000:10',
      'b 100:10 5010:10',
    ]);
  });

  it('lists accounts that are new, get another number, or have another one in the liferaft', () => {
    const { changes } = merged();
    const users = changes.filter(({ kind }) => kind === 'user');
    const user = { kind: 'user' };
    expect(users).to.have.deep.members([
      { ...user, name: 'messagebus', change: 'kept', here: 101, after: 101, liferaft: 103 },
      { ...user, name: 'hacluster', change: 'renumbered', here: 450, after: 107, liferaft: 107 },
      { ...user, name: 'app', change: 'added', here: null, after: 999, liferaft: 998 },
      { ...user, name: 'alice', change: 'added', here: null, after: 1000, liferaft: 1000 },
      { ...user, name: 'installer', change: 'renumbered', here: 1000, after: 1001, liferaft: null },
    ]);
  });

  it('leaves a number to the account that owns files in the liferaft, and moves the account of this host', () => {
    const { texts, changes } = merged({
      owners: { users: new Set(['app']), groups: new Set() },
    });
    const passwd = linesOf(texts, '/etc/passwd');
    expect(passwd).to.include('app:x:998:999:app:/srv/app:/usr/sbin/nologin');
    expect(passwd).to.include('svc:x:999:998:service:/srv:/usr/sbin/nologin');
    expect(changes.find(({ name }) => name === 'svc')).to.include({ change: 'renumbered' });
  });

  it('changes nothing when it is repeated', () => {
    const { texts } = merged();
    const again = merged({ here: texts });
    expect(again.texts).to.deep.equal(texts);
    expect(again.changes.filter(({ change }) => change !== 'kept')).to.deep.equal([]);
  });

  it('can swap two numbers', () => {
    const text = (a: number, b: number) =>
      lines(`root:x:0:0::/:/`, `a:x:${a}:0::/:/`, `b:x:${b}:0::/:/`);
    const { numbers, texts } = merged({
      here: { '/etc/passwd': text(110, 120) },
      liferaft: { '/etc/passwd': text(120, 110) },
      owners: { users: new Set(['a', 'b']), groups: new Set() },
      restored: new Set(['/etc/passwd']),
    });
    expect(texts['/etc/passwd']).to.equal(text(120, 110));
    expect([...numbers.users.moved]).to.deep.equal([
      [110, 120],
      [120, 110],
    ]);
  });

  it('keeps two names of one number together', () => {
    const { texts } = merged({
      here: {
        '/etc/passwd': lines(
          'root:x:0:0::/:/',
          'toor:x:0:0::/:/',
          'a:x:110:0::/:/',
          'b:x:110:0::/:/',
        ),
      },
      liferaft: { '/etc/passwd': lines('root:x:0:0::/:/', 'admin:x:0:0::/:/', 'a:x:120:0::/:/') },
      owners: { users: new Set(['root', 'a']), groups: new Set() },
      restored: new Set(['/etc/passwd']),
    });
    expect(linesOf(texts, '/etc/passwd')).to.deep.equal([
      'root:x:0:0::/:/',
      'admin:x:0:0::/:/',
      'a:x:120:0::/:/',
      'toor:x:0:0::/:/',
      'b:x:120:0::/:/',
    ]);
  });

  it('gives each name its own number, whatever the lists are, and the same one when repeated', () => {
    // There are few numbers, so they clash.
    const number = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 997, max: 1003 }));
    const known = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const name = fc.constantFrom(...known);
    const list = fc
      .uniqueArray(fc.tuple(name, number), { selector: ([, each]) => each })
      .map((all) => [...new Map(all)])
      .map((all) => lines(...all.map(([who, each]) => `${who}:x:${each}:0::/:/`)));
    const owning = fc.subarray(known);
    fc.assert(
      fc.property(list, list, owning, (own, theirs, users) => {
        const mergeWith = (text: string) =>
          mergeAccounts({
            here: { '/etc/passwd': text },
            liferaft: { '/etc/passwd': theirs },
            restored: new Set(['/etc/passwd']),
            replace: false,
            owners: { users: new Set(users), groups: new Set() },
          });
        const { texts, numbers } = mergeWith(own);
        const text = texts['/etc/passwd'] ?? '';
        const after = [...parseAccountNumbers(text)];
        expect(new Map(after)).to.deep.equal(numbers.users.after);
        expect(new Set(after.map(([, each]) => each)).size).to.equal(after.length);
        const both = [...parseAccountNumbers(own).keys(), ...parseAccountNumbers(theirs).keys()];
        expect(after.map(([who]) => who)).to.have.members([...new Set(both)]);
        expect(mergeWith(text).texts['/etc/passwd']).to.equal(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps lines that are not accounts, and puts lines for NIS at the end', () => {
    const { texts } = merged({
      here: { '/etc/passwd': lines('root:x:0:0::/:/', 'svc:x:998:998::/:/', '+::::::') },
      liferaft: { '/etc/passwd': lines('# ours', 'root:x:0:0::/:/', '+@admins::::::') },
      restored: new Set(['/etc/passwd']),
    });
    expect(linesOf(texts, '/etc/passwd')).to.deep.equal([
      '# ours',
      'root:x:0:0::/:/',
      'svc:x:998:998::/:/',
      '+@admins::::::',
    ]);
  });

  it("keeps this host's lines for NIS if the liferaft has none", () => {
    const { texts } = merged({
      here: { '/etc/passwd': lines('svc:x:998:998::/:/', '-mallory::::::', '+::::::') },
      liferaft: { '/etc/passwd': lines('root:x:0:0::/:/') },
      restored: new Set(['/etc/passwd']),
    });
    expect(linesOf(texts, '/etc/passwd')).to.deep.equal([
      'root:x:0:0::/:/',
      'svc:x:998:998::/:/',
      '-mallory::::::',
      '+::::::',
    ]);
  });

  it('does not renumber a name that occurs twice', () => {
    for (const file of ['/etc/passwd', '/etc/group'] as const) {
      const { texts, numbers } = merged({
        here: { [file]: lines('app:x:500:0::/:/', 'app:x:501:0::/:/') },
        liferaft: { [file]: lines('twice:x:600:0::/:/', 'twice:x:601:0::/:/') },
        restored: new Set([file]),
      });
      expect(linesOf(texts, file).map((line) => line.split(':')[2])).to.deep.equal([
        '600',
        '601',
        '500',
        '501',
      ]);
      expect([...numbers.users.moved, ...numbers.groups.moved]).to.deep.equal([]);
    }
  });

  it('leaves a range of subordinate ids with its owner, even if the owner is given by number', () => {
    const { texts } = merged({
      here: {
        '/etc/passwd': lines('jones:x:1000:0::/:/'),
        '/etc/subuid': lines('1000:100000:65536', '4711:300000:65536'),
      },
      liferaft: {
        '/etc/passwd': lines('smith:x:1000:0::/:/'),
        '/etc/subuid': lines('1000:165536:65536'),
      },
    });
    expect(texts['/etc/passwd']).to.include('jones:x:1001:');
    expect(linesOf(texts, '/etc/subuid')).to.deep.equal([
      '1000:165536:65536',
      '1001:100000:65536',
      '4711:300000:65536',
    ]);
  });

  it('moves no files of an account that is commented out or comes from NIS', () => {
    const { changes, numbers } = merged({
      here: { '/etc/passwd': lines('#old:x:1000:1000::/:/', '+nis:x:1001:1001::/:/') },
      liferaft: { '/etc/passwd': lines('a:x:1000:1000::/:/', 'b:x:1001:1001::/:/') },
      restored: new Set(['/etc/passwd']),
    });
    expect([...numbers.users.moved]).to.deep.equal([]);
    expect(changes.map(({ name, change }) => `${name} ${change}`)).to.deep.equal([
      'a added',
      'b added',
    ]);
  });

  it('leaves groups as they are if their list is not restored, and uses their numbers', () => {
    const { texts, changes } = merged({ restored: new Set(['/etc/passwd']) });
    expect(texts).to.have.all.keys('/etc/passwd');
    expect(texts['/etc/passwd']).to.include('hacluster:x:107:451:');
    expect(changes.filter(({ kind }) => kind === 'group')).to.deep.equal([]);
  });

  for (const only of ['/etc/passwd', '/etc/group'] as const) {
    it(`leaves each user in a group of the same name if only ${only} is restored`, () => {
      const accounts = (name: string, number: number) => ({
        '/etc/passwd': lines(`${name}:x:${number}:1000::/:/`),
        '/etc/group': lines(`${name}:x:1000:`),
      });
      const [own, theirs] = [accounts('jones', 1000), accounts('smith', 1001)];
      const { texts } = merged({ here: own, liferaft: theirs, restored: new Set([only]) });
      const after = { ...own, ...texts };
      const groups = parseAccounts(after['/etc/group']);
      const groupOf = (name: string) =>
        groups.get(
          Number(new RegExp(`^${name}:x:\\d+:(\\d+):`, 'm').exec(after['/etc/passwd'])?.[1]),
        );
      expect(groupOf('jones')).to.equal('jones');
      // Either smith or its group is not restored.
      expect(groupOf('smith')).to.equal(undefined);
    });
  }

  it('takes over the exact lists of the liferaft on request, and lists the accounts that vanish', () => {
    const { texts, changes, numbers } = merged({ replace: true });
    expect(texts).to.deep.equal(liferaft);
    const gone = changes.filter(({ change }) => change === 'vanishes');
    expect(gone.map(({ kind, name }) => `${kind} ${name}`)).to.deep.equal([
      'user svc',
      'user installer',
      'group svc',
      'group installer',
    ]);
    expect([...numbers.users.gone]).to.deep.equal([998, 1000]);
    expect([...numbers.users.moved]).to.deep.equal([
      [101, 103],
      [450, 107],
    ]);
  });
});
