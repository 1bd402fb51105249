/** A row of the table. */
export interface Figure {
  what: string;
  /** What Octavia's agent of Debian 12 needs. */
  real: string;
  ours: string;
  /** What is required of ours; empty if nothing is. */
  bar: string;
  /** `undefined` without a bar. */
  isHeld?: boolean;
  /** The worst delay of the witness in the tries that count. */
  lateMs: number;
  /** Tries that were repeated because the machine stood still. */
  repeated: number;
}

export interface Bar {
  bar: string;
  isHeld: boolean;
}

/** The bar that a value must not exceed. */
export const upTo = (value: number, max: number, text: string): Bar => ({
  bar: `at most ${text}`,
  isHeld: value <= max,
});

export const mb = (kilobytes: number): string => `${((kilobytes * 1024) / 1e6).toFixed(1)} MB`;
