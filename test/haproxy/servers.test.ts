import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import type { Owner } from '../../src/amphora/amphora.ts';
import { placesOf } from '../../src/amphora/haproxies/places.ts';
import { askSocket, askWorker } from '../../src/haproxy/socket.ts';
import { driverConfigOf, makeOwnerHost, type OwnerHost } from '../support/amphora-owners.ts';
import { faultOf } from '../support/faults.ts';
import { makeMember, needsHaproxy, readFrom } from '../support/haproxy-processes.ts';
import { freePort } from '../support/peer-host.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const lb: Owner = { kind: 'loadbalancer', id: 'lb-1' };
const backend = 'pool-listener-1:listener-1';
const [first, second] = [
  { backend, server: 'member-1' },
  { backend, server: 'member-2' },
];
const limits = { deadlineMs: 2000 };

describe('members of a haproxy that runs', () => {
  needsHaproxy();
  const folder = temporaryFolder();
  let host: OwnerHost;
  let port: number;
  let members: Server[];
  let config: string;

  beforeEach(async () => {
    host = await makeOwnerHost(folder.path);
    port = await freePort();
    const ports = [await freePort(), await freePort()];
    members = await Promise.all(ports.map((each, index) => makeMember(each, `${index + 1}`)));
    const listener = { id: 'listener-1', port, members: ports };
    config = driverConfigOf(host.paths, lb.id, [listener]);
    await upload(config);
    await host.haproxies.act(lb, 'start');
  });
  afterEach(async () => {
    await host.processes.end();
    for (const member of members) member.close();
  });

  const upload = (text: string) => host.haproxies.upload(lb, Buffer.from(text));
  const set = async (...changes: Parameters<OwnerHost['haproxies']['setServers']>[1]) =>
    (await host.haproxies.setServers(lb, changes)).map(({ refusal }) => refusal);
  const socket = () => placesOf(host.paths, lb.id).statsSocket;

  /** The status and weight of each member, such as `UP 1`. haproxy writes `UP 1/2` until the first check. */
  async function seen(): Promise<string[]> {
    const csv = (await askSocket(socket(), 'show stat -1 4 -1', limits)) ?? '';
    const rows = csv.split('\n').map((row) => row.split(','));
    const servers = rows.filter(([, name]) => name?.startsWith('member'));
    return servers.map((columns) => `${columns[17]?.replace(/ \d+\/\d+$/, '')} ${columns[18]}`);
  }

  /** The file with another end of the first member's line. */
  const withFirst = (weight: number, more = '') =>
    config.replace(
      /(server member-1 .*) weight 1 (.*)\n/,
      (_line, name: string, rest: string) => `${name} weight ${weight} ${rest}${more}\n`,
    );

  it('get weights without a reload', async () => {
    const before = await askWorker(socket(), limits);
    expect(await set({ ...first, weight: 200 }, { ...second, weight: 0 })).to.deep.equal([
      undefined,
      undefined,
    ]);
    expect(await seen()).to.deep.equal(['UP 200', 'UP 0']);
    expect((await askWorker(socket(), limits))?.pid).to.equal(before?.pid);
    const answers = [await readFrom(port), await readFrom(port), await readFrom(port)];
    expect(answers).to.deep.equal(['1', '1', '1']);
  });

  it('are disabled and enabled without a reload', async () => {
    await set({ ...first, isEnabled: false });
    expect(await seen()).to.deep.equal(['MAINT 1', 'UP 1']);
    expect([await readFrom(port), await readFrom(port)]).to.deep.equal(['2', '2']);
    await set({ ...first, isEnabled: true, weight: 3 });
    expect(await seen()).to.deep.equal(['UP 3', 'UP 1']);
  });

  it('are refused one by one in the words of haproxy', async () => {
    const unknown = { backend, server: 'member-9', weight: 1 };
    const elsewhere = { backend: 'other:listener-1', server: 'member-1', weight: 1 };
    expect(await set(unknown, { ...first, weight: 7 }, elsewhere)).to.deep.equal([
      'No such server.',
      undefined,
      'No such backend.',
    ]);
    expect(await seen()).to.deep.equal(['UP 7', 'UP 1']);
  });

  it('take no weight but 0 and their own while their pool balances by the source', async () => {
    await upload(config.replace('balance roundrobin', 'balance source'));
    await host.haproxies.act(lb, 'reload');
    const [refusal, ...taken] = await set({ ...first, weight: 5 }, { ...first, weight: 0 });
    expect(refusal).to.contain("only accepts weights '0%' and '100%'");
    expect(taken).to.deep.equal([undefined]);
  });

  it('have the weight of the file after a reload, also where one was set and taken back', async () => {
    await set({ ...first, weight: 9 });
    await upload(withFirst(9));
    await upload(withFirst(1));
    await host.haproxies.act(lb, 'reload');
    expect(await seen()).to.deep.equal(['UP 1', 'UP 1']);
    await set({ ...first, weight: 9 });
    await upload(withFirst(9));
    await host.haproxies.act(lb, 'reload');
    expect(await seen()).to.deep.equal(['UP 9', 'UP 1']);
  });

  it('are enabled and disabled by the file after a reload, whatever was set before', async () => {
    await set({ ...first, isEnabled: false });
    await host.haproxies.act(lb, 'reload');
    expect(await seen()).to.deep.equal(['UP 1', 'UP 1']);
    await upload(withFirst(1, ' disabled'));
    await host.haproxies.act(lb, 'reload');
    expect(await seen()).to.deep.equal(['MAINT 1', 'UP 1']);
    await set({ ...first, isEnabled: true });
    expect(await seen()).to.deep.equal(['UP 1', 'UP 1']);
    await host.haproxies.act(lb, 'reload');
    expect(await seen()).to.deep.equal(['MAINT 1', 'UP 1']);
  });

  it('serve after the file has enabled them, also where nobody checks them', async () => {
    config = config.replaceAll(/ check inter.*$/gm, '');
    const disabled = config.replace(/(server member-1 .*)/, '$1 disabled');
    await upload(disabled);
    await host.haproxies.act(lb, 'reload');
    await upload(config);
    await host.haproxies.act(lb, 'reload');
    expect(await seen()).to.deep.equal(['no check 1', 'no check 1']);
  });

  it('stay down over a reload if they are down', async () => {
    members[1]?.close();
    while (!(await seen()).includes('DOWN 1')) await sleep(25);
    await set({ ...first, weight: 4 });
    await upload(withFirst(4));
    await host.haproxies.act(lb, 'reload');
    expect(await seen()).to.deep.equal(['UP 4', 'DOWN 1']);
  });

  it('are not changed by an upload, which the same worker outlives', async () => {
    const before = await askWorker(socket(), limits);
    await upload(withFirst(50));
    expect(await seen()).to.deep.equal(['UP 1', 'UP 1']);
    expect((await askWorker(socket(), limits))?.pid).to.equal(before?.pid);
  });

  it('are not there for a load balancer that was stopped, or that does not exist', async () => {
    await host.haproxies.act(lb, 'stop');
    await faultOf('haproxy_unresponsive', set({ ...first, weight: 1 }));
    const other: Owner = { kind: 'loadbalancer', id: 'lb-2' };
    await faultOf('loadbalancer_not_found', host.haproxies.setServers(other, []));
  });

  it('with a name that is more than one word are refused before haproxy reads it', async () => {
    const change = { backend, server: 'member-1; @1 shutdown sessions', weight: 1 };
    await faultOf('amphora_request_invalid', set(change));
  });
});
