/** A value of a column. Lists and objects are stored as JSON in text, and yes or no as 1 or 0. */
export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

/** SQL that SQLite and PostgreSQL both understand, with `$1`, `$2` … for the values. */
export interface Reading {
  all(sql: string, values?: readonly Value[]): Promise<Row[]>;
  /** The first row, or undefined. */
  one(sql: string, values?: readonly Value[]): Promise<Row | undefined>;
}

export interface Transaction extends Reading {
  /** @returns the number of rows that were changed */
  run(sql: string, values?: readonly Value[]): Promise<number>;
  /** A number that this store has never given out under this name, also after a restore from a backup. */
  nextNumber(name: string): Promise<number>;
}

/** Who a store is. A node runs the orders of one store only. */
export interface StoreIdentity {
  /** A UUID, made with the store. A backup keeps it. */
  id: string;
  /** The fencing number; each restore from a backup raises it. */
  epoch: number;
}

/** Where the controller keeps what must survive it. */
export interface Store extends Reading {
  readonly identity: StoreIdentity;
  /**
   * Does all of the work or none. Transactions are made one after another, and each is on the disk when this returns.
   * Faults: `no_space` if the disk is full, `store_unavailable` if it cannot be written, those of the work
   */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A step that brings the tables of one family to their next form. Steps are applied in order, each once. */
export interface Migration {
  /** Such as `gateway-1`. It never changes after a release. */
  name: string;
  sql: readonly string[];
}
