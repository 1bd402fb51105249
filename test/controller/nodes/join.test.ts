import { expect } from 'chai';

import { fingerprintOf } from '../../../src/controller/certificates/life.ts';
import type { JoinRequest } from '../../../src/controller/nodes/join.ts';
import { type Ground, makeGround } from '../../support/controller/ground.ts';
import { makeNodeRequest } from '../../support/controller/node-request.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('joining a controller', () => {
  const folder = temporaryFolder();
  let ground: Ground;
  beforeEach(async () => {
    ground = await makeGround(folder.path);
  });
  afterEach(() => ground.stop());

  async function request(more: Partial<JoinRequest> = {}): Promise<JoinRequest> {
    return {
      secret: more.secret ?? (await ground.tokens.create()).secret,
      name: 'n1',
      machine: 'machine-1',
      host: '192.0.2.1',
      port: 9443,
      interfaces: [{ name: 'eth0', addresses: ['192.0.2.1/24'] }],
      request: makeNodeRequest(folder.path, { common: 'n9' }).request,
      ...more,
    };
  }

  it('makes a node with a certificate in the name of its id, and uses up the token', async () => {
    const asked = await request();
    const joined = await ground.join(asked);
    expect(joined.id).to.equal(1);
    expect(joined.store).to.equal(ground.store.identity.id);
    const [node] = await ground.registrations.all();
    expect(node).to.deep.include({
      id: 1,
      name: 'n1',
      host: '192.0.2.1',
      port: 9443,
      interfaces: [{ name: 'eth0', addresses: ['192.0.2.1/24'] }],
      fingerprint: fingerprintOf(joined.certificate),
    });
    const again = await faultOf(
      'join_refused',
      ground.join({ ...asked, name: 'n2', machine: 'm2' }),
    );
    expect(again.message).to.include("used already, by the node 'n1'");
  });

  it('is refused with one sentence on why, and then the token stays valid', async () => {
    await ground.join(await request());
    const { secret } = await ground.tokens.create();
    const cloned = await faultOf('node_exists', ground.join(await request({ secret, name: 'n2' })));
    expect(cloned.message).to.match(/machine id has joined as 'n1' already/);
    const taken = await faultOf(
      'node_exists',
      ground.join(await request({ secret, machine: 'm2' })),
    );
    expect(taken.message).to.match(/Another node has the name 'n1' already/);
    const other = { secret, name: 'n2', machine: 'm2' };
    await faultOf('join_invalid', ground.join(await request({ ...other, request: 'no request' })));
    await faultOf('join_refused', ground.join(await request({ ...other, secret: '0'.repeat(32) })));
    expect(await ground.registrations.all()).to.have.length(1);
    await ground.join(await request(other));
  });

  it('with one token at once lets one host in', async () => {
    const { secret } = await ground.tokens.create();
    const requests = await Promise.all(
      [1, 2, 3].map((n) => request({ secret, name: `n${n}`, machine: `m${n}` })),
    );
    const outcomes = await Promise.allSettled(requests.map((each) => ground.join(each)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    expect(await ground.registrations.all()).to.have.length(1);
  });

  it('never gives the id of a removed node to another one', async () => {
    const first = await ground.join(await request());
    await ground.store.write((transaction) => ground.registrations.remove(first.id, transaction));
    expect((await ground.join(await request())).id).to.equal(2);
  });
});
