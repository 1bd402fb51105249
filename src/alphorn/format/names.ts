const namePattern = /^liferaft_([0-9a-f]{8})(?:\.([1-9]\d{0,15}))?\.tar$/;

/** The parts of the name of a stored liferaft. */
export interface NameParts {
  hostId: string;
  /** Undefined for a host's latest: only the names of former ones have a generation. */
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

/** @param generation for a former liferaft; left out for the latest */
export function liferaftName(hostId: string, generation?: number): string {
  return `liferaft_${hostId}${generation === undefined ? '' : `.${generation}`}.tar`;
}

/** The name of a host's latest that could not be read when a new one came. It is not the name of a liferaft. */
export function damagedName(hostId: string): string {
  return `${liferaftName(hostId)}.damaged`;
}
