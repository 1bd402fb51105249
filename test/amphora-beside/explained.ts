import type { Explained } from './differences.ts';

const facts = /^GET \/[\d.v]+\/(?:info|details)$/;
const details = /^GET \/[\d.v]+\/details$/;
const plugs = /^POST \/[\d.v]+\/plug\//;
const certificates = /^(?:GET|PUT|DELETE) \S+\/certificates\/\S+$/;
const vrrp = /^PUT \/[\d.v]+\/vrrp\/\w+$/;
const failures = /^\d+, [45]\d\d$/;
const any = /^/;

/**
 * The differences between the agent of Debian 12 and ours. The first row that fits explains a difference. Each names a line
 * of docs/amphora.md, "Differences from Octavia's agent".
 */
export const explained: readonly Explained[] = [
  // A: /info without a version
  { line: 'A', request: /^GET \/info$/, field: /^status$/, real: /^404$/, ours: /^200$/ },
  {
    line: 'A',
    request: /^GET \/info$/,
    field: /^body\.(?:hostname|uuid|\w+_version|api_versions\.\d)$/,
    real: null,
    ours: any,
  },
  // B: a slash at the end
  {
    line: 'B',
    request: /^GET \/1\.0\/(?:info|listeners)\/$/,
    field: /^status$/,
    real: /^404$/,
    ours: /^200$/,
  },
  {
    line: 'B',
    request: /^GET \/1\.0\/(?:info|listeners)\/$/,
    field: /^body(?:\.\w+)?$/,
    statuses: /^404, 200$/,
    real: null,
    ours: any,
  },
  // I: ports that are not there
  { line: 'I', request: plugs, field: /^status$/, real: /^500$/, ours: /^404$/ },
  { line: 'I', request: plugs, field: /^body\.error$/, real: /^500 Internal/, ours: null },
  { line: 'I', request: plugs, field: /^body\.http_code$/, real: /^500$/, ours: null },
  {
    line: 'I',
    request: plugs,
    field: /^body\.message$/,
    statuses: /^(?:404|500), 404$/,
    real: null,
    ours: /^No suitable network interface found$/,
  },
  // C: errors of the framework
  {
    line: 'C',
    request: any,
    field: /^body\.error$/,
    real: /^(?:404 Not Found|405 Method Not Allowed|400 Bad Request): /,
    ours: null,
  },
  { line: 'C', request: any, field: /^body\.http_code$/, real: /^40[045]$/, ours: null },
  {
    line: 'C',
    request: any,
    field: /^body\.message$/,
    statuses: /^(40[045]), \1$/,
    real: null,
    ours: any,
  },
  { line: 'D', request: any, field: /^allow$/, real: null, ours: /^[A-Z]+(?:, [A-Z]+)*$/ },
  // E: more about errors
  { line: 'E', request: any, field: /^body\.code$/, real: null, ours: /^[a-z_]+$/ },
  { line: 'E', request: any, field: /^body\.details$/, statuses: failures, real: null, ours: any },
  // F to H: facts
  { line: 'F', request: facts, field: /^body\.uuid$/, real: null, ours: /^AMPHORA$/ },
  {
    line: 'F',
    request: details,
    field: /^body\.(?:memory\.(?:available|committed_as)|cpu_count|active_tuned_profiles)$/,
    real: null,
    ours: any,
  },
  {
    line: 'G',
    request: facts,
    field: /^body\.(?:haproxy|keepalived)_version$/,
    real: /^(?:1:)?\d[\d.]*-/,
    ours: /^\d+(?:\.\d+)+$/,
  },
  {
    line: 'H',
    request: details,
    field: /^body\.(?:cpu\.(?:user|system|soft_irq)|load\.\d)$/,
    real: /^digits$/,
    ours: /^a number$/,
  },
  { line: 'H', request: details, field: /^body\.packages$/, real: /^\{\}$/, ours: null },
  { line: 'H', request: details, field: /^body\.packages\.\d+\./, real: null, ours: any },
  {
    line: 'J',
    request: details,
    field: /^body\.topology$/,
    real: /^SINGLE$/,
    ours: /^ACTIVE-STANDBY$/,
  },
  { line: 'J', request: details, field: /^body\.active$/, real: /^true$/, ours: /^false$/ },
  { line: 'J', request: details, field: /^body\.haproxy_count$/, real: /^0$/, ours: /^\d$/ },
  // K: statuses and headers of uploads
  { line: 'K', request: /^PUT \S+\/haproxy$/, field: /^status$/, real: /^202$/, ours: /^201$/ },
  { line: 'K', request: certificates, field: /^status$/, real: /^200$/, ours: /^201$/ },
  {
    line: 'K',
    request: /^PUT \/[\d.v]+\/(?:config|certificate)$/,
    field: /^etag$/,
    real: null,
    ours: /^the MD5 of what was sent$/,
  },
  {
    line: 'K',
    request: /^GET \S+\/udp_listener$/,
    field: /^etag$/,
    real: null,
    ours: /^[0-9a-f]{32}$/,
  },
  // L: what is not there
  { line: 'L', request: /^DELETE /, field: /^status$/, real: /^200$/, ours: /^404$/ },
  {
    line: 'L',
    request: /^DELETE /,
    field: /^body\.message$/,
    statuses: /^200, 404$/,
    real: /^OK$/,
    ours: /^(?:Listener|Certificate|Loadbalancer) Not Found$/,
  },
  // M: words of the documents
  {
    line: 'M',
    request: /^GET \S+\/interface\/\S+$/,
    field: /^body\.message$/,
    real: /^Invalid IP address$/,
    ours: /^Bad IP address version$/,
  },
  {
    line: 'M',
    request: /^PUT \S+\/(?:start|stop|reload)$/,
    field: /^body\.message$/,
    statuses: /^404, 404$/,
    real: /^Loadbalancer Not Found$/,
    ours: /^Listener Not Found$/,
  },
  {
    line: 'M',
    request: certificates,
    field: /^body\.(?:message|details)$/,
    statuses: /^404, 404$/,
    real: /^(?:Certificate Not Found$|No certificate with filename: )/,
    ours: /^(?:Listener Not Found$|No loadbalancer with UUID: |No listener with UUID: |No certificate with file name: )/,
  },
  {
    line: 'M',
    request: certificates,
    field: /^body\.message$/,
    statuses: /^400, 400$/,
    real: /^Filename has wrong format$/,
    ours: /^Invalid request$/,
  },
  {
    line: 'M',
    request: /^GET \S+\/udp_listener$/,
    field: /^body\.details$/,
    real: /^No UDP listener with UUID: /,
    ours: /^No listener with UUID: /,
  },
  {
    line: 'M',
    request: plugs,
    field: /^body\.message$/,
    real: /^Invalid (?:VIP|VRRP Address): /,
    ours: /^Invalid VIP$/,
  },
  {
    line: 'M',
    request: plugs,
    field: /^body\.details$/,
    real: /^(?:VIPs plugged on interface eth1: 198\.18\.1\.100|Plugged on interface eth2)$/,
    ours: /^(?:VIP 198\.18\.1\.100 plugged on interface eth1|Plugged interface eth2)$/,
  },
  {
    line: 'M',
    request: /^PUT \S+\/stop$/,
    field: /^body\.details$/,
    real: / stoped$/,
    ours: / stopped$/,
  },
  // N: what is checked
  {
    line: 'N',
    request: /^PUT \S+\/(?:haproxy|udp_listener)$/,
    field: /^body\.details$/,
    statuses: /^400, 400$/,
    real: /haproxy version is|will not start/,
    ours: /^Line \d+: /,
  },
  {
    line: 'N',
    request: /^PUT \S+\/(?:certificates\/\S+|upload|udp_listener|config|certificate)$/,
    field: /^status$/,
    real: /^20[02]$/,
    ours: /^400$/,
  },
  {
    line: 'N',
    request: /^PUT \S+\/(?:certificates\/\S+|upload|udp_listener|config|certificate)$/,
    field: /^body\.message$/,
    statuses: /^20[02], 400$/,
    real: /^OK$/,
    ours: /^(?:Invalid request|No certificate found|No RSA key found|Certificate and key do not match)$/,
  },
  {
    line: 'N',
    request: /^PUT \S+\/(?:certificates\/\S+|upload|udp_listener)$/,
    field: /^etag$/,
    statuses: /^200, 400$/,
    real: any,
    ours: null,
  },
  // O: a broken configuration of the agent
  { line: 'O', request: /^PUT \S+\/config$/, field: /^status$/, real: /^500$/, ours: /^400$/ },
  {
    line: 'O',
    request: /^PUT \S+\/config$/,
    field: /^body\.(?:message|details)$/,
    statuses: /^500, 400$/,
    real: /^(?:Unable to update amphora-agent configuration\.$|Failed to parse )/,
    ours: /^(?:Invalid request$|The agent goes on with the configuration that it has)/,
  },
  // P: keepalived without a configuration
  { line: 'P', request: vrrp, field: /^status$/, real: /^500$/, ours: /^202$/ },
  {
    line: 'P',
    request: vrrp,
    field: /^body\.message$/,
    real: /^Failed to (?:start|stop|reload) octavia-keepalived service$/,
    ours: /^(?:OK$|Failed to start keepalived service: )/,
  },
  {
    line: 'P',
    request: vrrp,
    field: /^body\.details$/,
    statuses: /^500, /,
    real: /octavia-keepalived/,
    ours: /^keepalived /,
  },
  // Q: states
  {
    line: 'Q',
    request: /^GET \S+\/listeners$/,
    field: /^body\.\d\.status$/,
    real: /^ACTIVE$/,
    ours: /^STOPPED$/,
  },
  // S: other versions, by the paths of 1.0
  {
    line: 'S',
    request: /^GET \/(?:0\.5|v0\.1)\/(?:info|details)$/,
    field: /^body\.api_version$/,
    real: /^1\.0$/,
    ours: /^0\.[15]$/,
  },
  // T: LVS without IPVS
  {
    line: 'T',
    request: /^PUT \S+\/start$/,
    field: /^status$/,
    real: /^202$/,
    ours: /^500$/,
  },
  {
    line: 'T',
    request: /^PUT \S+\/start$/,
    field: /^body\.(?:message|details)$/,
    statuses: /^202, 500$/,
    real: /^(?:OK|keepalivedlvs listener \S+ started)$/,
    ours: any,
  },
  // R: a port that is plugged otherwise
  { line: 'R', request: plugs, field: /^status$/, real: /^409$/, ours: /^500$/ },
  {
    line: 'R',
    request: plugs,
    field: /^body\.message$/,
    statuses: /^409, 500$/,
    real: /^Interface already exists$/,
    ours: /^Error plugging VIP$/,
  },
];
