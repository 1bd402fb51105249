/** Limits of a liferaft. One that exceeds them is refused before any of it is stored. */
export const limits = {
  /** Bytes of the manifest. */
  manifest: 16 * 1024 * 1024,
  /** Paths of all kinds together. */
  items: 100_000,
  /** Bytes of one path or link target (PATH_MAX of limits.h, less its NUL). */
  path: 4095,
  /** Users, and groups, of one access control list. */
  aclEntries: 1024,
} as const;
