import type { Resolver } from './resolver.ts';

/** Publishes nothing, for sites whose names somebody else writes. */
export const noResolver: Resolver = { publish: () => Promise.resolve() };
