import { expect } from 'chai';

import type { Suite } from '../lab/root.ts';
import { asking, type Bench } from './asking.ts';
import { promoted } from './constraint-edits.ts';

const resource = 'SMB';
const copy = '/var/tmp/cleared.xml';

/** Constraints next to those of other tools, and next to those that say the same or the opposite. */
export function describeConstraints(bench: Bench, suite: Suite): void {
  describe('constraints next to others', () => {
    const { node, ask, change, cib, configuration, restore } = asking(bench);
    const [here, there] = ['ae82a9a2', '5e7638bc'];
    const ids = (xml: string) =>
      [...xml.matchAll(/<rsc_location id="([^"]*)"/g)].map(([, id]) => id ?? '').toSorted();
    let former = '';

    before(async () => {
      former = await configuration();
    });
    afterEach(() => restore(former));
    after(() => node().run(['rm', '-f', copy]));

    it('a location replaces the former ones, including a ban of crm_resource', async () => {
      await node().run(['crm_resource', '--ban', '--resource', resource, '--node', here]);
      await change('POST', 'constraint/location', {
        resource,
        location: here,
        kind: 'avoids',
        score: '5',
      });
      await change('POST', 'constraint/location', { resource, location: here, score: '7' });
      const left = await cib(`//rsc_location[@rsc='${resource}']`);
      expect(left.match(/<rsc_location /g)).to.have.lengthOf(1);
      expect(left).to.include(`id="location-${resource}-${here}-7"`).and.to.include('score="7"');
    });

    it('a location has the requested role and resource-discovery', async () => {
      const body = { name: 'probed', resource, location: there, role: 'Promoted' };
      await change('POST', 'constraint/location', { ...body, 'resource-discovery': 'never' });
      const { json } = await ask('GET', 'constraint/location');
      expect(json).to.deep.include({
        resource,
        status: 'enabled',
        on: there,
        score: 'INFINITY',
        id: 'probed',
        role: promoted(suite),
        'resource-discovery': 'never',
      });
    });

    it('a contradiction is refused, and the answer names the other constraint', async () => {
      const before = await configuration();
      for (const [type, body] of [
        ['order', { kind: 'Optional', first: { resource: 'ZFS' }, then: { resource } }],
        ['order', { first: { resource }, then: { resource: 'ZFS' } }],
      ] as const) {
        const { status, json } = await ask('POST', `constraint/${type}`, body);
        expect([status, json]).to.deep.include(409);
        expect(json).to.include({ code: 'constraint_contradicts' });
        expect(json).to.have.property('detail').that.includes(`starting${resource}`);
      }
      expect(await configuration()).to.equal(before);
    });

    for (const on of [undefined, here, there]) {
      it(`a clear ${on === undefined ? 'on all nodes' : `on ${on}`} removes what crm_resource would remove`, async () => {
        const crm = ['crm_resource', '--resource', resource] as const;
        const lifetime = ['--lifetime', 'PT1H'] as const;
        await node().run([...crm, '--ban', '--node', here]);
        await node().run([...crm, '--ban', '--node', there, ...lifetime]);
        const active = (await node().run([...crm, '--locate'])).includes(here) ? here : there;
        const target = active === here ? there : here;
        await node().exec([...crm, '--move', '--force', '--node', target, ...lifetime]);
        for (const id of [`cli-ban-${resource}-by-hand`, `cli-prefer-${resource}-by-hand`]) {
          const xml = `<rsc_location id="${id}" rsc="${resource}" node="${here}" score="1"/>`;
          await node().run(['cibadmin', '--create', '--scope', 'constraints', '--xml-text', xml]);
        }
        const clear = `cibadmin --query > ${copy} && CIB_file=${copy} crm_resource "$@" >/dev/null && cat ${copy}`;
        const options = ['--resource', resource, '--clear', ...(on ? ['--node', on] : [])];
        const expected = ids(await node().run(['sh', '-c', clear, 'sh', ...options]));
        const before = ids(await configuration());
        await change('POST', `resource/${resource}/clear`, on === undefined ? {} : { node: on });
        expect(expected.length).to.be.lessThan(before.length);
        expect(ids(await configuration())).to.deep.equal(expected);
      });
    }
  });
}
