import module from 'node:module';

/**
 * Stores the compiled code for the next start, in NODE_COMPILE_CACHE. Node.js does this at its end, and a kill leaves
 * no time for it. The function exists since Node.js 22.10.
 */
export function keepCompiled(): void {
  (module as unknown as { flushCompileCache: () => void }).flushCompileCache();
}
