// Values of the CIB as Pacemaker reads them.

/** A boolean (crm_str_to_boolean); what is neither is not true. */
export function isTrue(value = ''): boolean {
  return ['true', 'on', 'yes', 'y', '1'].includes(value.toLowerCase());
}

export function isFalse(value = ''): boolean {
  return ['false', 'off', 'no', 'n', '0'].includes(value.toLowerCase());
}

/** What INFINITY stands for. No score is more than that. */
export const infinity = 1_000_000;

/** A score (char2score); what is no number is 0. */
export function scoreOf(text = '0'): number {
  const number = Number.parseInt(text.replace('INFINITY', String(infinity)), 10) || 0;
  return Math.max(-infinity, Math.min(infinity, number));
}
