import { fixtureText } from './fixtures.ts';

/** The expected output of `corosync-quorumtool -s`, by votequorum(5). */
export interface ExpectedQuorum {
  expected: number;
  quorum: number;
  quorate: boolean;
}

/** A corosync.conf from another tool, and the expected file and cluster after one node is removed. */
export interface ForeignConf {
  /** Its folder in test/fixtures/corosync/conf. */
  name: string;
  origin: string;
  /** The number of nodes: 192.0.2.1, 192.0.2.2 … */
  nodes: 3 | 4;
  /** The number of the node that is deleted, from 1. */
  gone: number;
  /** Its number in the cluster; undefined if it is not in the file. */
  goneId: number | undefined;
  /** The names of the nodes in Pacemaker: those in the file, or the host names. */
  nameOf: (host: string) => string;
  /** While all remaining nodes are in one partition. */
  together: ExpectedQuorum;
  /** When the first remaining node is started alone. */
  alone: ExpectedQuorum;
}

const host = (name: string) => name;

/**
 * The addresses are those of RFC 5737, and the host names are `node-a` to `node-d`. The expected values are worked out
 * by hand from votequorum(5), corosync.conf(5) and corosync-qdevice(8): quorum is more than half of the expected votes,
 * but 1 with `two_node`. With `two_node` or `wait_for_all`, a node that is started alone waits for the others.
 */
export const foreignConfs: readonly ForeignConf[] = [
  {
    name: 'crmsh-udpu',
    origin: "crmsh 3, 'crm cluster init' with unicast: udpu, expected_votes, two_node: 0, no names",
    nodes: 3,
    gone: 3,
    goneId: 3,
    nameOf: host,
    together: { expected: 2, quorum: 1, quorate: true },
    alone: { expected: 2, quorum: 1, quorate: false },
  },
  {
    name: 'crmsh-two-links',
    origin: "crmsh 4, 'crm cluster init' with two links: two sections interface",
    nodes: 4,
    gone: 2,
    goneId: 2,
    nameOf: host,
    together: { expected: 3, quorum: 2, quorate: true },
    alone: { expected: 3, quorum: 2, quorate: false },
  },
  {
    name: 'proxmox',
    origin: 'Proxmox VE, pvecm: quorum_votes for each node, config_version',
    nodes: 3,
    gone: 3,
    goneId: 3,
    nameOf: host,
    together: { expected: 2, quorum: 1, quorate: true },
    alone: { expected: 2, quorum: 1, quorate: false },
  },
  {
    name: 'ansible-host-names',
    origin: 'an Ansible role: host names for addresses, no names',
    nodes: 4,
    gone: 3,
    goneId: 3,
    nameOf: host,
    together: { expected: 3, quorum: 2, quorate: true },
    alone: { expected: 3, quorum: 2, quorate: false },
  },
  {
    name: 'puppet-without-nodeid',
    origin: 'a Puppet module: udpu, neither names nor numbers',
    nodes: 3,
    gone: 2,
    goneId: undefined,
    nameOf: host,
    together: { expected: 2, quorum: 1, quorate: true },
    alone: { expected: 2, quorum: 1, quorate: false },
  },
  {
    name: 'juju-charm',
    origin: 'a Juju charm: numbers from 1000 on, no names, comments',
    nodes: 4,
    gone: 4,
    goneId: 1003,
    nameOf: host,
    together: { expected: 3, quorum: 2, quorate: true },
    alone: { expected: 3, quorum: 2, quorate: false },
  },
  {
    name: 'debian-by-hand',
    origin: "Debian's package, edited by hand: comments everywhere, wait_for_all: 0",
    nodes: 3,
    gone: 2,
    goneId: 2,
    nameOf: host,
    together: { expected: 2, quorum: 1, quorate: true },
    alone: { expected: 2, quorum: 1, quorate: true },
  },
  {
    name: 'stretched-votes',
    origin: 'an administrator with two sites: quorum_votes that differ, with expected_votes',
    nodes: 3,
    gone: 3,
    goneId: 3,
    nameOf: host,
    together: { expected: 3, quorum: 2, quorate: true },
    // It has two votes.
    alone: { expected: 3, quorum: 2, quorate: true },
  },
  {
    name: 'auto-tie-breaker',
    origin: 'an administrator who read votequorum(5): auto_tie_breaker with a list of nodes',
    nodes: 4,
    gone: 3,
    goneId: 3,
    nameOf: host,
    together: { expected: 3, quorum: 2, quorate: true },
    alone: { expected: 3, quorum: 2, quorate: false },
  },
  {
    name: 'last-man-standing',
    origin: 'an administrator who read votequorum(5): last_man_standing with auto_tie_breaker',
    nodes: 3,
    gone: 2,
    goneId: 12,
    nameOf: host,
    together: { expected: 2, quorum: 2, quorate: true },
    alone: { expected: 2, quorum: 2, quorate: false },
  },
  {
    name: 'crmsh-qdevice',
    origin: "crmsh 4, 'crm cluster init qdevice': a quorum device, names that are no host names",
    nodes: 3,
    gone: 3,
    goneId: 3,
    nameOf: (name) => `${name}.example.com`,
    together: { expected: 3, quorum: 2, quorate: true },
    alone: { expected: 3, quorum: 2, quorate: false },
  },
  {
    name: 'multicast',
    origin: 'corosync 1, a list of nodes added by hand: multicast, bindnetaddr, no names',
    nodes: 3,
    gone: 3,
    goneId: 30,
    nameOf: host,
    together: { expected: 2, quorum: 1, quorate: true },
    alone: { expected: 2, quorum: 1, quorate: false },
  },
];

/** @param when before or after the removal of the node */
export function foreignConf({ name }: ForeignConf, when: 'before' | 'after'): string {
  return fixtureText(`corosync/conf/${name}/${when}.conf`);
}
