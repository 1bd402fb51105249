import { makeSlots } from '../../kit/concurrency/slots.ts';
import { type ServerChange, serverChanges } from '../render/server-changes.ts';
import type { AgentState, NodeAgent } from './agent.ts';
import { certificatesIn, type WantedFile, type WantedFiles } from './files.ts';
import type { Memory } from './memory.ts';

export interface NodeStepsParts {
  agent: NodeAgent;
  memory: Memory;
  node: number;
  balancer: string;
  /** The id of the node's amphora. */
  amphora: string;
  files: WantedFiles;
}

/** The steps by which one node comes to run a load balancer. Each can be repeated. */
export interface NodeSteps {
  /** Uploads what is missing. What runs goes on. */
  prepare(): Promise<void>;
  /** Has haproxy run what was uploaded, unless it does. Where only members differ, it changes them without a reload. */
  activate(): Promise<void>;
  /** Deletes the certificates that are not used any more. */
  clean(): Promise<void>;
}

/** Uploads of one load balancer to a node at once. */
const maxUploads = 4;

/** Faults: `node_unreachable`, AgentRefused */
export function makeNodeSteps(parts: NodeStepsParts): NodeSteps {
  const { agent, memory, node, balancer, files } = parts;
  const own = {
    needsReload: false,
    /** What is to be set in the running process instead of a reload; undefined if that is not enough. */
    changes: undefined as readonly ServerChange[] | undefined,
    unused: new Set<string>(),
  };

  /** The MD5 of the certificates that are there, as far as they are wanted. */
  async function presentSums(state: AgentState): Promise<ReadonlyMap<string, string>> {
    if (state.certificates) return state.certificates;
    const slots = makeSlots(maxUploads, files.certificates.length);
    const sums = files.certificates.map(({ file }) =>
      slots.run(async () => [file, await agent.certificateSum(balancer, file)] as const),
    );
    const found = await allOf(sums);
    return new Map(found.flatMap(([file, sum]) => (sum === undefined ? [] : [[file, sum]])));
  }

  async function uploadCertificates(missing: readonly WantedFile[]): Promise<void> {
    if (missing.length === 0) return;
    memory.forgetRuns(node, balancer);
    const lists = new Set(files.certificates.filter(isList).map(({ file }) => file));
    // A list may be checked against the files that it names.
    for (const part of [
      missing.filter(({ file }) => !lists.has(file)),
      missing.filter(({ file }) => lists.has(file)),
    ]) {
      const slots = makeSlots(maxUploads, part.length);
      await allOf(
        part.map(({ file, text }) =>
          slots.run(async () => {
            memory.addFile(node, balancer, file);
            await agent.uploadCertificate(balancer, file, text);
          }),
        ),
      );
    }
  }

  async function uploadText(state: AgentState, isCertified: boolean, text: string): Promise<void> {
    const former = state.sha256 === undefined ? undefined : await agent.configuration(balancer);
    for (const file of former === undefined ? [] : certificatesIn(former)) own.unused.add(file);
    const isKnown = former !== undefined && isCertified && runsWhatItHas(state);
    own.changes = isKnown ? serverChanges(former, text) : undefined;
    // Before members are changed: a try that ends in between leaves a file that does not run, and so a reload for the next.
    memory.forgetRuns(node, balancer);
    await agent.upload(balancer, text, parts.amphora);
    own.needsReload = true;
  }

  /** What an agent knows counts; where it does not know, the memory of this process does. */
  function runsWhatItHas({ process, sha256 }: AgentState): boolean {
    if (sha256 === undefined || process === 'stopped') return false;
    return process === 'current' || memory.runs(node, balancer) === sha256;
  }

  return {
    async prepare() {
      if (files.text === undefined) return;
      const state = await agent.state(balancer);
      const present = await presentSums(state);
      const missing = files.certificates.filter(({ file, md5 }) => present.get(file) !== md5);
      for (const file of [...present.keys(), ...memory.files(node, balancer)]) own.unused.add(file);
      await uploadCertificates(missing);
      const isCertified = missing.length === 0;
      if (state.sha256 !== files.sha256) await uploadText(state, isCertified, files.text);
      else own.needsReload = !isCertified || !runsWhatItHas(state);
    },
    async activate() {
      if (files.text === undefined) {
        memory.forgetRuns(node, balancer);
        await agent.remove(balancer);
        memory.forget(node, balancer);
        return;
      }
      if (!own.needsReload) {
        memory.setRuns(node, balancer, files.sha256);
        return;
      }
      memory.forgetRuns(node, balancer);
      const { changes } = own;
      own.changes = undefined;
      const isSet = changes !== undefined && (await agent.changeServers(balancer, changes));
      if (!isSet) await agent.reload(balancer);
      memory.setRuns(node, balancer, files.sha256);
      own.needsReload = false;
    },
    async clean() {
      const used = new Set(files.certificates.map(({ file }) => file));
      for (const file of own.unused) {
        if (used.has(file)) continue;
        await agent.removeCertificate(balancer, file);
        memory.removeFile(node, balancer, file);
      }
    },
  };
}

function isList({ text }: WantedFile): boolean {
  return text.startsWith('/');
}

/** Waits for all, so that nothing goes on behind the back of its caller. Rejects with the first fault. */
async function allOf<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return Promise.all(works);
}
