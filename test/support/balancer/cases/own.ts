import type { Cases } from './world.ts';

/** Cases that one kind of object has alone. */
export const ownCases: Cases = {};
