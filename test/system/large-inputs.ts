import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { asking, type Bench } from './asking.ts';
import { type Answer, call } from './client.ts';

const confFile = '/etc/corosync/corosync.conf';
const carriageReturns = '\r'.repeat(300_000);

/** Large inputs, and inputs that are made to take long, do not delay other callers. */
export function describeLargeInputs(bench: Bench): void {
  describe('with large inputs', () => {
    const { node, ask, cib, configuration, restore } = asking(bench);

    it('refuses a corosync.conf of carriage returns, and answers other callers meanwhile', async () => {
      const before = await node().run(['cat', confFile]);
      const whole = await during(node(), () =>
        ask('POST', 'corosync/raw', { conf: carriageReturns }),
      );
      expect(whole.json).to.include({ status: 413, code: 'change_too_large' });
      // As many as fit into a body.
      const conf = carriageReturns.slice(0, 120_000);
      const part = await during(node(), () => ask('POST', 'corosync/raw', { conf }));
      expect(part.status, part.text).to.be.oneOf([400, 422]);
      expect(await node().run(['cat', confFile])).to.equal(before);
    });

    it('reads a corosync.conf with 300 000 carriage returns', async () => {
      const before = await node().run(['cat', confFile]);
      try {
        await node().writeFile(confFile, `${before}${carriageReturns}\n`);
        for (const route of ['corosync', 'corosync/raw', 'status']) {
          const { status, text } = await during(node(), () => ask('GET', route));
          expect(status, text.slice(0, 1000)).to.equal(200);
        }
      } finally {
        await node().writeFile(confFile, before);
      }
    });

    it('reports a corosync.conf that is too large to read', async () => {
      const before = await node().run(['cat', confFile]);
      try {
        await node().writeFile(confFile, `${before}${'#\n'.repeat(600_000)}`);
        for (const route of ['corosync', 'corosync/raw']) {
          const { json } = await ask('GET', route);
          expect(json).to.include({ status: 503, code: 'corosync_conf_unreadable' });
        }
      } finally {
        await node().writeFile(confFile, before);
      }
    });

    it('refuses a body of 100 000 nested arrays', async () => {
      const body = `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      const { json } = await during(node(), () => ask('POST', 'resource', {}, { body }));
      expect(json).to.include({ status: 400, code: 'invalid_request' });
    });

    it('answers other callers while it reads a CIB of 5 MB', async function () {
      this.timeout(600_000);
      const before = await configuration();
      try {
        for (let number = 0; number < 13; number += 1) {
          const create = ['cibadmin', '--create', '--scope', 'resources', '--xml-pipe'] as const;
          await node().run(create, { input: largeTemplate(number) });
          if (number > 0) continue;
          const { status, json } = await ask('GET', 'resource');
          expect(status, JSON.stringify(json).slice(0, 1000)).to.equal(200);
        }
        await untilItIsRead(12);
        const { text } = await ask('GET', 'configuration');
        expect(text.length).to.be.above(5_000_000);
        expect(text).not.to.include('hidden-secret');
        // The answer to a change says so.
        const made = await ask('POST', 'resource', {
          name: 'beside-large',
          resource_agent: 'ocf:pacemaker:Dummy',
          meta: { 'target-role': 'Stopped' },
        });
        expect(made.status, made.text).to.be.oneOf([200, 202]);
        expect(made.headers['x-ha-warnings']).to.match(/larger than 4 MiB/);
      } finally {
        await restore(before);
      }
      expect(await cib("//template[@id='large-0']")).to.equal('');
    });

    /**
     * Reads new versions of the CIB until the slowest `/healthz` meanwhile took less than half of the reading's time.
     * This shows that the event loop went on. Standstills of the machine spoil some tries.
     */
    async function untilItIsRead(tries: number): Promise<void> {
      const shares: number[] = [];
      for (let number = 0; number < tries; number += 1) {
        const set = ['crm_attribute', '--type', 'crm_config', '--name', 'large-inputs'] as const;
        await node().run([...set, '--update', `${number}`]);
        const startedAt = performance.now();
        let maxMs = 0;
        const answer = await during(
          node(),
          () => ask('GET', 'resource'),
          (ms) => {
            maxMs = Math.max(maxMs, ms);
          },
        );
        expect(answer.status, answer.text.slice(0, 1000)).to.equal(200);
        shares.push(maxMs / (performance.now() - startedAt));
        if (Math.min(...shares) < 0.5) return;
      }
      expect(Math.min(...shares), 'the share of the time that /healthz took').to.be.below(0.5);
    }
  });
}

/** Does the work, and asserts that `/healthz` is answered during all of it. */
async function during(
  node: LabNode,
  work: () => Promise<Answer>,
  took: (ms: number) => void = () => undefined,
): Promise<Answer> {
  let ended = false;
  const working = work().finally(() => {
    ended = true;
  });
  const asking = async () => {
    do {
      const startedAt = performance.now();
      expect((await call(node, '/healthz')).status).to.equal(200);
      took(performance.now() - startedAt);
    } while (!ended);
  };
  const [answer] = await Promise.all([working, asking()]);
  return answer;
}

/** A template with a parameter of 400 000 characters and a secret. No resource uses it. */
function largeTemplate(number: number): string {
  const id = `large-${number}`;
  const value = `password=hidden-secret ${'a-'.repeat(200_000)}`;
  return `<template id="${id}" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="${id}-params"><nvpair id="${id}-fake" name="fake" value="${value}"/></instance_attributes></template>`;
}
