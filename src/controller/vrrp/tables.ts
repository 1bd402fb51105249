import type { Migration } from '../store/store.ts';

/** The tables of VRRP instances. A router id that was freed rests in a table of its own. */
export const vrrpMigrations: readonly Migration[] = [
  {
    name: 'vrrp-1',
    sql: [
      `CREATE TABLE vrrp_instances (
        name TEXT NOT NULL PRIMARY KEY,
        owner_family TEXT NOT NULL,
        owner_id BIGINT NOT NULL,
        family TEXT NOT NULL,
        segment TEXT NOT NULL,
        router_id INTEGER NOT NULL CHECK (router_id BETWEEN 1 AND 255),
        is_active INTEGER NOT NULL,
        settings TEXT NOT NULL,
        UNIQUE (segment, family, router_id),
        UNIQUE (owner_family, owner_id, family)
      )`,
      `CREATE TABLE vrrp_peers (
        instance TEXT NOT NULL REFERENCES vrrp_instances (name),
        node BIGINT NOT NULL,
        interface TEXT NOT NULL,
        priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 254),
        PRIMARY KEY (instance, node)
      )`,
      `CREATE INDEX vrrp_peers_of_node ON vrrp_peers (node, interface)`,
      `CREATE TABLE vrrp_freed_router_ids (
        segment TEXT NOT NULL,
        family TEXT NOT NULL,
        router_id INTEGER NOT NULL,
        freed_at BIGINT NOT NULL,
        PRIMARY KEY (segment, family, router_id)
      )`,
      `CREATE TABLE vrrp_addresses (
        node BIGINT NOT NULL,
        interface TEXT NOT NULL,
        addresses TEXT NOT NULL,
        PRIMARY KEY (node, interface)
      )`,
      `CREATE TABLE vrrp_orders (
        node BIGINT NOT NULL PRIMARY KEY,
        revision BIGINT NOT NULL,
        digest TEXT NOT NULL,
        confirmed_epoch BIGINT NOT NULL
      )`,
    ],
  },
];
