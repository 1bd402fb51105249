import { expect } from 'chai';

import { parseXml } from '../../src/parsers/xml.ts';
import { pcsWarnings } from '../../src/pcs/status-warnings.ts';

const pcs010: string[] = [];
const pcs011 = ['pcmk.resource.move.autoclean.default'];
const pcs012 = [...pcs011, 'pcmk.constraint.location.simple.rule.pcmk3-date-options'];

const device = (id: string, type: string, options: Record<string, string> = {}) =>
  `<primitive id="${id}" class="stonith" type="${type}"><instance_attributes id="${id}-i">${Object.entries(
    options,
  )
    .map(([name, value]) => `<nvpair id="${id}-${name}" name="${name}" value="${value}"/>`)
    .join('')}</instance_attributes></primitive>`;
const fenced = device('fence', 'fence_x');

function warnings(
  { options = '', resources = fenced, constraints = '' },
  capabilities: readonly string[] = pcs011,
  sbdRunning = false,
) {
  const configuration = parseXml(
    `<configuration><crm_config><cluster_property_set id="o">${options}</cluster_property_set></crm_config><resources>${resources}</resources><constraints>${constraints}</constraints></configuration>`,
  );
  const readCapabilities = () => Promise.resolve(new Set(capabilities));
  return pcsWarnings({ configuration, sbdRunning, readCapabilities });
}

const fencing = (value: string) => `<nvpair id="o-s" name="stonith-enabled" value="${value}"/>`;
const ban = '<rsc_location id="cli-ban-A-on-n" rsc="A" node="n" score="-INFINITY"/>';
const ruledBan =
  '<rsc_location id="cli-ban-A-on-n" rsc="A"><rule id="r" score="-INFINITY"/></rsc_location>';

describe('the warnings of pcs status', () => {
  it('are absent for a sound configuration', async () => {
    expect(await warnings({})).to.deep.equal([]);
  });

  it('report fencing without a device, unless fencing is off or sbd runs', async () => {
    const missing = ['No stonith devices and stonith-enabled is not false'];
    expect(await warnings({ resources: '' })).to.deep.equal(missing);
    expect(await warnings({ resources: '', options: fencing('true') })).to.deep.equal(missing);
    for (const off of ['false', 'off', 'no', '0', 'False']) {
      expect(await warnings({ resources: '', options: fencing(off) }), off).to.deep.equal([]);
    }
    expect(await warnings({ resources: '' }, pcs011, true)).to.deep.equal([]);
  });

  it('name each device once, in order', async () => {
    const resources =
      device('b', 'fence_x', { action: 'off' }) +
      device('a', 'fence_x', { action: 'off', method: 'cycle' });
    const [acting, cycling] = (await warnings({ resources })) as string[];
    expect(acting).to.match(/'action' option set.*: 'a', 'b'$/);
    expect(cycling).to.match(/'method' option set to 'cycle'.*: 'a'$/);
  });

  it('report moves since pcs 0.11', async () => {
    expect(await warnings({ constraints: ban }, pcs010)).to.deep.equal([]);
    expect(await warnings({ constraints: ban }, pcs011)).to.have.lengthOf(2);
    expect(await warnings({ constraints: ban }, pcs012)).to.have.lengthOf(2);
  });

  it('are left to pcs if only pcs can judge', async () => {
    expect(await warnings({ constraints: ruledBan }, pcs011)).to.have.lengthOf(2);
    expect(await warnings({ constraints: ruledBan }, pcs012)).to.equal('only pcs knows');
    const odd = { resources: `${fenced}<bundle id="b"><rkt image="i"/></bundle>` };
    expect(await warnings(odd, pcs011)).to.deep.equal([]);
    expect(await warnings(odd, pcs012)).to.equal('only pcs knows');
    const sbd = { resources: device('s', 'fence_sbd', { method: 'cycle' }) };
    expect(await warnings(sbd)).to.equal('only pcs knows');
  });
});
