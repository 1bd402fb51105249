const namePattern = /^liferaft_([0-9a-f]{8})(?:\.([1-9]\d{0,15}))?\.tar$/;

/** What the name of a stored liferaft says. */
export interface NameParts {
  hostId: string;
  /** Of one that was replaced. A host's latest has none in its name. */
  generation: number | undefined;
}

/** Whether a name from outside may be that of a liferaft. */
export function isLiferaftName(name: unknown): name is string {
  return typeof name === 'string' && namePattern.test(name);
}

export function namePartsOf(name: string): NameParts | undefined {
  const [, hostId, generation] = namePattern.exec(name) ?? [];
  if (hostId === undefined) return undefined;
  return { hostId, generation: generation === undefined ? undefined : Number(generation) };
}

/** @param generation of one that was replaced */
export function liferaftName(hostId: string, generation?: number): string {
  return `liferaft_${hostId}${generation === undefined ? '' : `.${generation}`}.tar`;
}

/** Of a host's latest that cannot be read and was in the way of a new one. No other counts it for a liferaft. */
export function damagedName(hostId: string): string {
  return `${liferaftName(hostId)}.damaged`;
}
