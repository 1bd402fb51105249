import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * The direction of imports: entry -> deps, app -> routes -> domain -> parsers, exec, files -> errors.
 * Each row names files and what they may not import.
 * @type {{ files: string[], mayNotImport: string[], because: string }[]}
 */
const layers = [
  {
    files: ['src/parsers/**'],
    mayNotImport: ['node:*', 'execa', 'express', '../*', '!../errors.ts'],
    because: 'A parser does no I/O and knows nothing of who calls it.',
  },
  {
    files: ['src/{pacemaker,pcs,corosync,systemd,auth}/**'],
    mayNotImport: ['express', 'helmet', 'cors', 'execa', '**/routes/**', '**/app.ts', '**/deps.ts'],
    because: 'The domain knows no HTTP, and starts processes only through the runner it is handed.',
  },
  {
    files: ['src/routes/**'],
    mayNotImport: [
      'node:child_process',
      'node:fs*',
      'execa',
      '**/exec.ts',
      '**/files.ts',
      '**/parsers/**',
      '**/deps.ts',
    ],
    because: 'A route validates, asks the domain and answers; it knows no command and no file.',
  },
  {
    files: ['src/{config,errors,exec,files,log,paths}.ts'],
    mayNotImport: [
      'express',
      '**/routes/**',
      './app.ts',
      './deps.ts',
      './{pacemaker,pcs,corosync,systemd,auth}/**',
    ],
    because: 'What everybody uses depends on nobody above it.',
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
  layers.map(({ files, mayNotImport, because }) => ({
    files,
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ group: mayNotImport, message: because }] }],
    },
  })),
  {
    files: ['tools/**', 'src/hactl.ts', 'packaging/**', 'test/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } },
  },
  {
    // What supertest has of an answer is "any"; the test says what it should be.
    files: ['test/routes/**'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
);
