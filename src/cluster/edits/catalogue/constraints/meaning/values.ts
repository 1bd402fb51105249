import { infinity, roleIn, scoreOf } from '../../../../../parsers/cib/values.ts';

/** The role in new terms. `Started` stands for any active role, and is empty here. */
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
