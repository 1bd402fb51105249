import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { Suite } from '../lab/root.ts';
import { waitUntil } from '../lab/wait.ts';
import { asking, type Bench } from './asking.ts';
import { type Answer, call } from './client.ts';

const dummy = 'ocf:pacemaker:Dummy';
/** A Dummy that cannot be started: its state file has no folder. */
const broken = { state: '/nonexistent/state' };

/**
 * Situations that a new user may get into. The answer alone has to say what happened, why, and what to do. The answers
 * are printed for people to judge.
 */
export function describeAnswers(bench: Bench, suite: Suite): void {
  describe('the answer says what happened, why, and what to do', () => {
    const { node, ask, change, cib, configuration, restore, settle } = asking(bench);
    const other = () => bench().lab.nodes[1]?.name ?? '';
    const printed: string[] = [];
    let former = '';

    before(async () => {
      await settle();
      former = await configuration();
    });

    after(() => {
      console.log([`\nAnswers on ${suite}:`, ...printed, ''].join('\n'));
    });

    afterEach(async () => {
      await restore(former);
      await node().run(['crm_resource', '--cleanup'], { deadlineMs: 60_000 });
      await settle();
    });

    /** Notes the answer for printing, and fails unless it has these texts. */
    async function expectAnswer(
      situation: string,
      asked: Promise<Answer>,
      status: number,
      ...texts: readonly (string | RegExp)[]
    ): Promise<void> {
      const answer = await asked;
      const { detail = '' } = (answer.json ?? {}) as { detail?: string };
      const text = detail === '' ? String(answer.headers['x-ha-warnings'] ?? '') : detail;
      printed.push(`- ${situation}: ${answer.status} ${text}`);
      expect(answer.status, `${situation}: ${answer.text} ${text}`).to.equal(status);
      for (const part of texts) {
        if (typeof part === 'string') expect(text, situation).to.include(part);
        else expect(text, situation).to.match(part);
      }
    }

    const create = (name: string, more: object = {}, query = '') =>
      ask('POST', `resource${query}`, { name, resource_agent: dummy, ...more });
    const migrate = (name: string, to: string) =>
      ask('POST', `resource/${name}/migrate`, { node: to });

    it('a start that fails', async () => {
      await expectAnswer(
        'create of a resource whose start fails, with ?wait',
        ask('POST', 'resource?wait=60s', {
          name: 'Bad',
          resource_agent: 'ocf:heartbeat:IPaddr2',
          params: { ip: '192.0.2.99', cidr_netmask: '24', nic: 'nosuch0' },
        }),
        202,
        'Bad is not running',
        /start failed on \w+: .*findif/,
        'correct the cause, then clean up Bad',
      );
      await change('POST', 'resource/Bad/stop');
      await settle();
      await expectAnswer(
        'start of it, without ?wait',
        ask('POST', 'resource/Bad/start'),
        200,
        'Bad is not running, and will not be',
        /start failed on \w+: .*findif/,
      );
      await expectAnswer(
        'start of it, with ?wait',
        ask('POST', 'resource/Bad/start?wait=60s'),
        202,
        'Bad is not running:',
      );
    });

    it('a restart whose start fails', async () => {
      await create('Dum', { meta: { 'resource-stickiness': '100' } }, '?wait=60s');
      // The resource agent reads it at each operation, so Dum stops and does not start again.
      await change('POST', 'resource/Dum/ban', { node: other() });
      await settle();
      const agent = '/usr/lib/ocf/resource.d/pacemaker/Dummy';
      await node().run(['cp', agent, '/root/Dummy']);
      const failing =
        '#!/bin/sh\n[ "$1-$OCF_RESOURCE_INSTANCE" = start-Dum ] || exec /root/Dummy "$@"\n. /usr/lib/ocf/lib/heartbeat/ocf-shellfuncs\nocf_exit_reason "the pool is not there"\nexit 1\n';
      await node().writeFile(agent, failing, 0o755);
      try {
        await expectAnswer(
          'restart of a resource that does not start again',
          ask('POST', 'resource/Dum/restart'),
          202,
          'Dum is not running',
          `start failed on ${node().name}: the pool is not there`,
          'until the bans of Dum are cleared',
        );
      } finally {
        await node().run(['cp', '/root/Dummy', agent]);
      }
    });

    it('a threshold that is reached', async () => {
      await create('Dum', { meta: { 'migration-threshold': '1' } }, '?wait=60s');
      const { node: where } = (await ask('GET', 'resource/Dum/locate')).json as { node: string };
      await node().run(['crm_resource', '--fail', '--resource', 'Dum', '--node', where]);
      await waitUntil('Dum to be elsewhere', async () => {
        const located = (await ask('GET', 'resource/Dum/locate')).json as { node?: string };
        return located.node !== undefined && located.node !== where;
      });
      await settle();
      await expectAnswer(
        'migrate to where the threshold is reached',
        migrate('Dum', where),
        409,
        /Dum failed there (?:once|\d+ times)/,
        'its migration-threshold is 1',
        'correct the cause, then clean up Dum',
      );
    });

    it('a ban', async () => {
      await create('Dum', {}, '?wait=60s');
      const { node: where } = (await ask('GET', 'resource/Dum/locate')).json as { node: string };
      const away = where === other() ? node().name : other();
      await change('POST', 'resource/Dum/ban', { node: away });
      await expectAnswer(
        'migrate to where it is banned',
        migrate('Dum', away),
        409,
        `a ban keeps it away (constraint cli-ban-Dum-on-${away})`,
        'until the bans of Dum are cleared',
      );
    });

    it('no quorum', async () => {
      const conf = '/etc/corosync/corosync.conf';
      const [whole = ''] = await Promise.all(
        bench().lab.nodes.map(async (each) => {
          const text = await each.run(['cat', conf]);
          await each.writeFile(conf, text.replace('two_node: 1', 'expected_votes: 4'));
          return text;
        }),
      );
      expect(whole).to.include('two_node: 1');
      await node().run(['corosync-cfgtool', '-R']);
      try {
        await waitUntil(
          'the node not to be ready',
          async () => (await call(node(), '/readyz')).text.includes('no_quorum'),
          { deadlineMs: 30_000 },
        );
        await expectAnswer('/readyz without quorum', call(node(), '/readyz'), 503, 'no quorum');
        await expectAnswer(
          'migrate without quorum',
          migrate('SMB', other()),
          409,
          'there is no quorum',
          'no-quorum-policy is stop',
        );
        await expectAnswer(
          'create without quorum',
          create('Dum'),
          200,
          'Dum is not running, and will not be: there is no quorum',
        );
      } finally {
        for (const each of bench().lab.nodes) await each.writeFile(conf, whole);
        await node().run(['corosync-cfgtool', '-R']);
      }
      await waitUntil(
        'the node to be ready',
        async () => (await call(node(), '/readyz')).status === 200,
        { deadlineMs: 60_000 },
      );
    });

    it('a standby that is transient', async () => {
      await create('Dum', {}, '?wait=60s');
      const { node: where } = (await ask('GET', 'resource/Dum/locate')).json as { node: string };
      const away = where === other() ? node().name : other();
      const standby = ['--node', away, '--name', 'standby', '--lifetime', 'reboot'] as const;
      await node().run(['crm_attribute', ...standby, '--update', 'on']);
      try {
        await settle();
        await expectAnswer(
          'migrate to a node in transient standby',
          migrate('Dum', away),
          409,
          'the node is in standby',
        );
      } finally {
        await node().run(['crm_attribute', ...standby, '--delete']);
      }
    });

    it('a template that says stopped', async () => {
      const template =
        '<template id="Tpl" class="ocf" provider="pacemaker" type="Dummy"><meta_attributes id="Tpl-meta"><nvpair id="Tpl-role" name="target-role" value="Stopped"/></meta_attributes></template>';
      for (const xml of [template, '<primitive id="Made" template="Tpl"/>']) {
        await node().run(['cibadmin', '--create', '--scope', 'resources', '--xml-text', xml]);
      }
      await settle();
      await expectAnswer(
        'start of a resource whose template says stopped',
        ask('POST', 'resource/Made/start?wait=30s'),
        202,
        'Made is not running',
        'target-role in the template Tpl',
      );
      await expectAnswer(
        'migrate of it',
        migrate('Made', other()),
        409,
        'target-role in the template Tpl',
      );
    });

    it('a migrate of a clone', async () => {
      await create('Each', { clone: true }, '?wait=60s');
      await expectAnswer(
        'migrate of a clone',
        migrate('Each-clone', other()),
        409,
        'an instance of it runs there already',
      );
    });

    it('a key generated on a running node', async () => {
      const key = '/etc/corosync/authkey';
      await node().run(['cp', '--preserve', key, '/root/authkey']);
      try {
        await expectAnswer(
          'key generated on a running node',
          ask('POST', 'corosync/key/generate'),
          200,
          'The cluster on this node runs with its former key until',
          'write it on all nodes before corosync is restarted on any',
        );
      } finally {
        await node().run(['cp', '--preserve', '/root/authkey', key]);
      }
    });

    it('a fence device that covers no node or reaches no device', async () => {
      const device = (name: string, agent: string, params: object) =>
        ask('POST', 'stonith/create', { name, agent, params });
      await expectAnswer(
        'fence device for a node that is not there',
        device('Fen', 'fence_lab', { pcmk_host_list: 'nobody' }),
        200,
        'Fen covers no node',
        'nobody',
      );
      await expectAnswer(
        'fence device without an address',
        device('Ipmi', 'fence_ipmilan', { pcmk_host_list: other() }),
        200,
        'Ipmi can reach no device',
        'ip or ipaddr',
      );
    });

    it('a delete of something that others refer to', async () => {
      await create('Dum', { params: { fake: 'a' } }, '?wait=60s');
      const referring =
        '<primitive id="Ref" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id-ref="Dum-instance_attributes"/></primitive>';
      await node().run(['cibadmin', '--create', '--scope', 'resources', '--xml-text', referring]);
      await settle();
      await expectAnswer(
        'delete of something referred to',
        ask('POST', 'resource/Dum/delete'),
        422,
      );
      expect(await cib("//primitive[@id='Dum']")).not.to.equal('');
    });

    it('a cleanup, without progress messages', async () => {
      await create('Bad', { params: broken }, '?wait=60s');
      const { text } = await change('POST', 'resource/Bad/cleanup');
      printed.push(`- cleanup: ${text}`);
      expect(text).to.match(/^"Cleaned up Bad on \w+\\nCleaned up Bad on \w+\\n"$/);
      await sleep(1000);
    });
  });
}
