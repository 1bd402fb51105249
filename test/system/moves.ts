import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { waitUntil } from '../lab/wait.ts';
import { asking, type Bench } from './asking.ts';
import { type Answer, untilHealthy } from './client.ts';

const resource = 'VIP_mgmt0';
const preference = `//rsc_location[@id='cli-prefer-${resource}']`;

/** The result of a migrate whose agent is stopped or killed between its two edits. */
export function describeMoves(bench: Bench): void {
  describe('a migrate whose agent is stopped or killed meanwhile', () => {
    const { node, ask, cib, configuration, restore, settle } = asking(bench);
    let former = '';

    before(async () => {
      await settle();
      former = await configuration();
      // Otherwise the resource would move back by itself, and the migrate would be refused.
      await node().run([
        'crm_attribute',
        '--type=rsc_defaults',
        '--name=resource-stickiness',
        '--update=1000',
      ]);
    });

    after(async () => {
      await node().run(['systemctl', 'start', 'ha-agent']);
      await untilHealthy(node());
      await restore(former);
      await settle();
    });

    /** Requests a migrate to the other node, and waits until the preference is in the CIB. */
    async function beginMove(): Promise<{ answer: Promise<Answer | undefined> }> {
      const [first, second] = bench().lab.nodes;
      const located = (await ask('GET', `resource/${resource}/locate`)).text;
      const target = located.includes(first?.name ?? '') ? second : first;
      const answer = ask('POST', `resource/${resource}/migrate`, { node: target?.name }).catch(
        () => undefined,
      );
      await waitUntil('the preference', async () => (await cib(preference)) !== '', {
        everyMs: 20,
      });
      return { answer };
    }

    it('ends before a stop of the service, and is answered', async () => {
      const { answer } = await beginMove();
      await node().run(['systemctl', 'stop', 'ha-agent'], { deadlineMs: 200_000 });
      expect((await answer)?.status).to.equal(200);
      expect(await cib(preference)).to.equal('');
      await node().run(['systemctl', 'start', 'ha-agent']);
      await untilHealthy(node());
      const [last = ''] = (await node().run(['hactl', 'audit', '--limit', '1'])).split('\n');
      expect(last).to.include(' success ').and.include(`resource/${resource}/migrate`);
    });

    /** Kills the agent as soon as the preference is in the CIB, and prevents its restart. */
    async function cutShort(): Promise<void> {
      // Otherwise systemd would restart it.
      await node().run(['systemctl', 'mask', '--runtime', 'ha-agent']);
      const { answer } = await beginMove();
      await node().run(['systemctl', 'kill', '--kill-who=all', '--signal=KILL', 'ha-agent']);
      await answer;
      await node()
        .run(['systemctl', 'stop', 'ha-agent'])
        .catch(() => undefined);
    }

    it('leaves a preference that ends by itself if the agent is killed', async () => {
      await cutShort();
      const left = await cib(preference);
      const [, end = ''] = /<date_expression [^>]*operation="lt" end="([^"]*)"/.exec(left) ?? [];
      expect(Date.parse(end) - Date.now(), left).to.be.within(0, 3_600_000);
      // The scheduler confirms it: a preference whose end is in the past has no effect.
      await settle();
      expect(await ended(left, end)).not.to.include(`* Move       ${resource}`);
    });

    it('is finished when the killed agent starts again', async () => {
      expect(await cib(preference)).not.to.equal('');
      await node().run(['systemctl', 'unmask', '--runtime', 'ha-agent']);
      await node().run(['systemctl', 'start', 'ha-agent']);
      await untilHealthy(node());
      await waitUntil('the preference to go', async () => (await cib(preference)) === '');
      await sleep(100);
      expect(await node().run(['hactl', 'audit', '--limit', '3'])).to.include(
        `resource/${resource}/migrate`,
      );
    });

    /** What the scheduler would do after the end of the preference. */
    async function ended(constraint: string, end: string): Promise<string> {
      const whole = await node().run(['cibadmin', '--query']);
      const past = whole.replaceAll(end, '2020-01-01 00:00:00Z');
      expect(past).not.to.equal(whole);
      expect(constraint).to.include(end);
      await node().writeFile('/root/ended.xml', past, 0o600);
      const printed = await node().run([
        'crm_simulate',
        '--simulate',
        '--xml-file',
        '/root/ended.xml',
      ]);
      await node().run(['rm', '/root/ended.xml']);
      return printed;
    }
  });
}
