import { type Rule, rule } from './field.ts';

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One of these texts. */
export function oneOf<const W extends string>(texts: readonly W[]): Rule<W> {
  return rule({ type: 'string', enum: texts }, (chain) =>
    chain
      .custom((value: unknown) => (texts as readonly unknown[]).includes(value))
      .withMessage(`must be one of ${texts.map((text) => `"${text}"`).join(', ')}`),
  );
}

export const flag: Rule<boolean> = rule({ type: 'boolean' }, (chain) =>
  chain.custom((value: unknown) => typeof value === 'boolean').withMessage('must be true or false'),
);

/** The same rule in a query. */
export const trueOrFalse: Rule<'true' | 'false'> = rule(
  { type: 'string', enum: ['true', 'false'] },
  (chain) =>
    chain
      .custom((value: unknown) => value === 'true' || value === 'false')
      .withMessage('must be "true" or "false"'),
);
