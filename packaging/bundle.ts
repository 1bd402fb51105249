import { build, type Plugin } from 'esbuild';

/** What is started by its path: the services and hactl, and threads that find their files beside the service's. */
const started: Readonly<Record<string, string>> = {
  'bin/ha-agent': 'src/bin/ha-agent.ts',
  'bin/ha-agent-peers': 'src/bin/ha-agent-peers.ts',
  'bin/ha-amphora': 'src/bin/ha-amphora.ts',
  'bin/ha-amphora-netns': 'src/bin/ha-amphora-netns.ts',
  'bin/ha-controller': 'src/bin/ha-controller.ts',
  'bin/alphornd': 'src/bin/alphornd.ts',
  'bin/hactl': 'src/bin/hactl.ts',
  'bin/cib-worker': 'src/cluster/reading/cib-worker.ts',
  'bin/store-thread': 'src/controller/store/thread.ts',
  'bin/store-copy-thread': 'src/controller/store/copy-thread.ts',
};

/** Modules of CommonJS find the modules of Node.js with it. */
const requireOfModules = [
  "import { createRequire as makeRequireOfModules } from 'node:module';",
  'const require = makeRequireOfModules(import.meta.url);',
].join('\n');

/**
 * An import of node:http reads each of its properties, and one of these loads undici, which takes 80 ms. What is required
 * is read when it is used.
 */
const withoutUndici: Plugin = {
  name: 'without undici',
  setup(esbuild) {
    const required = { path: 'node:http', namespace: 'required' };
    esbuild.onResolve({ filter: /^(node:)?http$/ }, () => required);
    esbuild.onLoad({ filter: /./, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

/**
 * Compiles the agent, and puts it and the npm modules that it uses into few files. A start reads these instead of 900
 * files, and takes half of the CPU time. It checks no types.
 * @param root the repository
 * @param outDir it gets `bin/`, with the files to start and those that they share
 * @returns the folders of the npm modules that went in, such as `node_modules/express`, sorted
 * @throws {Error} esbuild's, with the file and line of what it cannot read
 */
export async function bundle(root: string, outDir: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...started },
    outdir: outDir,
    chunkNames: 'bin/[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    plugins: [withoutUndici],
    banner: { js: requireOfModules },
    // packaging/debian/copyright has the licences.
    legalComments: 'none',
    metafile: true,
    logLevel: 'silent',
  });
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const modules = used.flatMap(
    (file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  );
  return [...new Set(modules)].sort();
}
