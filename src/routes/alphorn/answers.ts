import {
  always,
  anyOf,
  described,
  flag,
  integer,
  listOf,
  orNull,
  part,
  record,
  text,
  texts,
  enumOf,
} from '../../server/table/schema.ts';

// Alphorn's answers in the HA API and on the socket of its sender.

export const settings = part(
  'AlphornSettings',
  record({ interval: integer, sync: record({ enabled: flag, destinations: texts }) }),
);

const host = record({ id: text, name: text });
const error = record({ code: text, detail: text });

/** What is known of Alphorn, whether or not its sender runs. */
const common = { enabled: flag, interval: integer, host: orNull(host), error: orNull(error) };

const ownLiferaft = record({
  generation: integer,
  digest: text,
  bytes: integer,
  madeAt: text,
  files: integer,
  whole: flag,
  leftOut: listOf(record({ path: text, why: text, essential: flag, kept: flag })),
  leftOutMore: integer,
});

const destination = record({
  destination: text,
  state: enumOf('synced', 'lacking', 'pending', 'failing', 'self'),
  lastSuccess: orNull(text),
  lastError: orNull(record({ at: text, code: text, detail: text })),
  lagMs: orNull(integer),
  digest: orNull(text),
  bytes: orNull(integer),
});

const running = {
  running: always(true),
  ...common,
  liferaft: orNull(ownLiferaft),
  destinations: listOf(part('Destination', destination)),
};
const stopped = {
  running: always(false),
  ...common,
  liferaft: always(null),
  destinations: { type: 'array', maxItems: 0 },
};

/** What the sender reports. */
export const senderStatus = part('SenderStatus', record(running));

const savedRestore = part(
  'KeptRestore',
  record({
    id: text,
    state: enumOf(
      ...['done', 'half_restored', 'half_undone', 'under_way', 'partly_undone', 'undone'],
      'damaged',
    ),
    folder: text,
    'liferaft?': text,
    'host?': host,
    'generation?': integer,
    'at?': text,
    'root?': text,
    'paths?': integer,
    'bytes?': integer,
    'problem?': text,
  }),
);

const unfinishedRestores = listOf(savedRestore);

export const status = part(
  'AlphornStatus',
  anyOf(record({ ...running, unfinishedRestores }), record({ ...stopped, unfinishedRestores })),
);

export const liferafts = listOf(
  part(
    'Liferaft',
    anyOf(
      record({
        name: text,
        host,
        generation: integer,
        current: flag,
        whole: flag,
        digest: text,
        size: integer,
        madeAt: text,
        seenAt: text,
      }),
      record({ name: text, damaged: text }),
      record({ name: text, laterFormat: text }),
    ),
  ),
);

const aclEntries = listOf(record({ id: integer, name: orNull(text), perms: integer }));
const acl = part(
  'AccessControlList',
  record({
    user: integer,
    users: aclEntries,
    group: integer,
    groups: aclEntries,
    mask: orNull(integer),
    other: integer,
  }),
);
const owner = { uid: integer, gid: integer, user: orNull(text), group: orNull(text) };
const owned = { mode: integer, ...owner, 'acl?': acl };

export const manifest = part(
  'Manifest',
  record({
    format: integer,
    host,
    lineage: text,
    generation: integer,
    time: text,
    folders: listOf(record({ path: text, ...owned, 'defaultAcl?': acl })),
    files: listOf(record({ path: text, ...owned, size: integer, sha256: text })),
    links: listOf(record({ path: text, ...owner, target: text })),
    'lacking?': listOf(record({ path: text, why: text })),
  }),
);

const presence = part(
  'Presence',
  record({
    kind: enumOf('file', 'link', 'folder', 'other'),
    'mode?': described('In octal.', text),
    'owner?': text,
    'acl?': text,
    'size?': integer,
    'target?': text,
  }),
);

const differences = listOf(
  part(
    'Difference',
    record({
      path: text,
      changes: listOf(enumOf('create', 'replace', 'content', 'mode', 'owner', 'acl', 'target')),
      here: orNull(presence),
      liferaft: presence,
      'blocked?': text,
      'lost?': text,
    }),
  ),
);

const files = record({
  total: integer,
  first: listOf(record({ path: text, owner: text, after: text })),
});

const accounts = part(
  'AccountsReport',
  record({
    mode: enumOf('merge', 'replace'),
    changes: listOf(
      record({
        kind: enumOf('user', 'group'),
        name: text,
        change: enumOf('added', 'renumbered', 'vanishes', 'kept'),
        here: orNull(integer),
        after: orNull(integer),
        liferaft: orNull(integer),
        'heir?': text,
      }),
    ),
    ranges: listOf(record({ file: text, name: text, here: text, after: text })),
    handedOver: files,
    orphaned: files,
    search: record({ where: text, looked: integer, complete: flag }),
    units: listOf(record({ path: text, account: text })),
  }),
);

const ofDiff = {
  liferaft: text,
  host,
  generation: integer,
  differences,
  same: integer,
  folders: differences,
  'accounts?': accounts,
  onlyHere: orNull(texts),
  onlyHereMore: integer,
  'warnings?': texts,
};

export const diff = part('LiferaftDiff', record(ofDiff));
export const dryRunOfRestore = part(
  'DryRunOfRestore',
  record({ dry_run: always(true), ...ofDiff }),
);
export const restored = part('Restored', record({ ...ofDiff, kept: orNull(text) }));

export const undone = record({
  liferaft: text,
  host,
  generation: integer,
  restoredAt: text,
  'root?': text,
  paths: texts,
});
