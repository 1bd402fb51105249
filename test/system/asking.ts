import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { type Answer, type Call, callHa } from './client.ts';

export type Bench = () => { lab: Lab; token: string };

export interface Asking {
  /** The node that gets the requests. */
  node: () => LabNode;
  ask: (method: string, path: string, body?: object, more?: Partial<Call>) => Promise<Answer>;
  /** Sends a change, which has to succeed. */
  change: (method: string, path: string, body?: object, more?: Partial<Call>) => Promise<Answer>;
  /** The elements of the CIB at an XPath, read with cibadmin; empty if there are none. */
  cib: (xpath: string) => Promise<string>;
  /** The configuration, read with cibadmin. */
  configuration: () => Promise<string>;
  /** `ADMIN_EPOCH.EPOCH`, read with cibadmin. */
  version: () => Promise<string>;
  /** Replaces the whole configuration. */
  restore: (configuration: string) => Promise<void>;
  /** Waits until the cluster has nothing left to do. */
  settle: () => Promise<void>;
}

/** Requests to the first node of the bench, and commands on it. */
export function asking(bench: Bench): Asking {
  const node = () => bench().lab.nodes[0] as LabNode;

  const ask: Asking['ask'] = (method, path, body = {}, more = {}) =>
    callHa(node(), path, { token: bench().token, method, body: JSON.stringify(body), ...more });

  return {
    node,
    ask,
    async change(method, path, body, more) {
      const answer = await ask(method, path, body, more);
      expect(answer.status, `${method} ${path}: ${answer.text}`).to.equal(200);
      return answer;
    },
    async cib(xpath) {
      // 105, no such object, prints nothing.
      return (await node().exec(['cibadmin', '--query', '--xpath', xpath])).stdout;
    },
    configuration: () => node().run(['cibadmin', '--query', '--scope', 'configuration']),
    async version() {
      const [tag = ''] = /<cib [^>]*>/.exec(await node().run(['cibadmin', '--query'])) ?? [];
      const attribute = (name: string) => new RegExp(`\\b${name}="(\\d+)"`).exec(tag)?.[1] ?? '';
      return `${attribute('admin_epoch')}.${attribute('epoch')}`;
    },
    async restore(configuration) {
      const replace = ['cibadmin', '--replace', '--scope', 'configuration', '--xml-pipe'] as const;
      await node().run(replace, { input: configuration });
    },
    async settle() {
      await node().run(['crm_resource', '--wait', '--timeout=90'], { deadlineMs: 100_000 });
    },
  };
}
