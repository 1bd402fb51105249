import type { Host } from '../../kit/host.ts';
import type { PlannedAction } from '../../parsers/crm-simulate.ts';
import type { ExpectedResource } from '../why/outcome.ts';
import type { CibEdit } from './engine/cib-edit.ts';
import type { Cib } from '../../parsers/cib/cib.ts';
import type { TransientAttribute } from '../../parsers/cib/text.ts';

/** A change of the cluster: what is to become of it. */
export interface ClusterChange<T> {
  /**
   * What it makes of the CIB. A change without one cannot be tried; one that has it does nothing but read before its
   * first `editCib`.
   */
  edit?: CibEdit;
  /** Its later edits of the CIB. Each is made when the cluster has finished what the one before led to. */
  later?: readonly CibEdit[];
  /** An attribute of a node that it ends in the state of the cluster, beside its edit. */
  endsTransient?: TransientAttribute;
  /** Takes its first edit back, where a later step is refused or fails. */
  takeBack?: CibEdit;
  /**
   * Refuses it for what the cluster would do after each edit; changes nothing. What is tried and what is made are
   * judged alike.
   */
  check?: (host: Host, plans: readonly (readonly PlannedAction[])[]) => Promise<unknown>;
  /** Whether it leaves the configuration as it is, whose version need not be read again then. */
  leavesConfiguration?: boolean;
  /** Carries it out, and returns what only the cluster knows of it. */
  carryOut: (site: Site) => Promise<T>;
  /** At most one change with the same key may be queued or running. */
  alone?: string;
  /** Whether there is a cluster to wait for then; `running` if nothing is said. */
  afterwards?: 'running' | 'maybe stopped';
  /** What a resource is to be afterwards. Where it is not, a warning says why. */
  expects?: ExpectedResource;
  /** Whether it waits for that itself. */
  waitsForResource?: boolean;
}

/** What a change has at hand while it is carried out. */
export interface Site {
  /** Each command that it runs goes into the record. */
  host: Host;
  /** Simulates these edits and returns the cluster's actions after each. Faults: those of CibEditor. */
  plan: (edits: readonly CibEdit[]) => Promise<PlannedAction[][]>;
  /** The CIB, read after all changes before this one. Faults: those of ConfigurationReader. */
  cib: () => Promise<Cib>;
  /**
   * Makes an edit, and puts it in place; the first is made only if the version is the one that was asked for.
   * @returns the whole CIB as the edit found it
   * Faults: those of the edit and of CibEditor.
   */
  editCib: (edit: CibEdit) => Promise<string>;
  /**
   * Waits until the cluster has nothing left to do.
   * @returns whether it came to that in time; if not, the answer says so
   * Faults: those of waitUntilIdle.
   */
  settle: () => Promise<boolean>;
  /** Something else that was begun goes on. */
  notSettled: () => void;
  /** For what the caller should know of a change that was made. */
  warn: (text: string) => void;
}

/** A change of the CIB that is its edit and nothing more. */
export function cibChange(edit: CibEdit): ClusterChange<void> {
  return {
    edit,
    async carryOut(site) {
      await site.editCib(edit);
    },
  };
}

/** The same of one after which a resource is to run, unless it is configured to be stopped. */
export function cibChangeOf(expects: ExpectedResource, edit: CibEdit): ClusterChange<void> {
  return { ...cibChange(edit), expects };
}
