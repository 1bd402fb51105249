import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import { waitUntil } from '../lab/wait.ts';
import { asking, type Bench } from './asking.ts';
import { type Answer, configure } from './client.ts';

const device = 'fence-with-secrets';
const stop = '/tmp/sampled-enough';

/** Only the CIB and the key's file contain a secret, after any use of it. */
export function describeSecrets(bench: Bench): void {
  describe('a secret', () => {
    const { node, ask, change, cib, configuration, restore } = asking(bench);

    before(() => configure(node(), { log_level: 'debug' }));
    after(() => configure(node(), {}));

    /** The command lines that a process of another user sees during the work. */
    async function commandLinesDuring(work: () => Promise<unknown>): Promise<string> {
      const script = await readFile(new URL('sample-command-lines.py', import.meta.url), 'utf8');
      const asNobody = ['setpriv', '--reuid=65534', '--clear-groups'] as const;
      const sampling = node().run([...asNobody, 'python3', '-c', script, stop]);
      sampling.catch(() => undefined);
      try {
        await work();
      } finally {
        await node().run(['touch', stop]);
      }
      const lines = await sampling;
      await node().run(['rm', stop]);
      return lines;
    }

    /** Everything that the agent has written since a cursor of the journal. */
    async function written(since: string): Promise<Record<string, string>> {
      const files = 'cat /var/lib/ha-agent/audit.jsonl* /var/lib/ha-agent/answers/*';
      return {
        journal: await node().run([
          'journalctl',
          '--unit=ha-agent',
          '--output=cat',
          `--after-cursor=${since}`,
        ]),
        files: await node().run(['sh', '-c', files]),
        audit: await node().run(['hactl', 'audit', '--json', '--limit', '1000']),
        'audit as text': await node().run(['hactl', 'audit', '--limit', '1000']),
        'audit by HTTP': (await ask('GET', 'audit?limit=1000')).text,
      };
    }

    async function cursor(): Promise<string> {
      const printed = await node().run(['journalctl', '--lines=0', '--show-cursor']);
      return /^-- cursor: (.*)$/m.exec(printed)?.[1] ?? '';
    }

    function expectNone(secrets: readonly string[], where: Record<string, string>): void {
      for (const [what, text] of Object.entries(where)) {
        for (const secret of secrets)
          expect(text.includes(secret), `${what} has ${secret}`).to.equal(false);
      }
    }

    it('is shown to nobody if it is the password of a fence device', async () => {
      // The password also has characters that break wrong quoting.
      const randomPart = () => `w${randomBytes(8).toString('hex')}`;
      const secrets = [randomPart(), randomPart(), randomPart(), randomPart()] as const;
      const [created, short, updated, tried] = secrets.map(
        (each) => `a "b';c& <${each}> d=$(${each}`,
      );
      const since = await cursor();
      const answers: Record<string, Answer> = {};
      const sent = {
        name: device,
        agent: 'fence_ipmilan',
        params: { ip: '192.0.2.9', username: 'admin', password: created, passwd: short },
        // Otherwise the device would search for its management controller with a command that shows everything.
        meta: { 'target-role': 'Stopped' },
      };
      const headers = { 'Idempotency-Key': `secret-${secrets[0].slice(0, 4)}` };
      const refused = { params: { password: updated, nonsense: '1' } };

      const lines = await commandLinesDuring(async () => {
        const dry = { ...sent, params: { ...sent.params, password: tried } };
        answers['tried'] = await change('POST', 'stonith/create?dry_run=true', dry);
        answers['created'] = await change('POST', 'stonith/create', sent, { headers });
        answers['repeated'] = await change('POST', 'stonith/create', sent, { headers });
        answers['created again'] = await ask('POST', 'stonith/create', sent);
        answers['refused'] = await ask('PATCH', `stonith/${device}`, refused);
        const params = { params: { password: updated } };
        answers['update tried'] = await change('PATCH', `stonith/${device}?dry_run=true`, params);
        answers['updated'] = await change('PATCH', `stonith/${device}`, params);
        answers['as it was'] = await change('PATCH', `stonith/${device}`, {
          params: { password: '********', username: 'root' },
        });
      });
      const { status: again } = answers['created again'] as Answer;
      const { status: refusal } = answers['refused'] as Answer;
      expect([again, refusal]).to.deep.equal([409, 422]);
      // The sampling worked: it has seen the command that makes the change.
      expect(lines).to.match(/cibadmin --patch --xml-pipe/);

      for (const [name, value] of [
        ['password', updated],
        ['passwd', short],
      ] as const) {
        const pair = await cib(`//primitive[@id='${device}']//nvpair[@name='${name}']`);
        expect(valueIn(pair)).to.equal(value);
      }
      for (const route of [
        'stonith',
        'configuration',
        `resource/${device}/details`,
        'stonith?raw=true',
        'status',
      ]) {
        answers[route] = await ask('GET', route);
      }
      expectNone(secrets, { 'the command lines': lines });
      answers['deleted'] = await change('DELETE', `stonith/${device}`);
      for (const [what, { text, headers: sentBack }] of Object.entries(answers)) {
        expectNone(secrets, { [what]: text + JSON.stringify(sentBack) });
      }
      expectNone(secrets, await written(since));
      // The agent's folders do not contain the secret, except for the files that can undo the changes.
      const look = `grep -rl --exclude-dir=undo '${secrets.join('\\|')}' /run/ha-agent /var/lib/ha-agent`;
      expect((await node().exec(['sh', '-c', look])).stdout).to.equal('');
    });

    it('is shown to nobody if it also has another name', async () => {
      const before = await configuration();
      const name = 'with-secret-twice';
      const secrets = [0, 1, 2].map(() => `w${randomBytes(8).toString('hex')}`);
      const [created = '', byTool = '', refused = ''] = secrets;
      const since = await cursor();
      const answers: Record<string, Answer> = {};
      const headers = { 'Idempotency-Key': `twice-${created.slice(0, 6)}` };
      const agent = 'ocf:pacemaker:Dummy';
      const sent = {
        name,
        resource_agent: agent,
        params: { passwd: created, fake: `is ${created}, too` },
        meta: { 'target-role': 'Stopped' },
      };
      answers['tried'] = await change('POST', 'resource?dry_run=true', sent);
      answers['created'] = await change('POST', 'resource', sent, { headers });
      answers['repeated'] = await change('POST', 'resource', sent, { headers });
      answers['refused'] = await ask('PATCH', `resource/${name}`, {
        params: { passwd: refused, nonsense: refused },
        operations: { monitor: { timeout: refused } },
      });
      expect(answers['refused'].status).to.equal(422);
      const pair = await cib(`//primitive[@id='${name}']//nvpair[@name='fake']`);
      expect(valueIn(pair)).to.equal(`is ${created}, too`);
      // As others configure it: a pair in a comment, references in a name, a recipient of alerts.
      const alert = `<alert id="alert-of-secrets" path="/bin/true" description="of ${byTool}"><instance_attributes id="alert-of-secrets-params"><nvpair id="alert-of-secrets-psk" value='${byTool}' name="ps&#107;"/></instance_attributes><recipient id="alert-of-secrets-recipient" value="https://user:${byTool}@192.0.2.1/"/></alert>`;
      const now = await configuration();
      await restore(now.replace('</configuration>', `<alerts>${alert}</alerts></configuration>`));
      await waitUntil('the agent to see the alert', async () =>
        (await ask('GET', 'configuration')).text.includes('alert-of-secrets-recipient'),
      );
      for (const route of ['resource', 'configuration', `resource/${name}/details`, 'constraint']) {
        answers[route] = await ask('GET', route);
        expect(answers[route].status, route).to.equal(200);
      }
      expect(answers['configuration']?.text).to.include('alert-of-secrets-recipient');
      answers['deleted'] = await change('DELETE', `resource/${name}`);
      await restore(before);
      for (const [what, { text, headers: sentBack }] of Object.entries(answers)) {
        expectNone(secrets, { [what]: text + JSON.stringify(sentBack) });
      }
      expectNone(secrets, await written(since));
    });

    it("is shown only on request if it is corosync's key", async () => {
      const path = '/etc/corosync/authkey';
      const former = Buffer.from(await node().run(['base64', '-w0', path]), 'base64');
      const since = await cursor();
      const key = randomBytes(256).toString('hex');
      const answers: Answer[] = [];
      const lines = await commandLinesDuring(async () => {
        const headers = { 'Idempotency-Key': `key-${key.slice(0, 8)}` };
        answers.push(await change('POST', 'corosync/key', { key }, { headers }));
        answers.push(await ask('POST', 'corosync/key', { key: `${key}0` }));
        answers.push(await ask('POST', 'corosync/key?dry_run=true', { key }));
      });
      expect(answers.map(({ status }) => status)).to.deep.equal([200, 400, 400]);
      const { json } = await change('GET', 'corosync/key');
      expect(json).to.deep.equal({ key });
      const secrets = [
        key.slice(0, 32),
        key.slice(-32),
        Buffer.from(key, 'hex').toString('base64'),
      ];
      for (const { text } of answers) expectNone(secrets, { 'an answer': text });
      expectNone(secrets, { 'the command lines': lines, ...(await written(since)) });
      expect(await node().run(['stat', '-c', '%a %U:%G', path])).to.equal('400 root:root\n');
      await node().writeFile(path, former, 0o400);
      await node().run(['rm', `${path}.previous`]);
    });
  });
}

/** The value of a pair in XML, unescaped. */
function valueIn(pair: string): string {
  const [, written = ''] = /value="([^"]*)"/.exec(pair) ?? [];
  const signs: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return written.replace(/&(\w+);/g, (_all, name: string) => signs[name] ?? name);
}
