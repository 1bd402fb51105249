import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { builtPackage } from '../lab/built-package.ts';
import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Gateway, holders, postGroup } from './bench.ts';
import { masterOf, realNodes, settled } from './life.ts';
import { startClients } from './clients.ts';

const deb = '/root/ha-agent.deb';
const port = 8000;
const web = `defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend web
  bind :${port}
  http-request return status 200 content-type text/plain string ok
`;

/** The package on nodes that serve. It removes the package from nodes, so it comes last in a lab. */
export function testUpgrade(at: () => Gateway): void {
  describe('an upgrade with load on the address of a group', () => {
    const address = () => at().lab.address(4);
    const nodeAt = (index: number) => at().lab.nodes[index] as LabNode;
    const dpkg = (node: LabNode, ...args: string[]) =>
      node.run(['dpkg', ...args], { deadlineMs: 200_000 });
    const best = 1;
    let id = 0;

    before(async () => {
      const bytes = await readFile(await builtPackage());
      for (const node of at().lab.nodes) {
        await node.writeFile(deb, bytes);
        await node.writeFile('/root/web.cfg', web);
        const haproxy = ['haproxy', '-db', '-f', '/root/web.cfg'];
        await node.run(['systemd-run', '--quiet', '--unit=lab-web', ...haproxy]);
      }
      const real_nodes = realNodes(at(), best);
      id = await postGroup(at(), { name: 'upgraded', virtual_ip: address(), real_nodes });
      await untilBestServes();
    });

    const untilBestServes = () =>
      waitUntil('the best node to be MASTER', async () => {
        return masterOf(await settled(at(), id, address())) === at().ids[best];
      });

    /** Runs work while clients ask the address. None of their requests may fail. */
    async function underLoad(work: () => Promise<unknown>): Promise<void> {
      const clients = startClients({ host: address(), port });
      await sleep(1000);
      try {
        await work();
        await sleep(2000);
      } finally {
        await clients.stop();
      }
      expect(clients.failures).to.deep.equal([]);
      expect(clients.count()).to.be.above(100);
    }

    for (const [index, what] of [
      'the node with the controller',
      'the MASTER',
      'a BACKUP',
    ].entries()) {
      it(`fails no request on ${what}, and restarts only the agents that run`, async () => {
        const node = nodeAt(index);
        const before = await processesOf(node);
        await underLoad(() => dpkg(node, '--install', deb));
        const after = await processesOf(node);
        expect(after.keepalived).to.equal(before.keepalived);
        expect(after.amphora).to.not.equal(before.amphora);
        if (index === 0) expect(after.controller).to.not.equal(before.controller);
        else expect(after.controller).to.equal(before.controller).and.to.include('MainPID=0');
        await untilBestServes();
      });
    }

    it('does not start an agent that was stopped', async () => {
      const node = nodeAt(2);
      await node.run(['systemctl', 'stop', 'ha-amphora']);
      const before = await processesOf(node);
      await underLoad(() => dpkg(node, '--install', deb));
      expect(await processesOf(node)).to.deep.equal(before);
      await node.run(['systemctl', 'start', 'ha-amphora']);
    });

    it('and a removal from a BACKUP fail no request, and leave its configuration until a purge', async () => {
      const node = nodeAt(2);
      expect(await node.run(['nft', 'list', 'tables'])).to.include('ha_node');
      await underLoad(() => dpkg(node, '--remove', 'ha-agent'));
      await expectNothingRuns(node);
      expect(await isThere(node, '/etc/ha-agent/node.json', '/var/lib/ha-node')).to.equal(true);
      await dpkg(node, '--purge', 'ha-agent');
      for (const path of ['/etc/ha-agent', '/var/lib/ha-node', '/run/ha-keepalived']) {
        expect(await isThere(node, path), path).to.equal(false);
      }
      const links = await node.run(['find', '/etc/systemd/system', '-name', 'ha-*.service']);
      expect(links).to.equal('');
    });

    it('and a removal from the MASTER take its addresses off, and another node takes over', async () => {
      await dpkg(nodeAt(best), '--remove', 'ha-agent');
      await expectNothingRuns(nodeAt(best));
      await waitUntil('another node to take over', async () => {
        return (await holders(at().lab, address())).join() === nodeAt(0).name;
      });
    });

    it('is followed by a purge that removes the store of the controller only if it is asked to', async () => {
      const node = nodeAt(0);
      await dpkg(node, '--purge', 'ha-agent');
      await expectNothingRuns(node);
      const store = '/var/lib/ha-controller/store.db';
      expect(await isThere(node, store)).to.equal(true);
      await dpkg(node, '--install', deb);
      const purge = ['env', 'HA_AGENT_PURGE_CONTROLLER=yes', 'dpkg', '--purge'] as const;
      await node.run([...purge, 'ha-agent'], { deadlineMs: 200_000 });
      expect(await isThere(node, '/var/lib/ha-controller')).to.equal(false);
    });

    /** Nothing of the package runs, and nothing of it is in the kernel. */
    async function expectNothingRuns(node: LabNode): Promise<void> {
      for (const unit of ['ha-controller', 'ha-amphora', 'ha-keepalived']) {
        const { stdout } = await node.exec(['systemctl', 'is-active', unit]);
        expect(stdout.trim(), unit).to.not.equal('active');
      }
      expect(await node.run(['ps', '-eo', 'comm='])).to.not.match(/^keepalived/m);
      expect(await holders(at().lab, address())).to.not.include(node.name);
      expect(await node.run(['nft', 'list', 'tables'])).to.not.include('ha_node');
    }
  });
}

async function processesOf(
  node: LabNode,
): Promise<Record<'controller' | 'amphora' | 'keepalived', string>> {
  const show = (unit: string) =>
    node.run(['systemctl', 'show', '--property=MainPID,NRestarts', unit]);
  return {
    controller: await show('ha-controller'),
    amphora: await show('ha-amphora'),
    keepalived: await show('ha-keepalived'),
  };
}

async function isThere(node: LabNode, ...paths: string[]): Promise<boolean> {
  const { exitCode } = await node.exec(['ls', '-d', ...paths]);
  return exitCode === 0;
}
