import type { ConfigSection } from '../config.ts';
import { backendName, id, peersName } from './arguments.ts';
import { backendVocabulary } from './backend.ts';
import { frontendVocabulary } from './frontend.ts';
import { defaultsVocabulary, globalVocabulary, peersVocabulary } from './global.ts';
import { isInternalProxy, prometheusVocabularies } from './prometheus.ts';
import type { DriverConfigPlace, Vocabulary } from './shapes.ts';

/** The name of a section of each kind, and its vocabulary. A section without a name takes none. */
const kinds: Readonly<
  Record<
    string,
    { vocabulary: Vocabulary; isName?: (name: string, place: DriverConfigPlace) => boolean }
  >
> = {
  global: { vocabulary: globalVocabulary },
  defaults: { vocabulary: defaultsVocabulary },
  peers: { vocabulary: peersVocabulary, isName: (name, place) => peersName.accepts(name, place) },
  frontend: { vocabulary: frontendVocabulary, isName: (name) => id.test(name) },
  backend: { vocabulary: backendVocabulary, isName: (name) => backendName.test(name) },
};

/**
 * The directives that drivers write into a section, by its keyword and its name.
 * @returns why no driver writes such a section, otherwise
 */
export function vocabularyOf(
  { keyword, args }: Pick<ConfigSection, 'keyword' | 'args'>,
  place: DriverConfigPlace,
): Vocabulary | string {
  const kind = Object.hasOwn(kinds, keyword) ? kinds[keyword] : undefined;
  if (!kind) return 'no driver writes such a section';
  const [name, ...more] = args;
  const title = `${keyword} ${name ?? ''}`;
  if (more.length === 0 && Object.hasOwn(prometheusVocabularies, title)) {
    return prometheusVocabularies[title] ?? {};
  }
  if (!kind.isName) {
    return name === undefined ? kind.vocabulary : 'it has a name, which no driver writes';
  }
  const isNamed = name !== undefined && more.length === 0 && !isInternalProxy(name);
  return isNamed && kind.isName(name, place)
    ? kind.vocabulary
    : 'it does not have one name, of the characters of an id';
}

/** Directives outside the vocabulary that a reason may name. Any other word may be a secret of the tenant. */
const dangerous = [
  'ca-base',
  'capture',
  'chroot',
  'compression',
  'crt-base',
  'default',
  'description',
  'dispatch',
  'email-alert',
  'errorfile',
  'errorfiles',
  'errorloc',
  'errorloc302',
  'errorloc303',
  'expose-fd',
  'filter',
  'gid',
  'h1-case-adjust-file',
  'harden.reject-privileged-ports.tcp',
  'http-after-response',
  'http-errors',
  'http-error',
  'issuers-chain-path',
  'localpeer',
  'log-tag',
  'lua-load',
  'lua-load-per-thread',
  'lua-prepend-path',
  'master-worker',
  'module-load',
  'module-path',
  'monitor-uri',
  'namespace',
  'node',
  'pidfile',
  'presetenv',
  'resetenv',
  'server-state-base',
  'server-state-file-name',
  'server-template',
  'set-dumpable',
  'setenv',
  'set-var',
  'ssl-dh-param-file',
  'ssl-engine',
  'ssl-load-extra-files',
  'ssl-provider',
  'ssl-provider-path',
  'table',
  'tcp-check',
  'tcp-response',
  'tune.lua.bool-sample-conversion',
  'tune.lua.log.stderr',
  'uid',
  'unix-bind',
  'unsetenv',
  'use-server',
  'wurfl-data-file',
];

const nameable = new Set([
  ...dangerous,
  ...[...Object.values(kinds), ...prometheusValues()].flatMap(({ vocabulary }) =>
    Object.keys(vocabulary),
  ),
]);

function prometheusValues(): { vocabulary: Vocabulary }[] {
  return Object.values(prometheusVocabularies).map((vocabulary) => ({ vocabulary }));
}

/** A directive for a reason: its name if that is on the list, which no tenant can extend. */
export function nameOf(directive: string): string {
  return nameable.has(directive) ? `'${directive}'` : 'a directive';
}
