import { expect } from 'chai';

import { prepareCib, prepareNow } from '../../../src/cluster/reading/prepared-cib.ts';
import { faultOf } from '../../support/faults.ts';

const cibWith = (resources: string) =>
  `<cib admin_epoch="0" epoch="7" validate-with="pacemaker-3.6"><configuration><crm_config/><nodes/><resources>${resources}</resources><constraints/></configuration><status/></cib>`;

const primitive = (id: string, pairs: string) =>
  `<primitive id="${id}" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="${id}-params">${pairs}</instance_attributes></primitive>`;

describe('a prepared CIB', () => {
  it('contains no secret, even if its value also occurs under other names', () => {
    const { xml, cib, secrets } = prepareNow(
      cibWith(
        primitive(
          'a',
          '<nvpair id="p" name="passwd" value="hunter2"/><nvpair id="f" name="fake" value="is hunter2"/><!-- hunter2 -->',
        ),
      ),
    );
    expect(secrets).to.deep.equal(['hunter2']);
    expect(xml).not.to.include('hunter2');
    expect(cib.resources[0]?.params.pairs).to.deep.equal({
      passwd: '********',
      fake: 'is ********',
    });
  });

  it('keeps the value of a secret where that is also a name', () => {
    const { cib, secrets } = prepareNow(
      cibWith(
        primitive(
          'web-server',
          '<nvpair id="p" name="passwd" value="web-server"/><nvpair id="f" name="fake" value="web-server"/>',
        ),
      ),
    );
    expect(secrets).to.deep.equal([]);
    expect(cib.resources[0]).to.deep.include({ id: 'web-server' });
    expect(cib.resources[0]?.params.pairs).to.deep.equal({
      passwd: '********',
      fake: 'web-server',
    });
  });

  it('is the same if a separate thread reads it', async () => {
    const pairs = `<nvpair id="p" name="passwd" value="hunter2"/><nvpair id="f" name="fake" value="hunter2 ${'a-'.repeat(300_000)}"/>`;
    const xml = cibWith(primitive('a', pairs));
    const prepared = await prepareCib(xml);
    expect(prepared).to.deep.equal(prepareNow(xml));
    expect(prepared.xml).not.to.include('hunter2');
  });

  it('is the same if the code of the thread is missing, as during an upgrade', async () => {
    const pairs = `<nvpair id="f" name="fake" value="${'a-'.repeat(300_000)}"/>`;
    const xml = cibWith(primitive('a', pairs));
    const gone = new URL('no-such-worker.js', import.meta.url);
    expect(await prepareCib(xml, gone)).to.deep.equal(prepareNow(xml));
  });

  it('does not block the event loop while a separate thread reads it', async () => {
    let turns = 0;
    const turning = setInterval(() => {
      turns += 1;
    }, 1);
    const pairs = `<nvpair id="f" name="fake" value="${'a-'.repeat(3_000_000)}"/>`;
    await prepareCib(cibWith(primitive('a', pairs)));
    clearInterval(turning);
    // Without the thread, the timer would not fire.
    expect(turns).to.be.above(1);
  });

  it('is a fault if the CIB cannot be read, even in a separate thread', async () => {
    const xml = `<cib><configuration ${'a-'.repeat(300_000)}`;
    const fault = await faultOf('unreadable_output', prepareCib(xml));
    expect(fault.message).to.match(/cannot be read: line 1/);
  });
});
