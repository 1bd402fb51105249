import type { AmphoraLab, AmphoraNode } from '../lab/amphora/lab.ts';

/** What belongs to the agent, and is there without any load balancer. */
const agentFiles = [
  'certs',
  'lvs',
  'lvs/check',
  'lvs/check/udp_check.sh',
  'vrrp',
  'vrrp/check_script.sh',
  'vrrp/check_scripts',
  'vrrp/check_scripts/haproxy_check_script.sh',
  'ha-amphora.env',
  'haproxy-check.conf',
  'haproxy-default-user-group.conf',
  'ping-wrapper.sh',
  'stats_counters.json',
  'topology.json',
  // The API has no call that takes these two away.
  'plugged_interfaces',
  'vrrp/octavia-keepalived.conf',
];

/** Everything that a removed load balancer has left in the nodes; empty if all is well. */
export async function leftOverIn(lab: AmphoraLab): Promise<string[]> {
  const left: string[] = [];
  for (const node of lab.nodes) {
    const found = [
      ...(await filesIn(node)),
      ...(await unitsIn(node)),
      ...(await processesIn(node)),
      ...(await networkIn(node)),
    ];
    left.push(...found.map((each) => `${node.name}: ${each}`));
  }
  return left;
}

async function filesIn(node: AmphoraNode): Promise<string[]> {
  const base = '/var/lib/octavia';
  const found = await linesOf(node, 'find', base, '-mindepth', '1', '-printf', '%P\\n');
  return found.filter((path) => !agentFiles.includes(path)).map((path) => `${base}/${path}`);
}

/** Units that run or failed, units that systemd remembers, and what would start them at the next boot. */
async function unitsIn(node: AmphoraNode): Promise<string[]> {
  const list = ['systemctl', 'list-units', '--all', '--plain', '--no-legend'] as const;
  const owners = await linesOf(node, ...list, 'amphora-haproxy@*', 'amphora-lvs@*');
  const keepalived = await linesOf(node, ...list, 'amphora-keepalived.service');
  const failed = await linesOf(node, ...list, '--state=failed', '*amphora*');
  const wanted = await linesOf(
    node,
    ...['find', '/etc/systemd/system', '/run/systemd/system'],
    ...['-name', 'amphora-haproxy@*', '-o', '-name', 'amphora-lvs@*'],
    ...['-o', '-path', '*.wants/amphora-keepalived*'],
  );
  return [
    ...owners,
    ...keepalived.filter((line) => !/ inactive /.test(line)),
    ...failed,
    ...wanted,
  ];
}

async function processesIn(node: AmphoraNode): Promise<string[]> {
  const all = await linesOf(node, 'ps', '-eo', 'comm=,args=');
  return all.filter((line) => /^(?:haproxy|keepalived)/.test(line));
}

/** Addresses, rules and routes of the VIP, in the namespace and outside. Those of the ports' own addresses stay. */
async function networkIn(node: AmphoraNode): Promise<string[]> {
  const found: string[] = [];
  for (const place of [[], ['-netns', 'amphora-haproxy']]) {
    const addresses = await linesOf(node, 'ip', ...place, '-oneline', 'address', 'show');
    found.push(...addresses.filter((line) => / (?:198\.18\.1|2001:db8:1:):?.*10[01]\//.test(line)));
    for (const family of ['-4', '-6']) {
      const rules = await linesOf(node, 'ip', ...place, family, 'rule', 'show');
      found.push(...rules.filter((line) => !/lookup (?:local|main|default)\s*$/.test(line)));
      const routes = await linesOf(node, 'ip', ...place, family, 'route', 'show', 'table', 'all');
      found.push(...routes.filter((line) => / table (?!local)/.test(line)));
    }
  }
  return found;
}

async function linesOf(node: AmphoraNode, ...argv: [string, ...string[]]): Promise<string[]> {
  const { stdout } = await node.exec(argv);
  return stdout.split('\n').filter((line) => line.trim() !== '');
}
