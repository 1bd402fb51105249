/** A name with its addresses. */
export interface DnsRecord {
  name: string;
  addresses: readonly string[];
}

/** Where the names of groups are published. */
export interface Resolver {
  /**
   * Publishes exactly these names. The names of former calls that are missing go.
   * Faults: `no_space`, `dns_failed`
   */
  publish(records: readonly DnsRecord[]): Promise<void>;
}
