// The allowed arguments of the tools. With another argument, a tool would do something else, or read it as an option.
// So each place for a name has its own rule. The rules come from the tools' manual pages, and not from the agent's
// checks.

type Slot = string | RegExp;
type Form = readonly Slot[];

// A name by Namespaces in XML 1.0, production 4, with the letters of XML 1.0, fifth edition.
const letters =
  'A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C-\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const more = `${letters}0-9.\\-\\xB7\\u0300-\\u036F\\u203F-\\u2040`;
const ncName = `[${letters}][${more}]*`;
const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`, 'u');

const id = whole(ncName);
const nodeText = `[${letters}0-9][${more}:]*`;
const node = whole(nodeText);
const agent = /^[A-Za-z0-9_][A-Za-z0-9_.@+\\-]*(?:[:/][A-Za-z0-9_][A-Za-z0-9_.@+\\-]*)*$/;
const unit = /^[A-Za-z][A-Za-z_-]*\.service$/;
const count = /^[1-9]\d{0,5}$/;
const timeout = /^--timeout=[1-9]\d{0,5}$/;
/** A file of the agent, in a folder that nobody else can enter. */
const file = /^\/dev\/shm\/ha-agent-\d+-\w{6}\/[a-z.-]+$/;
const folder = /^\/[\w/.-]+$/;
const xpath = whole(`(?:/${ncName}(?:\\[@id='[${more}:@+#]*'\\])?)+`);
const attribute = /^--name=(?:standby|maintenance)$/;

/** The allowed command lines by tool. */
const forms: Readonly<Record<string, readonly Form[]>> = {
  cibadmin: [
    ['--query'],
    ['--query', '--scope', 'configuration'],
    ['--query', '--node', node],
    ['--query', '--xpath', xpath],
    ['--query', '--node', node, '--xpath', xpath],
    ['--patch', '--xml-pipe'],
  ],
  crm_mon: [['--as-xml'], ['--one-shot', '--inactive'], ['--version']],
  crm_node: [['--name'], ['--list'], ['--force', '--remove', node]],
  crm_attribute: [[whole(`--node=${nodeText}`), attribute, '--lifetime=reboot', '--delete']],
  crm_resource: [
    ['--list-ocf-providers'],
    ['--list-agents', agent],
    ['--show-metadata', agent],
    ['--wait', timeout],
    ['--cleanup', '--resource', id],
    ['--restart', '--resource', id],
  ],
  crm_simulate: [
    ['--live-check', '--show-scores'],
    ['--simulate', '--xml-file', file, '--save-output', file],
  ],
  crmadmin: [['--dc_lookup']],
  stonith_admin: [['--reboot', node, timeout]],
  'pacemaker-based': [['metadata']],
  'pacemaker-controld': [['metadata']],
  'pacemaker-schedulerd': [['metadata']],
  'pacemaker-fenced': [['metadata']],
  corosync: [['-t'], ['-t', '-c', file], ['-v']],
  'corosync-cfgtool': [['-s'], ['-R']],
  'corosync-cmapctl': [['nodelist.']],
  'corosync-keygen': [['-k', file]],
  'corosync-quorumtool': [['-s'], ['-e', count]],
  pcs: [
    ['status'],
    ['--version'],
    ['cluster', 'destroy'],
    ['resource', 'describe', agent],
    ['stonith', 'describe', agent],
    ['-f', file, 'constraint', '--full'],
    ['-f', file, 'stonith', 'config'],
  ],
  systemctl: [
    ...['start', 'stop', 'restart', 'enable', 'disable'].map((action) => [action, unit]),
    ...[1, 2, 3, 4, 5, 6].map((units) => [
      'show',
      '--property=Id,LoadState,ActiveState,UnitFileState',
      ...Array.from({ length: units }, () => unit),
    ]),
  ],
  perl: [['-', /^(?:read|write)$/, folder]],
  logger: [['--tag', 'alphorn', '--priority', 'daemon.notice', '--', /^[^\0\r\n]+$/]],
};

/** @returns what is wrong with a command line, or undefined if the grammar of its tool allows it */
export function flawOfArgv([program = '', ...args]: readonly string[]): string | undefined {
  const tool = program.replace(/^.*\//, '');
  const known = Object.hasOwn(forms, tool) ? (forms[tool] ?? []) : [];
  if (known.some((form) => fits(form, args))) return undefined;
  return `an argument that ${tool} must not have: ${JSON.stringify([program, ...args])}`;
}

function fits(form: Form, args: readonly string[]): boolean {
  return (
    form.length === args.length &&
    form.every((slot, index) => {
      const arg = args[index] ?? '';
      return typeof slot === 'string' ? slot === arg : slot.test(arg);
    })
  );
}
