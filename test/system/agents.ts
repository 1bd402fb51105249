import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { type Answer, callHa } from './client.ts';

/** Compares lists and descriptions of agents with those of pcs on the same node. */
export function describeAgents(bench: () => { lab: Lab; token: string }): void {
  describe('agents', () => {
    const node = () => bench().lab.nodes[0] as LabNode;
    const ha = (path: string) => callHa(node(), path, { token: bench().token });
    const fenceInfo = (agent: string) =>
      callHa(node(), 'stonith/agent/info', {
        token: bench().token,
        method: 'POST',
        body: JSON.stringify({ agent }),
      });

    /** What pcs prints. It may take half a minute to list agents. */
    const pcs = (...args: readonly string[]) =>
      node().run(['pcs', ...args], { deadlineMs: 120_000 });
    const namesIn = (text: string) => [...new Set(text.split('\n').filter((line) => line !== ''))];
    const list = async (path: string) => {
      const { status, json, text } = await ha(path);
      expect(status, text).to.equal(200);
      return json as string[];
    };

    it('are listed as by pcs, for resources', async () => {
      expect(await list('resource_agent')).to.have.members(
        namesIn(await pcs('resource', 'list', '--nodesc')),
      );
    });

    it('are listed as by pcs, for fence devices', async () => {
      expect(await list('stonith/agent')).to.have.members(
        namesIn(await pcs('stonith', 'list', '--nodesc')),
      );
    });

    it('belong to the standards and providers that pcs lists', async () => {
      const standards = namesIn(await pcs('resource', 'standards'));
      const ocfProviders = namesIn(await pcs('resource', 'providers'));
      const providers = await list('resource_agent/providers');
      expect(providers).to.have.members([
        ...standards.filter((standard) => standard !== 'ocf'),
        ...ocfProviders.map((provider) => `ocf:${provider}`),
      ]);
      for (const provider of providers) {
        const agents = namesIn(await pcs('resource', 'agents', provider));
        expect(await list(`resource_agent/${provider}/details`)).to.have.members(
          agents.map((agent) => `${provider}:${agent}`),
        );
      }
    });

    for (const agent of [
      'ocf:heartbeat:Dummy',
      'ocf:pacemaker:ClusterMon',
      'lsb:corosync',
      'systemd:corosync',
      'service:corosync',
      'systemd:getty@',
    ]) {
      it(`are described with the text of pcs, for example ${agent}`, async () => {
        const printed = await pcs('resource', 'describe', agent);
        for (const name of [agent, encodeURIComponent(agent)]) {
          const { status, json } = await ha(`resource_agent/${name}/info`);
          expect([status, json]).to.deep.equal([200, printed]);
        }
      });
    }

    for (const agent of ['fence_lab', 'fence_ipmilan', 'external/ipmi', 'apcsmart']) {
      it(`are described with the text of pcs, for example ${agent}`, async () => {
        const printed = await pcs('stonith', 'describe', agent);
        for (const name of [agent, `stonith:${agent}`]) {
          const { status, json } = await fenceInfo(name);
          expect([status, json]).to.deep.equal([200, printed]);
        }
      });
    }

    it('without metadata are listed, and answer 503 when described', async () => {
      expect(await list('stonith/agent')).to.include('drac3');
      const { status, json } = await fenceInfo('drac3');
      expect([status, json]).to.deep.equal([503, { ...(json as object), code: 'tool_failed' }]);
      expect((json as { stderr: string }).stderr).to.include('does not provide valid metadata');
    });

    it('that do not exist answer 404', async () => {
      const expectNone = ({ status, json }: Answer, code: string) => {
        expect([status, (json as { code: string }).code]).to.deep.equal([404, code]);
      };
      for (const path of ['ocf:heartbeat:Nothing', 'stonith:external/ipmi', 'a%2Fb']) {
        expectNone(await ha(`resource_agent/${path}/info`), 'agent_not_found');
      }
      expectNone(await fenceInfo('fence_nothing'), 'agent_not_found');
      expectNone(await ha('resource_agent/ocf:redhat/details'), 'provider_not_found');
    });

    describe('appear and disappear in the lists at once:', () => {
      const ocf = '/usr/lib/ocf/resource.d';

      after(async () => {
        await node().run(['rm', '-rf', `${ocf}/test`, '/usr/sbin/fence_test']);
      });

      it('an OCF agent of a new provider', async () => {
        expect(await list('resource_agent')).not.to.include('ocf:test:Dropped');
        await node().run(['mkdir', `${ocf}/test`]);
        expect(await list('resource_agent/providers')).to.include('ocf:test');
        expect(await list('resource_agent/ocf:test/details')).to.deep.equal([]);
        await node().run(['cp', `${ocf}/heartbeat/Dummy`, `${ocf}/test/Dropped`]);
        expect(await list('resource_agent/ocf:test/details')).to.deep.equal(['ocf:test:Dropped']);
        const { json } = await ha('resource_agent/ocf:test:Dropped/info');
        expect(json).to.equal(await pcs('resource', 'describe', 'ocf:test:Dropped'));
      });

      it('a changed OCF agent', async () => {
        const script = `${ocf}/test/Dropped`;
        await node().run(['sed', '-i', 's/Example stateless/Changed/', script]);
        const { json } = await ha('resource_agent/ocf:test:Dropped/info');
        expect(json).to.match(/^ocf:test:Dropped - Changed resource agent\n/);
      });

      it('an OCF agent that is no longer executable', async () => {
        await node().run(['chmod', '-x', `${ocf}/test/Dropped`]);
        expect(await list('resource_agent')).not.to.include('ocf:test:Dropped');
        await node().run(['chmod', '+x', `${ocf}/test/Dropped`]);
        expect(await list('resource_agent')).to.include('ocf:test:Dropped');
      });

      it('an OCF provider that was removed', async () => {
        await node().run(['rm', '-r', `${ocf}/test`]);
        expect(await list('resource_agent/providers')).not.to.include('ocf:test');
        expect((await ha('resource_agent/ocf:test:Dropped/info')).status).to.equal(404);
      });

      it('a systemd unit before systemd reloads its units', async () => {
        const unit = '/etc/systemd/system/dropped.service';
        expect(await list('resource_agent')).not.to.include('systemd:dropped');
        await node().writeFile(unit, '[Service]\nExecStart=/bin/true\n');
        expect(await list('resource_agent')).to.include.members([
          'systemd:dropped',
          'service:dropped',
        ]);
        await node().run(['rm', unit]);
        expect(await list('resource_agent')).not.to.include('systemd:dropped');
      });

      it('a fence agent', async () => {
        expect(await list('stonith/agent')).not.to.include('fence_test');
        await node().run(['cp', '/usr/sbin/fence_lab', '/usr/sbin/fence_test']);
        expect(await list('stonith/agent')).to.include('fence_test');
        await node().run(['rm', '/usr/sbin/fence_test']);
        expect(await list('stonith/agent')).not.to.include('fence_test');
      });
    });
  });
}
