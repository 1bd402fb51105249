import eslint from '@eslint/js';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

const http = [
  ...['express', 'express-validator', 'helmet', 'cors'],
  ...['**/routes/**', '**/bin/**'],
];
const neighbours = ['pacemaker', 'pcs', 'corosync', 'systemd'];
const domains = ['cluster', 'alphorn'];
const inFolders = (/** @type {string[]} */ ...names) => names.map((name) => `**/${name}/**`);

/**
 * The direction of imports: bin -> routes -> cluster, alphorn -> pacemaker, pcs, corosync,
 * systemd -> parsers -> kit. Each row names files and what they may not import.
 */
const layers = [
  {
    files: ['src/parsers/**'],
    mayNotImport: [
      ...['node:*', 'execa', 'express', 'express-validator'],
      ...inFolders(...domains, ...neighbours, 'access', 'bin', 'changes', 'server', 'files'),
      ...['**/kit/exec.ts', '**/kit/config.ts'],
    ],
    because: 'A parser does no I/O and knows nothing of who calls it.',
  },
  {
    files: ['src/kit/**', 'src/changes/**'],
    mayNotImport: [...http, ...inFolders(...domains, 'access', 'parsers', ...neighbours)],
    because: 'Code that everybody uses depends on nobody above it.',
  },
  {
    files: [`src/{${neighbours.join(',')},access}/**`],
    mayNotImport: [...http, 'execa', ...inFolders(...domains)],
    because: 'A neighbour knows no HTTP and no route, and starts processes only by the runner.',
  },
  {
    files: ['src/{cluster,alphorn}/**'],
    mayNotImport: [...http, 'execa'],
    because: 'The domain knows no HTTP, and starts processes only by the runner.',
  },
  {
    files: ['src/server/**'],
    mayNotImport: [
      ...['**/routes/**', '**/bin/**'],
      ...inFolders('cluster', 'parsers', ...neighbours),
    ],
    because: 'A server knows connections and requests, and no family of routes.',
  },
  {
    files: ['src/routes/**'],
    mayNotImport: [
      ...['node:child_process', 'node:fs', 'node:fs/promises', 'execa'],
      ...['**/exec.ts', '**/files/files.ts', '**/bin/**'],
      ...inFolders('parsers', ...neighbours),
    ],
    because: 'A route validates, asks the domain and answers; it knows no command and no file.',
  },
];

export default tseslint.config(
  { ignores: ['dist', 'build', 'coverage', 'node_modules'] },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
    },
  },
  {
    // A pattern that takes the square of the length of its input lets a caller stop the event loop.
    files: ['src/**'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential' }],
    },
  },
  layers.map(({ files, except = [], mayNotImport, because }) => ({
    files,
    ignores: except,
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ group: mayNotImport, message: because }] }],
    },
  })),
  {
    files: ['tools/**', 'src/bin/hactl.ts', 'src/bin/hactl/**', 'packaging/**', 'test/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } },
  },
  {
    // What supertest has of an answer is "any"; the test says what it should be.
    files: ['test/{routes,server}/**'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
);
