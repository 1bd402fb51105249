import type { Migration } from '../controller/store/store.ts';

/**
 * What each object has.
 * - `settings` are the visible values, and `wanted` those that become visible when they are deployed, both as JSON.
 * - `fate` is what the last change does to the object itself; null if nothing of it is open.
 * - `turn` is the revision of the change that has set `wanted` or `fate`; null if both are null.
 * - `made_from` is the digest of the request that made it with an id of its own.
 */
const common = `project TEXT NOT NULL,
        provisioning TEXT NOT NULL CHECK (provisioning IN
          ('ACTIVE', 'PENDING_CREATE', 'PENDING_UPDATE', 'PENDING_DELETE', 'ERROR', 'DELETED')),
        operating TEXT NOT NULL CHECK (operating IN
          ('ONLINE', 'OFFLINE', 'DEGRADED', 'ERROR', 'NO_MONITOR', 'DRAINING')),
        fate TEXT CHECK (fate IN ('create', 'update', 'delete')),
        turn BIGINT,
        settings TEXT NOT NULL,
        wanted TEXT,
        made_from TEXT,
        created_ms BIGINT NOT NULL,
        updated_ms BIGINT`;
const below = 'load_balancer TEXT NOT NULL REFERENCES balancer_load_balancers (id)';

/**
 * The tables of load balancers. Columns that are unique or that refer to other rows hold the wanted value.
 * `vrrp_due` has the nodes whose keepalived a change concerns, until they run it.
 * Nodes are not referred to by a key, because they belong to the controller.
 */
export const balancerMigrations: readonly Migration[] = [
  {
    name: 'balancer-1',
    sql: [
      `CREATE TABLE balancer_pairs (
        id BIGINT NOT NULL PRIMARY KEY,
        first_node BIGINT NOT NULL,
        first_interface TEXT NOT NULL,
        second_node BIGINT NOT NULL,
        second_interface TEXT NOT NULL,
        segment TEXT NOT NULL,
        number INTEGER NOT NULL,
        UNIQUE (first_node, first_interface, second_node, second_interface, segment, number),
        CHECK (first_node <> second_node)
      )`,
      `CREATE TABLE balancer_load_balancers (
        id TEXT NOT NULL PRIMARY KEY,
        ${common},
        revision BIGINT NOT NULL,
        fence BIGINT NOT NULL,
        vip_port TEXT NOT NULL,
        vip_network TEXT NOT NULL,
        vip_subnet TEXT NOT NULL,
        vip_address TEXT NOT NULL,
        vip_prefix INTEGER NOT NULL,
        pair BIGINT REFERENCES balancer_pairs (id),
        vrrp_due TEXT,
        deleted_ms BIGINT
      )`,
      'CREATE INDEX balancer_load_balancers_in_order ON balancer_load_balancers (created_ms, id)',
      'CREATE INDEX balancer_load_balancers_of_project ON balancer_load_balancers (project)',
      'CREATE INDEX balancer_load_balancers_of_pair ON balancer_load_balancers (pair)',
      `CREATE TABLE balancer_ports (
        id TEXT NOT NULL PRIMARY KEY,
        network TEXT NOT NULL,
        subnet TEXT NOT NULL,
        address TEXT NOT NULL,
        prefix INTEGER NOT NULL,
        owner TEXT REFERENCES balancer_load_balancers (id),
        is_lasting INTEGER NOT NULL,
        project TEXT NOT NULL,
        created_ms BIGINT NOT NULL,
        UNIQUE (network, address)
      )`,
      'CREATE INDEX balancer_ports_of_owner ON balancer_ports (owner)',
      `CREATE TABLE balancer_pools (
        id TEXT NOT NULL PRIMARY KEY,
        ${below},
        ${common}
      )`,
      'CREATE INDEX balancer_pools_of_balancer ON balancer_pools (load_balancer)',
      'CREATE INDEX balancer_pools_of_project ON balancer_pools (project)',
      `CREATE TABLE balancer_listeners (
        id TEXT NOT NULL PRIMARY KEY,
        ${below},
        ${common},
        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
        default_pool TEXT REFERENCES balancer_pools (id),
        UNIQUE (load_balancer, port)
      )`,
      'CREATE INDEX balancer_listeners_of_pool ON balancer_listeners (default_pool)',
      'CREATE INDEX balancer_listeners_of_project ON balancer_listeners (project)',
      `CREATE TABLE balancer_members (
        id TEXT NOT NULL PRIMARY KEY,
        ${below},
        pool TEXT NOT NULL REFERENCES balancer_pools (id),
        ${common},
        address TEXT NOT NULL,
        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
        UNIQUE (pool, address, port)
      )`,
      'CREATE INDEX balancer_members_of_balancer ON balancer_members (load_balancer)',
      'CREATE INDEX balancer_members_of_project ON balancer_members (project)',
      `CREATE TABLE balancer_monitors (
        pool TEXT NOT NULL PRIMARY KEY REFERENCES balancer_pools (id),
        ${below},
        ${common}
      )`,
      'CREATE INDEX balancer_monitors_of_balancer ON balancer_monitors (load_balancer)',
      'CREATE INDEX balancer_monitors_of_project ON balancer_monitors (project)',
      `CREATE TABLE balancer_policies (
        id TEXT NOT NULL PRIMARY KEY,
        ${below},
        listener TEXT NOT NULL REFERENCES balancer_listeners (id),
        ${common},
        position INTEGER NOT NULL,
        redirect_pool TEXT REFERENCES balancer_pools (id)
      )`,
      'CREATE INDEX balancer_policies_of_balancer ON balancer_policies (load_balancer)',
      'CREATE INDEX balancer_policies_of_listener ON balancer_policies (listener, position)',
      'CREATE INDEX balancer_policies_of_pool ON balancer_policies (redirect_pool)',
      `CREATE TABLE balancer_rules (
        id TEXT NOT NULL PRIMARY KEY,
        ${below},
        policy TEXT NOT NULL REFERENCES balancer_policies (id),
        ${common}
      )`,
      'CREATE INDEX balancer_rules_of_balancer ON balancer_rules (load_balancer)',
      'CREATE INDEX balancer_rules_of_policy ON balancer_rules (policy)',
      `CREATE TABLE balancer_quotas (
        project TEXT NOT NULL,
        kind TEXT NOT NULL,
        max_count BIGINT NOT NULL,
        PRIMARY KEY (project, kind)
      )`,
      `CREATE TABLE balancer_secrets (
        id TEXT NOT NULL PRIMARY KEY,
        described TEXT NOT NULL,
        sealed TEXT NOT NULL,
        updated_ms BIGINT NOT NULL
      )`,
      `CREATE TABLE balancer_statistics (
        listener TEXT NOT NULL REFERENCES balancer_listeners (id),
        node BIGINT NOT NULL,
        bytes_in BIGINT NOT NULL,
        bytes_out BIGINT NOT NULL,
        active_connections BIGINT NOT NULL,
        total_connections BIGINT NOT NULL,
        request_errors BIGINT NOT NULL,
        PRIMARY KEY (listener, node)
      )`,
      // A row is there while something of a load balancer is not as wanted. change_turn is null if nothing is PENDING.
      `CREATE TABLE balancer_jobs (
        load_balancer TEXT NOT NULL PRIMARY KEY REFERENCES balancer_load_balancers (id),
        change_turn BIGINT,
        deadline_ms BIGINT,
        attempts INTEGER NOT NULL,
        next_try_ms BIGINT,
        why TEXT
      )`,
      // deployed is the fencing number of what the node has confirmed last, or has to confirm at least. digest is that of its
      // file. why is not null while it lacks something.
      `CREATE TABLE balancer_placements (
        ${below},
        node BIGINT NOT NULL,
        rank INTEGER NOT NULL,
        peer_port INTEGER NOT NULL,
        placed_ms BIGINT NOT NULL,
        deployed BIGINT,
        digest TEXT,
        why TEXT,
        PRIMARY KEY (load_balancer, node),
        UNIQUE (load_balancer, rank),
        UNIQUE (node, peer_port)
      )`,
      // Where a load balancer was, and may still run. It outlives the load balancer.
      `CREATE TABLE balancer_leavings (
        load_balancer TEXT NOT NULL,
        node BIGINT NOT NULL,
        PRIMARY KEY (load_balancer, node)
      )`,
      'CREATE TABLE balancer_draining (node BIGINT NOT NULL PRIMARY KEY)',
      // The nodes whose agents offer the amphora API, and what these call themselves.
      'CREATE TABLE balancer_carriers (node BIGINT NOT NULL PRIMARY KEY, amphora TEXT NOT NULL)',
    ],
  },
  {
    name: 'balancer-2',
    // The node that keeps the VIPs of a pair while the other one is away, and its priority for that.
    sql: [
      'ALTER TABLE balancer_pairs ADD COLUMN holder BIGINT',
      'ALTER TABLE balancer_pairs ADD COLUMN holder_priority INTEGER',
    ],
  },
];
