/** What this process knows of a load balancer on a node. */
interface Known {
  /** SHA-256 of the file that haproxy was last seen to take on; undefined if that is not certain. */
  runs: string | undefined;
  /** Names of certificates that may be there. */
  files: Set<string>;
}

/** More than a controller has load balancers on nodes. What is forgotten costs a reload. */
const maxKnown = 20_000;

/**
 * What agents do not say: whether haproxy runs the file that was uploaded, and which certificates were.
 *
 * INVARIANT: `runs` is forgotten before anything is changed on a node, and set after haproxy has taken the file on.
 */
export interface Memory {
  runs(node: number, balancer: string): string | undefined;
  setRuns(node: number, balancer: string, sha256: string): void;
  /** Called before a change of a node. */
  forgetRuns(node: number, balancer: string): void;
  files(node: number, balancer: string): readonly string[];
  addFile(node: number, balancer: string, file: string): void;
  removeFile(node: number, balancer: string, file: string): void;
  /** Called when it is gone from a node. */
  forget(node: number, balancer: string): void;
  /** The load balancers of a node that are known. */
  balancersOn(node: number): readonly string[];
}

export function makeMemory(): Memory {
  const all = new Map<string, Known>();
  const keyOf = (node: number, balancer: string) => `${node} ${balancer}`;

  function entry(node: number, balancer: string): Known {
    const key = keyOf(node, balancer);
    const known = all.get(key) ?? { runs: undefined, files: new Set() };
    all.delete(key);
    all.set(key, known);
    const [oldest] = all.keys();
    if (all.size > maxKnown && oldest !== undefined) all.delete(oldest);
    return known;
  }

  return {
    runs: (node, balancer) => all.get(keyOf(node, balancer))?.runs,
    setRuns(node, balancer, sha256) {
      entry(node, balancer).runs = sha256;
    },
    forgetRuns(node, balancer) {
      const known = all.get(keyOf(node, balancer));
      if (known) known.runs = undefined;
    },
    files: (node, balancer) => [...(all.get(keyOf(node, balancer))?.files ?? [])],
    addFile(node, balancer, file) {
      entry(node, balancer).files.add(file);
    },
    removeFile(node, balancer, file) {
      all.get(keyOf(node, balancer))?.files.delete(file);
    },
    forget: (node, balancer) => all.delete(keyOf(node, balancer)),
    balancersOn: (node) =>
      [...all.keys()].flatMap((key) => {
        const [id, balancer] = key.split(' ');
        return id === String(node) && balancer !== undefined ? [balancer] : [];
      }),
  };
}
