import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openKeyRing } from '../../src/alphorn/peers/keys.ts';
import { makePeerCallers } from '../../src/alphorn/peers/peer-callers.ts';
import { makeCloneCheck } from '../../src/alphorn/receiving/clones.ts';
import { type LiferaftReceiver, makeReceiver } from '../../src/alphorn/receiving/receiver.ts';
import { peerTls } from '../../src/alphorn/peers/peer-protocol.ts';
import { openPeerListener } from '../../src/server/peer-listener.ts';
import { makePeersApp } from '../../src/routes/peers/index.ts';
import { faults } from '../../src/bin/wiring/faults.ts';
import { makeProblems } from '../../src/server/problem.ts';
import { keepingLog } from './keeping-log.ts';

/** A message from a host. */
export interface Contact {
  hostId: string;
  /** An accepted liferaft, or a question about the stored one. */
  kind: 'liferaft' | 'question';
  /** Milliseconds since 1970. */
  at: number;
  /** The generation and digest of the stored liferaft afterwards; 0 and empty without one. */
  generation: number;
  digest: string;
}

/** A host outside of a cluster that has its key: it accepts liferafts, and records who sent which. */
export interface ThirdHost {
  /** Its address as in a setting of Alphorn. */
  destination: string;
  contacts(): readonly Contact[];
  stop(): Promise<void>;
}

const port = 18444;

/** @param address an address of this machine in the network of the sending hosts */
export async function startThirdHost(address: string, clusterKey: Buffer): Promise<ThirdHost> {
  const folder = await mkdtemp(join(tmpdir(), 'third-host-'));
  const keyFile = join(folder, 'authkey');
  await writeFile(keyFile, clusterKey, { mode: 0o600 });
  const { log } = keepingLog();
  const contacts: Contact[] = [];
  const receiver = makeReceiver(join(folder, 'liferafts'), { keep: 5, maxBytes: 1024 ** 3 });
  const remembering: LiferaftReceiver = {
    ...receiver,
    async held(hostId) {
      const held = await receiver.held(hostId);
      const { generation, digest } = held ?? { generation: 0, digest: '' };
      contacts.push({ hostId, kind: 'question', at: Date.now(), generation, digest });
      return held;
    },
    async receive(announced, source) {
      const held = await receiver.receive(announced, source);
      const { generation, digest } = held;
      const { hostId } = announced;
      contacts.push({ hostId, kind: 'liferaft', at: Date.now(), generation, digest });
      return held;
    },
  };
  const keys = openKeyRing(
    { key: join(folder, 'key'), clusterKey: keyFile, knownKeys: join(folder, 'known-keys.json') },
    log,
  );
  const callers = makePeerCallers(keys);
  const clones = makeCloneCheck(join(folder, 'liferafts'));
  const self = () => Promise.resolve({ id: undefined, machine: '', boot: '' });
  const app = makePeersApp({
    callers,
    receiver: remembering,
    clones,
    self,
    log,
    problems: makeProblems(faults),
  });
  const listener = await openPeerListener(
    app,
    { address: address, port: port },
    { tls: peerTls, ...callers },
    log,
  );
  return {
    destination: `${address}:${port}`,
    contacts: () => contacts,
    async stop() {
      await listener.stop();
      await keys.saved();
      await rm(folder, { recursive: true });
    },
  };
}
