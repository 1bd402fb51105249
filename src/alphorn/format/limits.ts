/** What a liferaft may hold at most; whatever is above is refused before any of it is kept. */
export const limits = {
  /** Bytes of the manifest. */
  manifest: 16 * 1024 * 1024,
  /** Paths of all kinds. */
  items: 100_000,
  /** Bytes of one path or link target (PATH_MAX of limits.h, less its NUL). */
  path: 4095,
  /** Users, or groups, of one access control list. */
  aclEntries: 1024,
} as const;
