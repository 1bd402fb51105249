import { roles } from './cib/values.ts';
import { withoutInstance } from './crm-mon.ts';

/** What the scheduler would do. */
export interface PlannedAction {
  /** `start`, `stop`, `move`, `restart`, `recover`, `promote`, `demote`, `migrate`, `reload`, `fence`, `shutdown` … */
  action: string;
  resource?: string;
  /** The node of the action; in a move, the node that the resource goes to. */
  node?: string;
  /** The node that the resource comes from. */
  from?: string;
  /** Other details from the scheduler: the way of fencing, roles, the reason. */
  detail?: string;
}

/** The scheduler's score of a node for a resource. */
export interface NodeScore {
  /** The primitive's id, without the number of the instance. */
  resource: string;
  node: string;
  /** An integer, `INFINITY` or `-INFINITY`. */
  score: string;
}

// `pcmk__native_allocate: ZFS allocation score on n1: 100`. The name of the function differs between versions, and 3.0
// prints `* ` before it.
const scoreLine =
  /^[ *]*pcmk__(?:native|primitive)_\w+: (?<resource>\S+) allocation score on (?<node>\S+): (?<score>\S+)$/;

/** Reads the scores of primitives that `crm_simulate --show-scores` prints as text. */
export function parseScores(text: string): NodeScore[] {
  return text.split('\n').flatMap((line) => {
    const { resource = '', node = '', score = '' } = scoreLine.exec(line)?.groups ?? {};
    return resource === '' ? [] : [{ resource: withoutInstance(resource), node, score }];
  });
}

const heading = 'Transition Summary:';
const resourceLine =
  /^ *\* (?<action>\w+) +(?<resource>\S+) +\((?<where>[^)]*)\)(?<detail>(?: .*)?)$/;
const nodeLine = /^ *\* (?<action>\w+) (?:\((?<how>[^)]*)\) )?(?<node>\S+)(?: +'(?<why>.*)')?$/;

/**
 * Reads the summary that `crm_simulate` prints as text, which is the same in Pacemaker 2.0 to 3.0; only later versions
 * print XML. An unknown line is returned as it is.
 */
export function parseTransition(text: string): PlannedAction[] {
  const lines = text.split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) return [];
  const after = lines.slice(start + 1);
  const end = after.findIndex((line) => !/^ *\* /.test(line));
  return after.slice(0, end < 0 ? undefined : end).map(actionOf);
}

function actionOf(line: string): PlannedAction {
  const resource = resourceLine.exec(line)?.groups;
  if (resource) return resourceAction(resource);
  const node = nodeLine.exec(line)?.groups;
  if (node) {
    const detail = [node['how'], node['why']].filter(Boolean).join(': ');
    return {
      action: (node['action'] ?? '').toLowerCase(),
      node: node['node'] ?? '',
      ...(detail !== '' && { detail }),
    };
  }
  return { action: 'other', detail: line.replace(/^ *\* /, '') };
}

/** `where` is `node`, `from -> to`, `role node`, or `role -> role node` (rsc_action_default in libpe_status). */
function resourceAction(groups: Readonly<Record<string, string>>): PlannedAction {
  const { action = '', resource = '', where = '', detail = '' } = groups;
  const parts = where.split(' ').filter((part) => part !== '');
  const arrow = parts.indexOf('->');
  const isRole = (part: string) => roles.some((role) => role === part);
  const names = parts.filter((part) => part !== '->' && !isRole(part));
  const given = parts.filter((part) => isRole(part));
  const moves = arrow > 0 && names.length > 1;
  const node = moves ? names[1] : names[0];
  const from = moves ? names[0] : undefined;
  const rest = [given.join(' -> '), detail.trim()].filter(Boolean).join(' ');
  return {
    action: action.toLowerCase(),
    resource,
    ...(node !== undefined && { node }),
    ...(from !== undefined && { from }),
    ...(rest !== '' && { detail: rest }),
  };
}
