import { roles } from './cib/values.ts';
import { withoutInstance } from './crm-mon.ts';

/** What the scheduler would do. */
export interface PlannedAction {
  /** `start`, `stop`, `move`, `restart`, `recover`, `promote`, `demote`, `migrate`, `reload`, `fence`, `shutdown` … */
  action: string;
  resource?: string;
  /** Where it is done; of a move, where the resource goes. */
  node?: string;
  /** Where the resource comes from. */
  from?: string;
  /** What else the scheduler says: how it fences, which roles, why. */
  detail?: string;
}

/** What the scheduler thinks of a node for a resource. */
export interface NodeScore {
  /** The primitive's id, without the number of the instance. */
  resource: string;
  node: string;
  /** An integer, `INFINITY` or `-INFINITY`. */
  score: string;
}

// `pcmk__native_allocate: ZFS allocation score on n1: 100`; the name of the function changes, 3.0 has `* ` before it.
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
 * Reads the summary that `crm_simulate` prints as text, in which Pacemaker 2.0 to 3.0 agree; only the later
 * ones have XML. A line that is not known keeps its words.
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
  const words = where.split(' ').filter((word) => word !== '');
  const arrow = words.indexOf('->');
  const isRole = (word: string | undefined) => roles.some((role) => role === word);
  const names = words.filter((word) => word !== '->' && !isRole(word));
  const said = words.filter((word) => isRole(word));
  const moves = arrow > 0 && names.length > 1;
  const node = moves ? names[1] : names[0];
  const from = moves ? names[0] : undefined;
  const rest = [said.join(' -> '), detail.trim()].filter(Boolean).join(' ');
  return {
    action: action.toLowerCase(),
    resource,
    ...(node !== undefined && { node }),
    ...(from !== undefined && { from }),
    ...(rest !== '' && { detail: rest }),
  };
}
