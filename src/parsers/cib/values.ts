// Values of the CIB as Pacemaker reads them.

/** Whether a boolean is true (crm_str_to_boolean); a value that is no boolean is neither true nor false. */
export function isTrue(value = ''): boolean {
  return ['true', 'on', 'yes', 'y', '1'].includes(value.toLowerCase());
}

export function isFalse(value = ''): boolean {
  return ['false', 'off', 'no', 'n', '0'].includes(value.toLowerCase());
}

/** The number for INFINITY, which is the highest score. */
export const infinity = 1_000_000;

/** A score (char2score); a value that is not a number is 0. */
export function scoreOf(text = '0'): number {
  const number = Number.parseInt(text.replace('INFINITY', String(infinity)), 10) || 0;
  return Math.max(-infinity, Math.min(infinity, number));
}

/** The roles of a resource. Master and Slave are the old names of Promoted and Unpromoted, before Pacemaker 2.1. */
export const roles = ['Stopped', 'Started', 'Promoted', 'Unpromoted', 'Master', 'Slave'] as const;

const oldRoles: Readonly<Record<string, string>> = { Promoted: 'Master', Unpromoted: 'Slave' };
const newRoles: Readonly<Record<string, string>> = { Master: 'Promoted', Slave: 'Unpromoted' };

/** A role under its new or its old name. */
export function roleIn(role: string, hasNewRoles: boolean): string {
  return (hasNewRoles ? newRoles : oldRoles)[role] ?? role;
}

const units = 'us|usec|ms|msec|s|sec|m|min|h|hr';
const isoDuration = 'P[0-9YMWDTHS.]+';
const time = new RegExp(`^(?:\\d{1,12}(?:${units})?|${isoDuration})$`);
const optionTime = new RegExp(`^(?:-?\\d{1,12} ?(?:${units})?|${isoDuration})$`);

/** Whether it is a time ("Time Intervals" in Pacemaker Explained). */
export function isTime(text: string): boolean {
  return time.test(text);
}

/** The same of a cluster option: it may be negative, and have a blank before its unit. */
export function isOptionTime(text: string): boolean {
  return optionTime.test(text);
}

const unitSeconds: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3600,
  hr: 3600,
};

/** A time in seconds; undefined if it is in other units. */
export function secondsOf(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+)([a-z]*)$/.exec(text) ?? [];
  const factor = unitSeconds[unit];
  return count === undefined || factor === undefined ? undefined : Number(count) * factor;
}
