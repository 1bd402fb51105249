import { expect } from 'chai';

import { waitUntil } from '../lab/wait.ts';
import { asking, type Bench } from './asking.ts';
import type { Answer } from './client.ts';

const dummy = 'class="ocf" provider="pacemaker" type="Dummy"';
const pair = (id: string, name: string, value: string): string =>
  `<nvpair id="${id}" name="${name}" value="${value}"/>`;
const stopped = (id: string): string =>
  `<meta_attributes id="${id}-meta">${pair(`${id}-role`, 'target-role', 'Stopped')}</meta_attributes>`;

/** A resource, and others that refer to its parameters, its meta attributes and its operations. */
const sharing = `
<primitive id="Owner" ${dummy}>
  <instance_attributes id="Owner-params">${pair('Owner-fake', 'fake', 'shared')}${pair('Owner-sleep', 'op_sleep', '0')}</instance_attributes>
  <meta_attributes id="Owner-meta">${pair('Owner-priority', 'priority', '7')}</meta_attributes>
  <operations id="Owner-operations"><op id="Owner-monitor" name="monitor" interval="31s" timeout="20s"/></operations>
</primitive>
<primitive id="UsesPair" ${dummy}>
  <instance_attributes id="UsesPair-params"><nvpair id-ref="Owner-fake"/>${pair('UsesPair-sleep', 'op_sleep', '0')}</instance_attributes>
</primitive>
<primitive id="UsesSets" ${dummy}>
  <instance_attributes id-ref="Owner-params"/>
  <meta_attributes id-ref="Owner-meta"/>
  <operations id-ref="Owner-operations"/>
</primitive>`;

/** Templates, and resources that use them. */
const templates = `
<template id="Address" class="ocf" provider="heartbeat" type="IPaddr2">
  <instance_attributes id="Address-params">${pair('Address-ip', 'ip', '192.0.2.77')}${pair('Address-nic', 'nic', 'lo')}</instance_attributes>
  <meta_attributes id="Address-meta">${pair('Address-role', 'target-role', 'Stopped')}${pair('Address-managed', 'is-managed', 'false')}</meta_attributes>
</template>
<primitive id="FromAddress" template="Address"/>
<template id="Fences" class="stonith" type="fence_lab"/>
<primitive id="FromFences" template="Fences">
  <instance_attributes id="FromFences-params">${pair('FromFences-list', 'pcmk_host_list', 'no-such-node')}</instance_attributes>
</primitive>`;

/** Resources that create guest nodes. */
const nodeMakers = `
<primitive id="VM" ${dummy}>
  <meta_attributes id="VM-meta">${pair('VM-role', 'target-role', 'Stopped')}${pair('VM-guest', 'remote-node', 'guest1')}</meta_attributes>
</primitive>
<bundle id="Box">
  ${stopped('Box')}
  <podman image="none" replicas="2"/>
  <network control-port="3121"/>
  <primitive id="InBox" ${dummy}/>
</bundle>`;

/** Changes of resources that pcs, crmsh or people configured. */
export function describeOthersResources(bench: Bench): void {
  describe('resources that others configured', () => {
    const { node, ask, change, cib, configuration, restore, settle } = asking(bench);
    let saved = '';

    before(async () => {
      saved = await configuration();
    });
    afterEach(async () => {
      await restore(saved);
      await settle();
    });

    async function load(resources: string): Promise<void> {
      const input = `<resources>${resources}</resources>`;
      const argv = ['cibadmin', '--modify', '--allow-create', '--scope', 'resources'] as const;
      await node().run([...argv, '--xml-pipe'], { input });
      await settle();
    }
    /** The values of a resource that Pacemaker itself reports. */
    const parameter = async (name: string, which: string, ...more: readonly string[]) =>
      (
        await node().run(['crm_resource', '--resource', name, ...more, '--get-parameter', which])
      ).trim();
    const nodesOf = () => bench().lab.nodes.map(({ name }) => name);
    const detail = ({ json }: Answer) => (json as { detail?: string }).detail ?? '';
    const codeOf = ({ json }: Answer) => (json as { code?: string }).code;
    const warnings = ({ headers }: Answer) => String(headers['x-ha-warnings'] ?? '');

    it('are shown with the values in effect, including those by reference', async () => {
      await load(sharing);
      const resources = (await ask('GET', 'resource')).json as {
        name: string;
        params: Record<string, string>;
        meta?: Record<string, string>;
        op?: Record<string, object>;
      }[];
      const named = (name: string) => resources.find((each) => each.name === name);
      for (const name of ['UsesPair', 'UsesSets']) {
        expect(named(name)?.params['fake']).to.equal(await parameter(name, 'fake'));
      }
      const priority = await parameter('UsesSets', 'priority', '--meta');
      expect([named('UsesSets')?.meta, priority]).to.deep.equal([{ priority: '7' }, '7']);
      expect(named('UsesSets')?.op).to.have.nested.property('monitor.interval', '31s');
    });

    it('are not changed in what a reference supplies, and the answer says why', async () => {
      await load(sharing);
      const former = await configuration();
      for (const [name, body] of [
        ['UsesPair', { params: { fake: 'own' } }],
        ['UsesPair', { params: { fake: '' } }],
        ['UsesSets', { params: { fake: 'own' } }],
        ['UsesSets', { meta: { priority: 1 } }],
        ['UsesSets', { operations: { monitor: { interval: '7s' } } }],
      ] as const) {
        for (const query of ['?dry_run=true', '']) {
          const answer = await ask('POST', `resource/${name}/update${query}`, body);
          expect(answer.status, answer.text).to.equal(422);
          expect(detail(answer)).to.include('a change would change Owner too');
        }
      }
      expect(await configuration()).to.equal(former);
    });

    it('are changed together with the resources that refer to them, and the answer says so', async () => {
      await load(sharing);
      const answer = await change('POST', 'resource/Owner/update', { params: { fake: 'new' } });
      expect(warnings(answer)).to.include('UsesPair refers').and.include('UsesSets refers');
      expect(await parameter('UsesPair', 'fake')).to.equal('new');
      const other = await change('POST', 'resource/Owner/update', { params: { state: '/run/o' } });
      expect(warnings(other)).to.include('UsesSets refers').and.not.include('UsesPair');
    });

    it('are deleted only if nothing refers to them, and otherwise are not stopped', async () => {
      await load(sharing);
      const former = await configuration();
      for (const query of ['?dry_run=true', '']) {
        const answer = await ask('DELETE', `resource/Owner${query}`);
        expect(answer.status, answer.text).to.equal(422);
        expect(detail(answer)).to.include('UsesPair refers to Owner-fake, which would be gone.');
      }
      expect(await configuration()).to.equal(former);
      for (const name of ['UsesPair', 'UsesSets', 'Owner']) {
        await change('DELETE', `resource/${name}`);
      }
      expect(await configuration()).not.to.include('Owner');
    });

    it('are not deleted while they run unmanaged, and a dry run says the same', async () => {
      await load(
        `<primitive id="Stays" ${dummy}><meta_attributes id="Stays-meta">${pair('Stays-managed', 'is-managed', 'true')}</meta_attributes></primitive>`,
      );
      await change('POST', 'resource/Stays/unmanage');
      const former = await configuration();
      for (const query of ['?dry_run=true', '']) {
        const answer = await ask('DELETE', `resource/Stays${query}`);
        expect([answer.status, codeOf(answer)]).to.deep.equal([409, 'resource_not_stopped']);
        expect(detail(answer)).to.include('is-managed in the primitive Stays');
      }
      expect(await configuration()).to.equal(former);
    });

    it('run as before if they do not stop for a delete', async () => {
      const folder = '/usr/lib/ocf/resource.d/pacemaker';
      const script = `#!/bin/sh\n[ "$1" = stop ] && exit 1\nexec ${folder}/Dummy "$@"\n`;
      const { nodes } = bench().lab;
      for (const each of nodes) await each.writeFile(`${folder}/Stuck`, script, 0o755);
      await load(
        `<primitive id="Stuck" class="ocf" provider="pacemaker" type="Stuck"><operations><op id="Stuck-stop" name="stop" interval="0s" timeout="20s" on-fail="block"/></operations></primitive>`,
      );
      const before = await cib("//primitive[@id='Stuck']");
      const answer = await ask('DELETE', 'resource/Stuck');
      const after = await cib("//primitive[@id='Stuck']");
      for (const each of nodes) {
        await each.run(['sh', '-c', `cp ${folder}/Dummy ${folder}/Stuck`]);
      }
      await node().run(['crm_resource', '--cleanup', '--resource', 'Stuck']);
      await settle();
      expect([answer.status, codeOf(answer)]).to.deep.equal([409, 'resource_not_stopped']);
      expect(after).to.equal(before);
      await change('DELETE', 'resource/Stuck');
      for (const each of nodes) await each.run(['rm', `${folder}/Stuck`]);
    });

    it('have as many monitors as an update gives them', async () => {
      await load(sharing);
      const monitors = [
        { interval: '31s', timeout: '11s' },
        { interval: '47s', OCF_CHECK_LEVEL: 10 },
      ];
      await change('POST', 'resource/Owner/update', { operations: { monitor: monitors } });
      const found = await cib("//primitive[@id='Owner']//op[@name='monitor']/@interval");
      expect(found).to.include('31s').and.include('47s');
    });

    it('have the agent and the values of their template', async () => {
      await load(templates);
      expect((await ask('DELETE', 'resource/FromFences?dry_run=true')).status).to.equal(404);
      expect((await ask('DELETE', 'stonith/FromFences?dry_run=true')).status).to.equal(200);
      const update = (params: object) => ask('POST', 'resource/FromAddress/update', { params });
      expect((await update({ nonsense: 1 })).status).to.equal(422);
      // A parameter of the template is not missing.
      expect((await update({ ip: '192.0.2.78' })).status).to.equal(200);
      expect((await update({ ip: '' })).status).to.equal(200);
      const taken = {
        name: 'Same',
        resource_agent: 'ocf:heartbeat:IPaddr2',
        params: { ip: '192.0.2.77' },
      };
      const created = await ask('POST', 'resource?dry_run=true', taken);
      expect(created.text).to.include(created.status === 422 ? 'FromAddress has the same' : 'Same');
    });

    it('cause a warning if a start or a manage has no effect', async () => {
      await load(templates);
      const started = await change('GET', 'resource/FromAddress/start');
      expect(warnings(started))
        .to.include('FromAddress is not running, and will not be')
        .and.include('target-role in the template Address')
        .and.include('is-managed in the template Address');
      const managed = await change('POST', 'resource/FromAddress/manage');
      expect(warnings(managed)).to.include('is-managed in the template Address');
      await settle();
      expect((await ask('GET', 'resource/FromAddress/locate')).text).to.include('stopped');

      const defaults = ['crm_attribute', '--type', 'rsc_defaults', '--name'] as const;
      await node().run([...defaults, 'target-role', '--update', 'Stopped']);
      const all = await change('GET', 'resource/SMB/start');
      expect(warnings(all)).to.include('target-role in rsc_defaults');
      await node().run([...defaults, 'target-role', '--delete']);
      expect(warnings(await change('GET', 'resource/SMB/start'))).to.equal('');
      await node().run([...defaults, 'is-managed', '--update', 'false']);
      expect(warnings(await change('POST', 'resource/SMB/manage'))).to.include(
        'is-managed in rsc_defaults',
      );
      await node().run([...defaults, 'is-managed', '--delete']);
      expect(warnings(await change('POST', 'resource/SMB/manage'))).to.equal('');
    });

    it('run again on a node after its transient standby or maintenance', async () => {
      const [, other = ''] = nodesOf();
      for (const [flag, end] of [
        ['standby', 'online'],
        ['maintenance', 'unmaintenance'],
      ] as const) {
        const attribute = ['crm_attribute', `--node=${other}`, `--name=${flag}`] as const;
        const isSo = async () =>
          ((await ask('GET', `node/${other}`)).json as Record<string, string>)[flag];
        await node().run([...attribute, '--lifetime=reboot', '--update=true']);
        await waitUntil(flag, async () => (await isSo()) === 'true');
        await settle();
        await change('GET', `node/${other}/${end}`);
        expect(await isSo(), end).to.equal('false');

        // The transient attribute would override the permanent one.
        await node().run([...attribute, '--lifetime=reboot', '--update=false']);
        await change('GET', `node/${other}/${flag}`);
        expect(await isSo(), flag).to.equal('true');
        await change('GET', `node/${other}/${end}`);
        expect(await isSo(), end).to.equal('false');
        await settle();
      }
    });

    it('are shown by a dry run as they run after the end of a transient standby', async () => {
      const [first = '', other = ''] = nodesOf();
      const attribute = ['crm_attribute', `--node=${other}`, '--name=standby'] as const;
      await load(`<clone id="All-clone"><primitive id="All" ${dummy}/></clone>`);
      await node().run([...attribute, '--lifetime=reboot', '--update=on']);
      await settle();
      const { json } = await change('GET', `node/${other}/online?dry_run=true`);
      const { actions } = json as { actions: { action: string; node: string; resource: string }[] };
      const starts = actions.filter(({ action }) => action === 'start');
      expect(
        starts.map((each) => each.node),
        JSON.stringify(actions),
      )
        .to.include(other)
        .and.not.include(first);
      expect(((await ask('GET', `node/${other}`)).json as { standby: string }).standby).to.equal(
        'true',
      );
      await change('GET', `node/${other}/online`);
    });

    it('may create guest nodes, which reads and writes treat as nodes', async () => {
      await load(nodeMakers);
      const { text } = await ask('GET', 'node');
      for (const name of ['guest1', 'Box-0', 'Box-1']) {
        expect(text).to.include(`"${name}"`);
        expect((await ask('GET', `node/${name}`)).status).to.equal(200);
        await change('POST', 'constraint/location', { resource: 'SMB', location: name, score: 1 });
        await change('GET', `node/${name}/standby`);
        // crm_mon's other facts about a node that never ran are not among its attributes.
        const { attributes } = (await ask('GET', `node/${name}`)).json as { attributes: object };
        expect(attributes).to.deep.equal({ standby: 'on' });
        await change('GET', `node/${name}/online`);
      }
      for (const name of ['Box-2', 'InBox', 'VM']) {
        expect(text).not.to.include(`"${name}"`);
        expect((await ask('GET', `node/${name}/standby`)).status).to.equal(404);
      }
      await change('DELETE', 'resource/Box');
      expect(await cib("//rsc_location[@node='Box-0']")).to.equal('');
    });

    it('may have a promoted role, which can be moved alone', async () => {
      const clone = { promotable: true, 'promoted-max': 1 };
      const stateful = { name: 'Db', resource_agent: 'ocf:pacemaker:Stateful' };
      await change('POST', 'resource', { ...stateful, clone });
      const promoted = async () =>
        ((await ask('GET', 'resource/Db-clone/locate')).json as { promoted?: string[] }).promoted;
      await waitUntil('a promoted instance', async () => (await promoted())?.length === 1);
      await settle();
      const path = 'resource/Db-clone/migrate';
      for (let turn = 1; turn <= 2; turn += 1) {
        const [from = ''] = (await promoted()) ?? [];
        const to = nodesOf().find((name) => name !== from);
        const body = { node: to, role: 'Promoted' };
        const { json } = await change('POST', `${path}?dry_run=true`, body);
        const { actions } = json as { actions: { action: string; node: string }[] };
        expect(actions.some((each) => each.action === 'promote' && each.node === to)).to.equal(
          true,
        );
        const made = await change('POST', path, body);
        expect(made.json).to.deep.equal({ node: to, name: 'Db-clone' });
        expect(await promoted()).to.deep.equal([to]);
        expect(await cib("//rsc_location[starts-with(@id,'cli-')]")).to.equal('');
        await settle();
        expect(await promoted()).to.deep.equal([to]);
      }
      const [where] = (await promoted()) ?? [];
      const again = await change('POST', path, { node: where, role: 'Promoted' });
      expect(again.json).to.deep.equal({ node: where, name: 'Db-clone' });
      for (const [name, reason] of [
        ['Db', 'Name Db-clone instead'],
        ['SMB', 'is not a promotable clone'],
      ] as const) {
        const refused = await ask('POST', `resource/${name}/migrate`, {
          node: where,
          role: 'Promoted',
        });
        expect([refused.status, detail(refused).includes(reason)]).to.deep.equal([422, true]);
      }
    });

    it('return if they fail on the new node of a migrate, and the answer says so', async () => {
      const [first = '', other = ''] = nodesOf();
      await load(
        `<primitive id="Fails" ${dummy}><meta_attributes id="Fails-meta">${pair('Fails-stickiness', 'resource-stickiness', '100')}</meta_attributes></primitive>`,
      );
      await settle();
      const located = (await ask('GET', 'resource/Fails/locate')).json as { node?: string };
      // crm_resource refuses to move a resource to the node that it is on.
      if (located.node !== first) {
        await node().run(['crm_resource', '--move', '--resource', 'Fails', '--node', first]);
        await settle();
      }
      // A file of the resource agent is missing there, so the resource fails on that node.
      const broken = bench().lab.node(other);
      const agent = '/usr/lib/ocf/resource.d/pacemaker/Dummy';
      await broken.run([
        'sh',
        '-c',
        `cp ${agent} /root/agent && printf '#!/bin/sh\\ncase $1 in monitor) exit 7;; stop) exit 0;; esac\\nexit 1\\n' > ${agent}`,
      ]);
      try {
        const answer = await ask('POST', 'resource/Fails/migrate', { node: other });
        expect(answer.status, answer.text).to.equal(202);
        expect(warnings(answer)).to.include(`Fails is not on ${other} but on ${first}`);
        expect(await cib('//constraints')).not.to.include('Fails');
      } finally {
        await broken.run(['sh', '-c', `cp /root/agent ${agent} && rm /root/agent`]);
        await node().run(['crm_resource', '--cleanup']);
      }
    });
  });
}
