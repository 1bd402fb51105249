import module from 'node:module';

/**
 * Keeps what was compiled so far for the next start, in NODE_COMPILE_CACHE. Node.js does so at its end, for which a kill
 * leaves no time. Only from Node.js 22.10 on, which the types of 20 know nothing of.
 */
export function keepCompiled(): void {
  (module as unknown as { flushCompileCache: () => void }).flushCompileCache();
}
