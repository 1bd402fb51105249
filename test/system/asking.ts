import { expect } from 'chai';

import type { Lab, LabNode } from '../lab/lab.ts';
import { type Answer, type Call, callHa } from './client.ts';

export type Bench = () => { lab: Lab; token: string };

export interface Asking {
  /** The node that is asked. */
  node: () => LabNode;
  ask: (method: string, path: string, body?: object, more?: Partial<Call>) => Promise<Answer>;
  /** Asks for a change, which has to be made. */
  change: (method: string, path: string, body?: object, more?: Partial<Call>) => Promise<Answer>;
  /** What the CIB has there, as XML; empty if there is nothing. Asked of its own tool. */
  cib: (xpath: string) => Promise<string>;
  /** The configuration, as its own tool prints it. */
  configuration: () => Promise<string>;
  /** `ADMIN_EPOCH.EPOCH`, from its own tool. */
  version: () => Promise<string>;
  /** Puts a whole configuration in the place of what is there. */
  restore: (configuration: string) => Promise<void>;
  /** Waits until the cluster has nothing left to do. */
  settle: () => Promise<void>;
}

/** Asks the first node of the bench, and its cluster. */
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
