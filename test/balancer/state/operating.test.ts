import { expect } from 'chai';

import { makeTestBalancer, type TestBalancer } from '../../support/balancer/domain.ts';
import { aBalancer, aListener, aMember, anyone, aPool } from '../../support/balancer/wishes.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('what heartbeats know of load balancers', () => {
  const folder = temporaryFolder();
  let bench: TestBalancer;
  /** The load balancers that were asked for in the store, whole lists aside. */
  let selected: (readonly unknown[])[];

  beforeEach(async () => {
    selected = [];
    bench = await makeTestBalancer(folder.path, {
      seen: (store) => ({
        ...store,
        all(sql, values = []) {
          if (sql.includes('FROM balancer_members')) selected.push(values);
          return store.all(sql, values);
        },
      }),
    });
  });
  afterEach(() => bench.stop());

  async function made(name: string): Promise<string> {
    const pool = aPool({ members: [aMember('192.0.2.1')] });
    const listeners = [aListener(80, { newDefaultPool: pool })];
    const { loadBalancer } = await bench.domain.loadBalancers.create(
      anyone,
      aBalancer({ name, listeners }),
    );
    await bench.finish(loadBalancer.id);
    return loadBalancer.id;
  }
  const known = () => bench.domain.operating.known();

  it('a change has one load balancer read again, and the others stay the same objects', async () => {
    const [first, second] = [await made('first'), await made('second')];
    const before = await known();
    expect(before.map(({ id }) => id)).to.deep.equal([first, second]);
    await bench.domain.loadBalancers.change(anyone, second, { isEnabled: false });
    await bench.finish(second);
    selected = [];
    const after = await known();
    expect(after[0]).to.equal(before[0]);
    expect(after[1]).to.include({ id: second, isEnabled: false });
    expect(selected).to.deep.equal([[second]]);
  });

  it('has a new load balancer, and no longer one that was deleted', async () => {
    const first = await made('first');
    await known();
    const second = await made('second');
    await bench.domain.loadBalancers.remove(anyone, first, true);
    await bench.finish(first);
    expect((await known()).map(({ id }) => id)).to.deep.equal([second]);
  });

  it('a status is written once, also after the load balancer was read again', async () => {
    const id = await made('first');
    const { operating } = bench.domain;
    await operating.setOperating([{ kind: 'load_balancer', id, operating: 'ONLINE' }]);
    await bench.domain.loadBalancers.change(anyone, id, { name: 'other' });
    await bench.finish(id);
    const commits = bench.store.commits();
    await operating.setOperating([{ kind: 'load_balancer', id, operating: 'ONLINE' }]);
    expect(bench.store.commits()).to.equal(commits);
    await operating.setOperating([{ kind: 'load_balancer', id, operating: 'ERROR' }]);
    expect((await known())[0]?.operating).to.equal('ERROR');
  });
});
