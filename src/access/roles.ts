/** What a caller may do. Each role includes those before it. A monitor may only read the metrics. */
export const roles = ['monitor', 'viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export function roleAllows(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}
