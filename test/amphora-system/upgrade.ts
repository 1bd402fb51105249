import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { type Clients, requestsOf, startClients } from '../amphora-bench/clients.ts';
import { pairOf } from '../amphora-bench/pair.ts';
import type { Driver } from '../lab/amphora/driver.ts';
import type { AmphoraLab, AmphoraNode } from '../lab/amphora/lab.ts';
import { bringServiceUp, ids, listenerPorts } from '../lab/amphora/life-cycle.ts';
import { tenant } from '../lab/amphora/networks.ts';
import { nextPackage } from '../lab/amphora/next-package.ts';
import { builtPackage } from '../lab/built-package.ts';
import { progressOnStderr } from '../lab/progress.ts';
import { releasedPackage } from '../lab/released-package.ts';
import type { Suite } from '../lab/root.ts';
import type { Bench } from './bench.ts';
import { pullPorts, waitForService } from './bench.ts';

const haproxy = `amphora-haproxy@${ids.lb}.service`;
const debInNode = '/root/ha-agent.deb';

/** The package on a pair that serves. It removes the package from a node, so it comes last in a lab. */
export function describeUpgrade(bench: Bench, driverSuite: Suite): void {
  describe('an upgrade with load on the VIP', () => {
    let driver: Driver | undefined;
    let next: Buffer;

    before(async function () {
      this.timeout(25 * 60 * 1000);
      next = await readFile(await nextPackage(await builtPackage(), bench().folder));
      await pullPorts(bench());
      driver = await bench().driver(driverSuite);
      await bringServiceUp(bench(), driver);
      await waitForService(bench(), listenerPorts.http);
    });
    after(() => driver?.close());

    for (const role of ['standby', 'master'] as const) {
      it(`fails no request on the ${role}, and restarts only the agent`, async function () {
        this.timeout(300_000);
        const node = (await pairOf(bench()).settled())[role];
        const before = await processesOf(node);
        await node.writeFile(debInNode, next);
        await underLoad(bench(), async () => {
          await node.run(['dpkg', '--unpack', debInNode], { deadlineMs: 120_000 });
          await sleep(2000);
          await node.run(['dpkg', '--configure', 'ha-agent'], { deadlineMs: 120_000 });
        });
        const after = await processesOf(node);
        expect(await versionOn(node)).to.match(/\+next$/);
        expect(after.others).to.deep.equal(before.others);
        expect(after.agent).to.not.equal(before.agent);
        expect((await pairOf(bench()).settled())[role].name).to.equal(node.name);
        await driver?.play({ do: 'get_all_listeners', amphora: bench().nodes.indexOf(node) });
      });
    }

    it('does not start an agent that was stopped, and what it has started runs on', async function () {
      this.timeout(300_000);
      const { standby } = await pairOf(bench()).settled();
      await standby.run(['systemctl', 'stop', 'ha-amphora.service']);
      const before = await processesOf(standby);
      await underLoad(bench(), async () => {
        await standby.run(['dpkg', '--install', debInNode], { deadlineMs: 120_000 });
      });
      expect(await stateOf(standby, 'ha-amphora.service')).to.equal('inactive');
      expect((await processesOf(standby)).others).to.deep.equal(before.others);
      await standby.startAgent();
    });

    it('and a removal of the standby fail no request, and leave the files of the controller', async function () {
      this.timeout(300_000);
      const { standby } = await pairOf(bench()).settled();
      await underLoad(bench(), async () => {
        await standby.run(['dpkg', '--remove', 'ha-agent'], { deadlineMs: 120_000 });
      });
      for (const unit of ['ha-amphora.service', haproxy, 'amphora-keepalived.service']) {
        expect(await stateOf(standby, unit), unit).to.equal('inactive');
      }
      const programs = await standby.run(['ps', '-eo', 'comm=']);
      expect(programs).to.not.match(/^(?:haproxy|keepalived)/m);
      await expectFiles(standby, true);
      await standby.run(['dpkg', '--purge', 'ha-agent'], { deadlineMs: 120_000 });
      await expectFiles(standby, true);
      const left = await standby.run([
        ...(['find', '/etc/systemd/system', '-name', '*amphora*'] as const),
        ...['-o', '-name', 'octavia-*'],
      ]);
      expect(left.split('\n').filter((path) => !path.includes('.service.d'))).to.deep.equal(['']);
    });

    it('from the last release leaves the agent off, even where its configuration lies', async function () {
      this.timeout(25 * 60 * 1000);
      const { master } = await only(bench());
      const node = other(bench(), master);
      await node.writeFile(debInNode, await readFile(await releasedPackage(progressOnStderr)));
      await node.run(['dpkg', '--install', debInNode], { deadlineMs: 120_000 });
      await node.writeFile(debInNode, await readFile(await builtPackage()));
      await underLoad(bench(), async () => {
        await node.run(['dpkg', '--install', debInNode], { deadlineMs: 120_000 });
      });
      const enabled = await node.exec(['systemctl', 'is-enabled', 'ha-amphora.service']);
      expect(enabled.stdout).to.equal('disabled\n');
      expect(await stateOf(node, 'ha-amphora.service')).to.equal('inactive');
      expect(await node.run(['ss', '-Hltn', 'sport', '=', ':9443'])).to.equal('');
      await expectFiles(node, true);
    });

    it('is followed by a purge that removes the files of the controller only if it is asked to', async function () {
      this.timeout(300_000);
      const { master } = await only(bench());
      const node = other(bench(), master);
      const purge = ['env', 'HA_AGENT_PURGE_OCTAVIA=yes', 'dpkg', '--purge', 'ha-agent'] as const;
      await underLoad(bench(), async () => {
        await node.run(purge, { deadlineMs: 120_000 });
      });
      await expectFiles(node, false);
    });
  });
}

/** Runs work while clients ask the VIP. None of their requests may fail. */
async function underLoad(lab: AmphoraLab, work: () => Promise<void>): Promise<void> {
  const clients: Clients = startClients(lab, {
    address: tenant.vip.address,
    port: listenerPorts.http,
    perSecond: 50,
    timeoutMs: 10_000,
    kept: 10,
    downloads: 4,
    download: { bytes: 1_000_000, ms: 200 },
  });
  await sleep(2000);
  try {
    await work();
    await sleep(3000);
  } finally {
    await clients.stop();
  }
  const kinds = ['new', 'kept', 'download'] as const;
  const requests = kinds.flatMap((kind) => requestsOf(clients.events, kind));
  expect(requests.filter(({ failure }) => failure !== undefined)).to.deep.equal([]);
  expect(requests).to.have.length.above(200);
}

/** The process of the agent, and those that must run on, with their restarts. */
async function processesOf(node: AmphoraNode): Promise<{ agent: string; others: string[] }> {
  const show = async (unit: string) => {
    const text = await node.run(['systemctl', 'show', '--property=MainPID,NRestarts', unit]);
    return `${unit} ${text.trim().replaceAll('\n', ' ')}`;
  };
  return {
    agent: await show('ha-amphora.service'),
    others: [await show(haproxy), await show('amphora-keepalived.service')],
  };
}

async function stateOf(node: AmphoraNode, unit: string): Promise<string> {
  const { stdout } = await node.exec(['systemctl', 'is-active', unit]);
  return stdout.trim();
}

const versionOn = async (node: AmphoraNode): Promise<string> =>
  node.run(['dpkg-query', '--show', '--showformat=${Version}', 'ha-agent']);

async function expectFiles(node: AmphoraNode, areThere: boolean): Promise<void> {
  const files = [`/var/lib/octavia/${ids.lb}/haproxy.cfg`, '/etc/octavia/amphora-agent.conf'];
  for (const file of files) {
    const { exitCode } = await node.exec(['test', '-e', file]);
    expect(exitCode === 0, file).to.equal(areThere);
  }
}

/** The host with the VIP, where the other one has no agent any more. */
async function only(lab: AmphoraLab): Promise<{ master: AmphoraNode }> {
  const [master, more] = await pairOf(lab).holders();
  if (master === undefined || more !== undefined) throw new Error('Not one host has the VIP.');
  return { master };
}

function other(lab: AmphoraLab, node: AmphoraNode): AmphoraNode {
  const found = lab.nodes.find(({ name }) => name !== node.name);
  if (found === undefined) throw new Error('The lab has one node.');
  return found;
}
