import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';

import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import type { Gateway } from './bench.ts';

const store = '/var/lib/ha-controller/store.db';

/** Lets the certificates of all nodes be due, while no controller has the store open. */
const makeDue = `
import { DatabaseSync } from 'node:sqlite';
const database = new DatabaseSync(process.argv[1]);
database.exec('UPDATE nodes SET renew_at = 1');
database.close();
`;

/** The certificate that the port of a node shows to everybody. */
async function shownBy({ address }: LabNode): Promise<string> {
  const socket = tls.connect({ host: address, port: 9443, rejectUnauthorized: false });
  socket.on('error', () => undefined);
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate()?.fingerprint256 ?? '';
  } finally {
    socket.destroy();
  }
}

async function storedOn(node: LabNode): Promise<string> {
  const pem = await node.run(['cat', '/etc/ha-agent/node/certificate.pem']);
  return new X509Certificate(pem).fingerprint256;
}

interface ListedNode {
  is_reachable: boolean;
}

/** The controller and its nodes replace certificates whose life is nearly over. */
export function testRenewal(at: () => Gateway): void {
  describe('the certificates of nodes', () => {
    it('are replaced when they are due, and the controller goes on with the new ones', async () => {
      const { controller, lab } = at();
      const before = await Promise.all(lab.nodes.map(shownBy));
      expect(await Promise.all(lab.nodes.map(storedOn))).to.deep.equal(before);
      await controller.run(['systemctl', 'stop', 'ha-controller']);
      const program = ['--input-type=module', '--eval', makeDue, store];
      await controller.run(['/usr/lib/ha-agent/node', ...program]);
      await controller.run(['systemctl', 'start', 'ha-controller']);
      await waitUntil('all nodes to show another certificate', async () => {
        const shown = await Promise.all(lab.nodes.map(shownBy));
        return shown.every((each, index) => each !== '' && each !== before[index]);
      });
      const renewed = await Promise.all(lab.nodes.map(shownBy));
      expect(await Promise.all(lab.nodes.map(storedOn))).to.deep.equal(renewed);
      await waitUntil('all nodes to answer the controller', () =>
        areReachable(controller, lab.nodes.length),
      );
      // Also after a start of the agents, which read the files again.
      for (const node of lab.nodes) await node.run(['systemctl', 'restart', 'ha-amphora']);
      await waitUntil('all nodes to answer the controller', () =>
        areReachable(controller, lab.nodes.length),
      );
      expect(await Promise.all(lab.nodes.map(shownBy))).to.deep.equal(renewed);
    });
  });
}

async function areReachable(controller: LabNode, count: number): Promise<boolean> {
  const text = await controller.run(['hactl', 'node', 'list', '-o', 'json']);
  const nodes = JSON.parse(text) as ListedNode[];
  return nodes.length === count && nodes.every((node) => node.is_reachable);
}
