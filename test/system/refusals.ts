import { expect } from 'chai';

import type { Suite } from '../lab/root.ts';
import { asking, type Bench } from './asking.ts';
import type { Answer } from './client.ts';

const location = 'constraint/location';
const rule = (more: object) => ({
  resource: 'VIP_mgmt0',
  rule: { score: '1', expression: [{ attribute: '#uname', operation: 'defined' }], ...more },
});

/** Refused changes and their codes. */
const refused: readonly [method: string, path: string, body: object, outcome: [number, string]][] =
  [
    ...['😀', '𠀀', 'ｱ', 'a\u200c', 'a\ufffe', 'a\u0001'].map(
      (name): [string, string, object, [number, string]] => [
        'POST',
        location,
        { name, resource: 'VIP_mgmt0', location: 'ae82a9a2' },
        [400, 'invalid_request'],
      ],
    ),
    ['POST', location, { resource: 'none', location: 'ae82a9a2' }, [404, 'resource_not_found']],
    ['POST', location, { resource: 'VIP_mgmt0', location: 'none' }, [404, 'node_not_found']],
    ...[
      { xmlns: 'urn:x' },
      { xmlns: '' },
      { xmlns: [{ a: 'b' }] },
      { nonsense: 'x' },
      { nonsense: [{ a: 'b' }] },
      { 'boolean-op': 'x' },
      { score: 'x' },
      { expression: [{ attribute: '#uname', operation: 'like' }] },
      { expression: [{ attribute: '#uname', operation: 'defined', xmlns: 'urn:x' }] },
      { date_expression: [{ operation: 'gt', start: [{ x: 'y' }] }] },
    ].map((more): [string, string, object, [number, string]] => [
      'POST',
      location,
      rule(more),
      [422, 'cluster_refused'],
    ]),
    ['POST', 'resource/VIP_mgmt0/update', { params: { nonsense: '1' } }, [422, 'cluster_refused']],
    ['POST', 'resource/none/migrate', { node: 'ae82a9a2' }, [404, 'resource_not_found']],
  ];

/** Names with letters that XML allows and libxml2 accepts. */
const taken = ['Größe', 'クラスタ', 'a\u0301', 'a\u20d0', '\u9fa5', '\uac00', 'א\u05b0'];

/** Pacemaker refuses the same in a dry run. */
export function describeRefusals(bench: Bench, suite: Suite): void {
  describe('a change that the cluster refuses', () => {
    const { ask, configuration, restore } = asking(bench);
    const outcomeOf = ({ status, json }: Answer) => [status, (json as { code?: string }).code];

    it('is refused with the same code by its dry run, and changes nothing', async () => {
      const former = await configuration();
      for (const [method, path, body, outcome] of refused) {
        const what = `${path} ${JSON.stringify(body)}`;
        const tried = await ask(method, `${path}?dry_run=true`, body);
        expect(outcomeOf(tried), `${what} tried: ${tried.text}`).to.deep.equal(outcome);
        const made = await ask(method, path, body);
        expect(outcomeOf(made), `${what} made: ${made.text}`).to.deep.equal(outcome);
      }
      expect(await configuration()).to.equal(former);
    });

    // Pacemaker 2.0 damages letters beyond ASCII when it stores them in the CIB.
    it(`${suite === 'bullseye' ? 'may be' : 'is not'} one of ids with letters beyond ASCII that libxml2 accepts`, async () => {
      const former = await configuration();
      for (const [index, name] of taken.entries()) {
        const body = { name, resource: 'VIP_mgmt0', location: 'ae82a9a2', score: index + 1 };
        const tried = await ask('POST', `${location}?dry_run=true`, body);
        const made = await ask('POST', location, body);
        const expected = suite === 'bullseye' ? [422, 'value_not_allowed'] : [200, undefined];
        expect([outcomeOf(tried), outcomeOf(made)], tried.text + made.text).to.deep.equal([
          expected,
          expected,
        ]);
      }
      await restore(former);
    });
  });
}
