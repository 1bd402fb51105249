import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import type { Method } from '../../support/balancer/operator-bench.ts';
import { type OperatorHost, operatorHost } from '../../support/balancer/operator-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

type Shown = Readonly<Record<string, unknown>>;

interface DocumentExample {
  what: string;
  method: string;
  path: string;
  request?: Shown;
  response?: Shown | readonly Shown[];
}

// The examples of the Operator API's own document, version 1 of January 2015, in its order. Two missing quotes were added.
const file = new URL('../../fixtures/balancer/document-examples.json', import.meta.url);
const examples = JSON.parse(readFileSync(file, 'utf8')) as DocumentExample[];

const ids = {
  lb_id: '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d01',
  listener_id: '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d02',
  pool_id: '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d03',
  member_id: '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d04',
};
/** What stands for an id in the examples. */
const anId = '6c1d9f52-0b8e-4f6d-8a35-9e2f7b1c4d05';

const kinds = [
  ['load balancer', 'Create Load Balancer', '/loadbalancers', 'lb_id'],
  ['listener', 'Create Listener', '/listeners', 'listener_id'],
  ['pool', 'Create Pool', '/pools', 'pool_id'],
  ['monitor', 'Create Health Monitor', '/health_monitor', undefined],
  ['member', 'Create Member', '/members', 'member_id'],
] as const;
type KindName = (typeof kinds)[number][0];

/** Where the document slips: our answer is that of its other examples. */
const slips: Readonly<Record<string, Shown>> = {
  'Update Load Balancer': { provisioning_status: 'PENDING_UPDATE' },
  'Create Listener': { provisioning_status: 'PENDING_CREATE' },
  'Update Listener': { provisioning_status: 'PENDING_UPDATE' },
};

function exampleNamed(name: string): DocumentExample {
  const found = examples.find(({ what }) => what === name);
  if (found === undefined) throw new Error(`the document has no example ${name}`);
  return found;
}

/** What the example has for an id is one. */
function filledIn<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replaceAll('"uuid"', `"${anId}"`)) as T;
}

/** The listener that the document reads speaks HTTP, as its pool does. The one that it makes does not. */
function sentFor(kind: KindName, isRead: boolean): object {
  const [, name] = kinds.find(([each]) => each === kind) ?? [];
  const { request = {} } = exampleNamed(name ?? '');
  return {
    ...filledIn(request),
    ...(kind === 'listener' && isRead && { protocol: 'HTTP', protocol_port: 80 }),
  };
}

describe('an example of the document', () => {
  const folder = temporaryFolder();
  let bench: OperatorHost;

  beforeEach(async () => {
    bench = await operatorHost(folder.path);
  });
  afterEach(() => bench.stop());

  /** Makes what is above the object of an example, and the object itself unless the example makes it. */
  async function prepare({ what, method }: DocumentExample): Promise<void> {
    const last = kinds.findIndex(([kind]) => what.toLowerCase().includes(` ${kind}`));
    const end = method === 'POST' ? last : last + 1;
    let above = '';
    for (const [at, [kind, , path, key]] of kinds.entries()) {
      if (at >= end) return;
      if (kind === 'monitor' && last > at) continue;
      const id = key && ids[key];
      const sent = { ...sentFor(kind, last >= 2 || method === 'GET'), ...(id && { id }) };
      await bench.change('post', `${above}${path}`, sent);
      await bench.host.finish(ids.lb_id);
      above = `${above}${path}/${id ?? ''}`;
    }
  }

  for (const each of examples) {
    const { what, method, request, response } = each;
    it(`is answered with its fields in its order: ${what}`, async () => {
      await prepare(each);
      bench.host.deployer.hold();
      // The document gives the endpoint of the monitor where a member is made.
      const path = (
        what === 'Create Member' ? each.path.replace('health_monitor', 'members') : each.path
      )
        .replace('/v1', '')
        .replace(/\{(\w+)\}/g, (_all, key: keyof typeof ids) => ids[key]);
      const answer = await bench.ask(
        method.toLowerCase() as Method,
        path,
        request && filledIn(request),
      );
      expect(answer.status, answer.text).to.equal(method === 'GET' ? 200 : 202);
      if (response === undefined) {
        expect(answer.text).to.equal('');
        expect(answer.headers['content-type']).to.equal(undefined);
        return;
      }
      const [expected, shown] = [filledIn(response), answer.body as unknown];
      if (Array.isArray(expected)) {
        expect(shown).to.have.length(expected.length);
        expectLike((shown as Shown[])[0] ?? {}, expected[0] as Shown, slips[what]);
      } else expectLike(shown as Shown, expected as Shown, slips[what]);
    });
  }

  it('is there for each method of each route of the document', () => {
    expect(examples.map(({ what }) => what)).to.have.length(25);
  });
});

/** Ids, addresses and figures are our own. The first fields are those of the document. */
function expectLike(shown: Shown, expected: Shown, slip: Shown = {}): void {
  const keys = Object.keys(expected);
  expect(Object.keys(shown).slice(0, keys.length)).to.deep.equal(keys);
  for (const [key, value] of Object.entries({ ...expected, ...slip })) {
    if (typeof value === 'object' && value !== null) {
      expectLike(shown[key] as Shown, value as Shown);
    } else if (key === 'operating_status') {
      // No node has spoken of it yet.
      expect(shown[key]).to.be.oneOf(['ONLINE', 'OFFLINE', 'NO_MONITOR']);
    } else if (value === anId || key === 'ip_address' || /^(?:bytes|active|total)_/.test(key)) {
      expect(typeof shown[key], key).to.equal(typeof value);
    } else expect(shown[key], key).to.equal(value);
  }
}
