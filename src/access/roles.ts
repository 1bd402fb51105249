/** What a caller may do; each role may do all that those before it may. A monitor reads the metrics alone. */
export const roles = ['monitor', 'viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export function roleAllows(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}
