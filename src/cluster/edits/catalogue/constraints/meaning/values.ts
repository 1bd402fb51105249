import { infinity, roleIn, scoreOf } from '../../../../../parsers/cib/values.ts';

/** To be started is to have any role in which it is active. */
export function anyRole(role = 'Started'): string {
  return role === 'Started' ? '' : roleIn(role, true);
}

export function isZero(score: string | undefined): boolean {
  return score !== undefined && scoreOf(score) === 0;
}

export function scoreText(score: string): string {
  const number = scoreOf(score);
  if (Math.abs(number) < infinity) return String(number);
  return number < 0 ? '-INFINITY' : 'INFINITY';
}
