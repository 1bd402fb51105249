import type { ClusterHost } from '../paths.ts';
import type { PlannedAction } from '../../parsers/crm-simulate.ts';
import type { ExpectedResource } from '../why/outcome.ts';
import type { CibEdit } from './engine/cib-edit.ts';
import type { Cib } from '../../parsers/cib/cib.ts';
import type { TransientAttribute } from '../../parsers/cib/text.ts';

/** A change of the cluster, as a value that can be tried and carried out. */
export interface ClusterChange<T> {
  /**
   * Its edit of the CIB. A change without one cannot be tried. A change with one only reads before its first `editCib`.
   */
  edit?: CibEdit;
  /** Its later edits of the CIB. Each is made after the cluster has finished the actions of the previous one. */
  later?: readonly CibEdit[];
  /** A transient attribute of a node that it ends as well. */
  endsTransient?: TransientAttribute;
  /** Takes its first edit back if a later step is refused or fails. */
  takeBack?: CibEdit;
  /**
   * Refuses the change because of the cluster's planned actions after each edit. It changes nothing, and is the same for
   * a dry run.
   */
  check?: (host: ClusterHost, plans: readonly (readonly PlannedAction[])[]) => Promise<unknown>;
  /** Whether it leaves the configuration as it is. Then the version is not read again. */
  leavesConfiguration?: boolean;
  /** Carries it out, and returns what only the cluster knows of it. */
  carryOut: (site: Site) => Promise<T>;
  /** At most one change with the same key may be queued or running. */
  alone?: string;
  /** Whether the cluster is still there to wait for; the default is `running`. */
  afterwards?: 'running' | 'maybe stopped';
  /** The state that a resource should have afterwards. A warning explains any other state. */
  expects?: ExpectedResource;
  /** Whether it waits for the resource itself. */
  waitsForResource?: boolean;
}

/** The tools of a change while it is carried out. */
export interface Site {
  /** Commands that it runs are recorded. */
  host: ClusterHost;
  /** Simulates these edits and returns the cluster's actions after each. Faults: those of CibEditor. */
  plan: (edits: readonly CibEdit[]) => Promise<PlannedAction[][]>;
  /** The CIB, read after all changes before this one. Faults: those of ConfigurationReader. */
  cib: () => Promise<Cib>;
  /**
   * Makes an edit in the cluster. The first one requires the version that the caller asked for.
   * @returns the whole CIB before the edit
   * Faults: those of the edit and of CibEditor.
   */
  editCib: (edit: CibEdit) => Promise<string>;
  /**
   * Waits until the cluster has nothing left to do.
   * @returns whether that happened in time; if not, the answer says so
   * Faults: those of waitUntilIdle.
   */
  settle: () => Promise<boolean>;
  /** Says that something which the change began is not finished. */
  notSettled: () => void;
  /** Tells the caller something about a change that was made. */
  warn: (text: string) => void;
}

/** A change that consists of one edit of the CIB. */
export function cibChange(edit: CibEdit): ClusterChange<void> {
  return {
    edit,
    async carryOut(site) {
      await site.editCib(edit);
    },
  };
}

/** As cibChange, for an edit after which the resource should run unless it is configured to be stopped. */
export function cibChangeOf(expects: ExpectedResource, edit: CibEdit): ClusterChange<void> {
  return { ...cibChange(edit), expects };
}
