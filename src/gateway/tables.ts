import type { Migration } from '../controller/store/store.ts';

/** The tables of gateways and their groups. A virtual address is unique over all of them. */
export const gatewayMigrations: readonly Migration[] = [
  {
    name: 'gateway-1',
    sql: [
      `CREATE TABLE gateways (
        id BIGINT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
      )`,
      `CREATE TABLE gateway_nodes (
        gateway BIGINT NOT NULL REFERENCES gateways (id),
        node BIGINT NOT NULL,
        PRIMARY KEY (gateway, node)
      )`,
      `CREATE TABLE gateway_groups (
        id BIGINT NOT NULL PRIMARY KEY,
        gateway BIGINT NOT NULL REFERENCES gateways (id),
        name TEXT NOT NULL,
        status INTEGER NOT NULL CHECK (status IN (0, 1, 2)),
        virtual_ip TEXT,
        virtual_ipv6 TEXT,
        router_id INTEGER NOT NULL,
        revision BIGINT NOT NULL,
        settings TEXT NOT NULL,
        UNIQUE (gateway, name),
        CHECK (virtual_ip IS NOT NULL OR virtual_ipv6 IS NOT NULL)
      )`,
      `CREATE TABLE gateway_addresses (
        address TEXT NOT NULL PRIMARY KEY,
        group_id BIGINT NOT NULL REFERENCES gateway_groups (id)
      )`,
    ],
  },
];
