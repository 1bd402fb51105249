import type { IConfiguration, IForbiddenRuleType } from 'dependency-cruiser';

// The walls between the rooms of src, as docs/design.md draws them. A wall names rooms, never single files.

/** The neighbours: one folder for each program on the host. */
const neighbours = 'pacemaker|pcs|corosync|systemd|haproxy|keepalived|netlink';
/** The families: what the project does, without HTTP. */
const families = 'cluster|alphorn|amphora|node|gateway|balancer';
/** What the families of the controller share. */
const controller = 'controller';
/** Rooms that serve every family, and therefore know none. */
const shared = 'server|access|changes|kit';

const inRoom = (names: string) => `^src/(?:${names})/`;

/** The domain of each folder of routes. A folder that is not named here serves all families. */
const domainOf = {
  ha: 'cluster',
  alphorn: 'alphorn',
  peers: 'alphorn',
  amphora: 'amphora',
  'amphora-local': 'amphora',
  node: 'node',
  gateway: 'gateway',
  balancer: 'balancer',
};

const walls: IForbiddenRuleType[] = [
  {
    name: 'no-circles',
    comment: 'Two files that need each other are one thought in two places.',
    from: { path: '^src/' },
    to: { circular: true },
  },
  {
    name: 'bin-is-imported-by-nobody',
    comment: 'A process and its wiring know everything, so nothing may depend on them.',
    from: { path: '^src/', pathNot: inRoom('bin') },
    to: { path: inRoom('bin') },
  },
  {
    name: 'kit-knows-nothing',
    comment: 'The kit is what any program could use.',
    from: { path: inRoom('kit') },
    to: { path: '^src/', pathNot: inRoom('kit') },
  },
  {
    name: 'parsers-are-pure',
    comment: 'A parser turns text into a typed value and does no I/O.',
    from: { path: inRoom('parsers') },
    to: { path: '^src/', pathNot: ['^src/parsers/', '^src/kit/fault\\.ts$'] },
  },
  {
    name: 'parsers-are-pure',
    comment: 'A parser turns text into a typed value and does no I/O.',
    from: { path: inRoom('parsers') },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'neighbours-know-no-family',
    comment: 'A neighbour knows one program on the host, and no HTTP.',
    from: { path: inRoom(neighbours) },
    to: { path: '^src/', pathNot: inRoom(`${neighbours}|parsers|kit`) },
  },
  {
    name: 'shared-rooms-know-no-family',
    comment: 'What serves every family knows none.',
    from: { path: inRoom(shared) },
    to: { path: '^src/', pathNot: inRoom(shared) },
  },
  {
    name: 'access-knows-no-server',
    comment: 'Who may do what does not depend on how a request comes in.',
    from: { path: inRoom('access') },
    to: { path: '^src/', pathNot: inRoom('access|kit') },
  },
  {
    name: 'changes-know-no-server',
    comment: 'A change is made in the same way for hactl and for HTTP.',
    from: { path: inRoom('changes') },
    to: { path: '^src/', pathNot: inRoom('changes|access|kit') },
  },
  {
    name: 'controller-knows-no-family',
    comment: 'What the families of the controller share knows none of them.',
    from: { path: inRoom(controller) },
    to: { path: '^src/', pathNot: inRoom(`${controller}|${neighbours}|parsers|changes|kit`) },
  },
  {
    name: 'families-know-no-http',
    comment: 'A family returns typed values. Routes turn them into the JSON of a document.',
    from: { path: inRoom(families) },
    to: { path: inRoom('routes|server|access') },
  },
  {
    name: 'families-know-no-http',
    comment: 'A family returns typed values. Routes turn them into the JSON of a document.',
    from: { path: [inRoom(families), inRoom(neighbours), inRoom('kit|changes|access|parsers')] },
    to: { path: 'node_modules/(?:express|express-validator|helmet|cors)/' },
  },
  {
    name: 'only-server-and-sender-speak-http',
    comment:
      'HTTP is spoken by the server, by the sender of Alphorn to other hosts, and by what asks a service of this host.',
    from: {
      path: '^src/',
      pathNot: ['^src/server/', '^src/alphorn/sending/', '^src/kit/ask-service[.]ts$'],
    },
    to: { dependencyTypes: ['core'], path: '^(?:node:)?http[2s]?$' },
  },
  {
    name: 'only-links-use-undici',
    comment:
      'Requests to nodes have deadlines, bounds and pinned certificates; controller/nodes sees to it.',
    from: { path: '^src/', pathNot: '^src/controller/nodes/' },
    to: { path: 'node_modules/undici/' },
  },
  {
    name: 'families-are-apart',
    comment: 'A family imports no other family.',
    from: { path: `^src/(${families})/` },
    to: { path: inRoom(families), pathNot: '^src/$1/' },
  },
  {
    name: 'routes-are-apart',
    comment: 'Routes of one family import no routes of another.',
    from: { path: '^src/routes/([^/]+)/' },
    to: { path: '^src/routes/[^/]+/', pathNot: ['^src/routes/$1/', '^src/routes/common/'] },
  },
  {
    name: 'routes-know-no-command',
    comment: 'A route validates, asks the domain and answers.',
    from: { path: inRoom('routes') },
    to: { path: [inRoom(`${neighbours}|parsers`), '^src/kit/(?:exec|files/)'] },
  },
  {
    name: 'routes-know-no-command',
    comment: 'A route validates, asks the domain and answers.',
    from: { path: inRoom('routes') },
    to: { dependencyTypes: ['core'], path: '^(?:node:)?(?:fs|child_process)' },
  },
  ...Object.entries(domainOf).map(([folder, domain]) => ({
    name: 'routes-ask-their-own-domain',
    comment: 'Routes ask the domain of their own family.',
    from: { path: `^src/routes/${folder}/` },
    to: { path: inRoom(families), pathNot: inRoom(domain) },
  })),
  {
    name: 'routes-ask-their-own-domain',
    comment: 'Routes that serve all families ask none of them.',
    from: {
      path: inRoom('routes'),
      pathNot: `^src/routes/(?:${Object.keys(domainOf).join('|')})/`,
    },
    to: { path: inRoom(families) },
  },
  {
    name: 'only-the-runner-starts-processes',
    comment: 'Every command has a deadline and dies with its children; kit/exec.ts sees to it.',
    from: { path: '^src/', pathNot: '^src/kit/exec\\.ts$' },
    to: { path: ['node_modules/execa/', '^(?:node:)?child_process$'] },
  },
];

export const forbidden = walls.map((wall) => ({ ...wall, severity: 'error' as const }));

const config: IConfiguration = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'], conditionNames: ['import', 'node'] },
  },
};

export default config;
