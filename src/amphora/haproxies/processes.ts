/**
 * What runs haproxy for an owner.
 *
 * - `up`: it runs.
 * - `coming`: it is being started, or starts again by itself soon.
 * - `down`: it was stopped, or never started.
 * - `failed`: it ended by itself, and does not start again.
 */
export type ProcessState = 'up' | 'coming' | 'down' | 'failed';

/** The haproxy processes, each with the id of its owner. */
export interface Processes {
  /** Starts one and waits until it serves. Faults: `service_failed`, those of Run */
  start(id: string): Promise<void>;
  /** Stops one, and waits for its end; does nothing if it does not run. Faults: `service_failed`, those of Run */
  stop(id: string): Promise<void>;
  /**
   * Has the master read its file again, and does not wait for it.
   * @param master its process id, if it is known
   * Faults: `service_failed`, those of Run
   */
  reload(id: string, master: number | undefined): Promise<void>;
  /** Faults: `tool_failed`, those of Run */
  state(id: string): Promise<ProcessState>;
  /** Whether it starts with the host. Faults: `service_failed`, those of Run */
  setEnabled(id: string, isEnabled: boolean): Promise<void>;
  /** What haproxy has printed since then, as it is: it quotes the file. Empty if nobody knows. */
  messages(id: string, since: Date): Promise<string>;
}
