import { createHash } from 'node:crypto';
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Owner } from '../../../src/amphora/amphora.ts';
import { type Fencing, makeFences } from '../../../src/amphora/fencing.ts';
import { md5Of } from '../../../src/amphora/haproxies/owner-configs.ts';
import { askSocket } from '../../../src/haproxy/socket.ts';
import {
  driverConfigOf,
  makeOwnerHost,
  namesOf,
  type OwnerHost,
  textOf,
} from '../../support/amphora-owners.ts';
import { faultOf } from '../../support/faults.ts';
import { makeMember, needsHaproxy, readFrom } from '../../support/haproxy-processes.ts';
import { freePort } from '../../support/peer-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const lb: Owner = { kind: 'loadbalancer', id: 'lb-1' };

describe('the haproxy of an owner', () => {
  needsHaproxy();
  const folder = temporaryFolder();
  let host: OwnerHost;
  let port: number;
  let config: string;
  /** What happens before the next command of the agent. */
  let meanwhile: (() => Promise<void>) | undefined;

  beforeEach(async () => {
    host = await makeOwnerHost(folder.path, async () => {
      const work = meanwhile;
      meanwhile = undefined;
      await work?.();
    });
    port = await freePort();
    config = driverConfigOf(host.paths, lb.id, [{ id: 'listener-1', port, members: [1] }]);
  });
  afterEach(() => host.processes.end());

  const upload = (text: string, owner = lb) => host.haproxies.upload(owner, Buffer.from(text));
  const inBase = (...names: string[]) => join(host.paths.base, ...names);
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

  it('is not started by an upload, which answers with the MD5 of what came', async () => {
    expect(await upload(config)).to.deep.equal({ md5: md5Of(config) });
    expect(await host.haproxies.listeners()).to.deep.equal([
      { id: 'listener-1', owner: 'lb-1', status: 'STOPPED', type: 'TCP', pools: [] },
    ]);
    expect(await namesOf(inBase('lb-1'))).to.deep.equal(['haproxy.cfg']);
    expect(await modeOf(inBase('lb-1', 'haproxy.cfg'))).to.equal('600');
  });

  it('gives a rewritten configuration back as it came', async () => {
    const grouped = config.replace('    user nobody\n', '    user nobody\n    group nogroup\n');
    const { md5 } = await upload(grouped);
    expect(await textOf(inBase('lb-1', 'haproxy.cfg'))).to.not.contain('group nogroup');
    const stored = await host.haproxies.configuration(lb);
    expect(stored.bytes.toString()).to.equal(grouped);
    expect([stored.md5, md5]).to.deep.equal([md5Of(grouped), md5Of(grouped)]);
    await upload(config);
    expect(await namesOf(inBase('lb-1'))).to.deep.equal(['haproxy.cfg']);
  });

  it('runs on when what haproxy refuses comes, which lies beside it', async () => {
    await upload(config);
    await host.haproxies.act(lb, 'reload');
    const twice = config.replace(/^frontend/m, 'frontend listener-1\n    mode tcp\n\nfrontend');
    const { message } = await faultOf('haproxy_config_refused', upload(twice));
    expect(message).to.contain('haproxy.cfg:');
    expect(await textOf(inBase('lb-1', 'haproxy.cfg'))).to.equal(config);
    expect(await textOf(inBase('lb-1', 'haproxy.cfg.new-failed'))).to.equal(twice);
    expect(await modeOf(inBase('lb-1', 'haproxy.cfg.new-failed'))).to.equal('600');
    expect((await host.haproxies.listener('listener-1')).status).to.equal('ACTIVE');
  });

  it('refuses what no driver writes before haproxy reads it', async () => {
    const lua = config.replace('    daemon\n', `    daemon\n    lua-load ${inBase('x.lua')}\n`);
    await writeFile(inBase('x.lua'), `io.open('${inBase('touched')}', 'w'):close()\n`);
    const { message } = await faultOf('haproxy_config_refused', upload(lua));
    expect(message).to.match(/^Line 4: /);
    expect(await namesOf(host.paths.base)).to.not.contain('touched');
    const binary = host.haproxies.upload(lb, Buffer.from([0xff, 0xfe]));
    await faultOf('haproxy_config_refused', binary);
    await faultOf(
      'haproxy_config_refused',
      upload('\xff', lb).then(() => upload('\xff')),
    );
  });

  it('answers an owner without a configuration with the message of its kind', async () => {
    const { message } = await faultOf('loadbalancer_not_found', host.haproxies.act(lb, 'stop'));
    expect(message).to.equal('No loadbalancer with UUID: lb-1');
    const listener: Owner = { kind: 'listener', id: 'x' };
    await faultOf('listener_not_found', host.haproxies.configuration(listener));
    await faultOf('listener_not_found', host.haproxies.remove(listener));
    await faultOf('listener_not_found', host.haproxies.listener('x'));
  });

  for (const id of ['..', '.', '', 'certs', 'lvs', 'vrrp', 'a/b', 'a\nb', 'a'.repeat(65), 'a.b']) {
    it(`has no id like ${JSON.stringify(id)}`, async () => {
      await faultOf('amphora_request_invalid', upload(config, { kind: 'listener', id }));
    });
  }

  it('follows no link in place of a folder or a file', async () => {
    await mkdir(join(folder.path, 'outside'));
    await writeFile(join(folder.path, 'outside', 'haproxy.cfg'), config);
    await symlink(join(folder.path, 'outside'), inBase('lb-1'));
    await faultOf('amphora_file_foreign', upload(config));
    expect(await host.haproxies.owners()).to.deep.equal([]);
    await faultOf('loadbalancer_not_found', host.haproxies.configuration(lb));

    const other: Owner = { kind: 'loadbalancer', id: 'lb-2' };
    await mkdir(inBase('lb-2'));
    await symlink(join(folder.path, 'outside', 'haproxy.cfg'), inBase('lb-2', 'haproxy.cfg'));
    await faultOf('loadbalancer_not_found', host.haproxies.configuration(other));
    await symlink(join(folder.path, 'outside', 'new'), inBase('lb-2', 'haproxy.cfg.new'));
    const listeners = [{ id: 'listener-2', port, members: [1] }];
    await upload(driverConfigOf(host.paths, 'lb-2', listeners), other);
    expect(await namesOf(join(folder.path, 'outside'))).to.deep.equal(['haproxy.cfg']);
    expect(await textOf(folder.path, 'outside', 'haproxy.cfg')).to.equal(config);
  });

  it('is started by a reload, and answers on its stats socket then', async () => {
    await upload(config);
    expect(await host.haproxies.act(lb, 'reload')).to.equal('start');
    const info = await askSocket(inBase('lb-1.sock'), 'show info', { deadlineMs: 2000 });
    expect(info).to.contain('Name: HAProxy');
    expect(await host.haproxies.listeners()).to.deep.equal([
      { id: 'listener-1', owner: 'lb-1', status: 'ACTIVE', type: 'TCP', pools: [] },
    ]);
    expect([...host.processes.enabled]).to.deep.equal(['lb-1']);
    expect(await modeOf(inBase('lb-1', 'lb-1.pid'))).to.equal('644');
  });

  /** So that the next action asks haproxy about the file again. */
  async function addCertificate(): Promise<void> {
    const certificates = join(host.paths.certificates, lb.id);
    await mkdir(certificates, { recursive: true });
    await writeFile(join(certificates, 'a.pem'), 'a certificate');
  }

  it('is asked about a file once, and again after a change of the file or of a certificate', async () => {
    let checks = 0;
    const counted = async (work: () => Promise<unknown>) => {
      checks = 0;
      meanwhile = () => {
        checks += 1;
        return Promise.resolve();
      };
      await work();
      meanwhile = undefined;
      return checks;
    };
    const reload = () => host.haproxies.act(lb, 'reload');
    await upload(config);
    expect(await counted(reload), 'what was just uploaded').to.equal(0);
    await addCertificate();
    expect(await counted(reload), 'another certificate').to.equal(1);
    expect(await counted(reload), 'nothing new').to.equal(0);
    await writeFile(inBase('lb-1', 'haproxy.cfg'), `${config}# by hand\n`);
    expect(await counted(reload), 'another file').to.equal(1);
  });

  it('that systemd starts while a reload begins is reloaded', async () => {
    await upload(config);
    await addCertificate();
    meanwhile = () => host.processes.start(lb.id);
    expect(await host.haproxies.act(lb, 'reload')).to.equal('start');
    expect(await host.processes.state(lb.id)).to.equal('up');
  });

  it('serves a new configuration only after the reload, which answers when it does', async () => {
    const member = await makeMember(await freePort(), 'one');
    const { port: memberPort } = member.address() as { port: number };
    const withOne = { id: 'listener-1', port, members: [memberPort] };
    await upload(driverConfigOf(host.paths, lb.id, [withOne]));
    await host.haproxies.act(lb, 'start');
    const second = { id: 'listener-2', port: await freePort(), members: [memberPort] };
    await upload(driverConfigOf(host.paths, lb.id, [withOne, second]));
    const states = async () =>
      (await host.haproxies.listeners()).map(({ id, status }) => `${id} ${status}`);
    expect(await states()).to.deep.equal(['listener-1 ACTIVE', 'listener-2 STOPPED']);
    expect(await readFrom(second.port)).to.equal(undefined);
    expect(await host.haproxies.act(lb, 'reload')).to.equal('reload');
    expect(await readFrom(second.port)).to.equal('one');
    expect(await states()).to.deep.equal(['listener-1 ACTIVE', 'listener-2 ACTIVE']);
    await upload(driverConfigOf(host.paths, lb.id, [second]));
    expect(await states()).to.deep.equal(['listener-1 ACTIVE', 'listener-2 ACTIVE']);
    expect(await host.haproxies.act(lb, 'start')).to.equal('start');
    expect(await states()).to.deep.equal(['listener-2 ACTIVE']);
    member.close();
  });

  it('loses no connection in reloads', async () => {
    const member = await makeMember(await freePort(), 'one');
    const { port: memberPort } = member.address() as { port: number };
    await upload(
      driverConfigOf(host.paths, lb.id, [{ id: 'listener-1', port, members: [memberPort] }]),
    );
    await host.haproxies.act(lb, 'start');
    const answers: (string | undefined)[] = [];
    const load = { isOver: false };
    const loading = (async () => {
      while (!load.isOver) answers.push(await readFrom(port));
    })();
    for (let round = 0; round < 5; round += 1) await host.haproxies.act(lb, 'reload');
    load.isOver = true;
    await loading;
    member.close();
    expect(answers.length).to.be.greaterThan(50);
    expect([...new Set(answers)]).to.deep.equal(['one']);
  });

  it('takes the states of members over into the new worker', async () => {
    const member = await makeMember(await freePort(), 'one');
    const { port: memberPort } = member.address() as { port: number };
    const members = [memberPort, await freePort()];
    await upload(driverConfigOf(host.paths, lb.id, [{ id: 'listener-1', port, members }]));
    await host.haproxies.act(lb, 'start');
    const states = async () =>
      (await askSocket(inBase('lb-1.sock'), 'show stat -1 4 -1', { deadlineMs: 2000 }))
        ?.split('\n')
        .map((row) => row.split(','))
        .filter(([, name]) => name?.startsWith('member'))
        .map((columns) => `${columns[1]} ${columns[17]}`);
    for (let tries = 0; tries < 400; tries += 1) {
      if ((await states())?.includes('member-2 DOWN')) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await host.haproxies.act(lb, 'reload');
    expect(await states()).to.deep.equal(['member-1 UP', 'member-2 DOWN']);
    expect(await modeOf(inBase('lb-1', 'servers-state'))).to.equal('644');
    member.close();
  });

  it('runs on as before when a reload fails, and says why', async () => {
    await upload(config);
    await host.haproxies.act(lb, 'start');
    const taken = await makeMember(await freePort(), 'in the way');
    const { port: takenPort } = taken.address() as { port: number };
    const former = await askSocket(inBase('lb-1.sock'), 'show info', { deadlineMs: 2000 });
    await upload(config.replace(`127.0.0.1:${port}`, `127.0.0.1:${takenPort}`));
    const { message } = await faultOf('haproxy_not_reloaded', host.haproxies.act(lb, 'reload'));
    expect(message).to.contain('cannot bind socket (Address already in use)');
    const now = await askSocket(inBase('lb-1.sock'), 'show info', { deadlineMs: 2000 });
    expect(/^Pid: .*/m.exec(now ?? '')?.[0]).to.equal(/^Pid: .*/m.exec(former ?? '')?.[0]);
    taken.close();
    await upload(config);
    expect(await host.haproxies.act(lb, 'reload')).to.equal('reload');
  });

  it('that cannot be started is not started again by itself', async () => {
    const taken = await makeMember(port, 'in the way');
    await upload(config);
    const { message } = await faultOf('haproxy_not_started', host.haproxies.act(lb, 'start'));
    expect(message).to.contain('cannot bind socket (Address already in use)');
    expect([...host.processes.enabled]).to.deep.equal([]);
    expect(await textOf(inBase('vrrp/check_scripts/haproxy_check_script.sh'))).to.contain('exit 1');
    taken.close();
    expect(await host.haproxies.act(lb, 'reload')).to.equal('start');
  });

  it('that died is an error, and a reload starts it', async () => {
    await upload(config);
    await host.haproxies.act(lb, 'start');
    const [child] = host.processes.running.values();
    const worker = /^Pid: (\d+)/m.exec(
      (await askSocket(inBase('lb-1.sock'), 'show info', { deadlineMs: 2000 })) ?? '',
    )?.[1];
    child?.kill('SIGKILL');
    process.kill(Number(worker), 'SIGKILL');
    while (host.processes.running.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await host.haproxies.listeners())[0]?.status).to.equal('ERROR');
    expect(await host.haproxies.act(lb, 'reload')).to.equal('start');
    expect((await host.haproxies.listeners())[0]?.status).to.equal('ACTIVE');
  });

  it('that dies in a reload is started, and the reload succeeds', async () => {
    await upload(config);
    await host.haproxies.act(lb, 'start');
    const reload = host.processes.reload.bind(host.processes);
    host.processes.reload = async (id, master) => {
      await reload(id, master);
      host.processes.running.get(id)?.kill('SIGKILL');
    };
    expect(await host.haproxies.act(lb, 'reload')).to.equal('reload');
    expect((await host.haproxies.listeners())[0]?.status).to.equal('ACTIVE');
  });

  it('is stopped for good by a stop', async () => {
    await upload(config);
    await host.haproxies.act(lb, 'start');
    expect(await host.haproxies.act(lb, 'stop')).to.equal('stop');
    expect((await host.haproxies.listeners())[0]?.status).to.equal('STOPPED');
    expect([...host.processes.enabled]).to.deep.equal([]);
    expect(await namesOf(inBase('lb-1'))).to.deep.equal(['haproxy.cfg']);
    expect(await host.haproxies.act(lb, 'stop')).to.equal('stop');
  });

  it('says whether its process runs what was uploaded last', async () => {
    const state = () => host.haproxies.state(lb.id);
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    const nothing = { id: 'lb-1', sha256: undefined, process: 'stopped', certificates: [] };
    expect(await state()).to.deep.equal(nothing);
    await upload(config);
    expect(await state()).to.deep.equal({ ...nothing, sha256: sha256(config) });
    await host.haproxies.act(lb, 'reload');
    expect(await state()).to.include({ sha256: sha256(config), process: 'current' });
    const other = `${config}# other\n`;
    await upload(other);
    expect(await state()).to.include({ sha256: sha256(other), process: 'former' });
    await host.haproxies.act(lb, 'reload');
    expect(await host.haproxies.states()).to.deep.equal([
      { ...nothing, sha256: sha256(other), process: 'current' },
    ]);
  });

  it('takes no order that is older than the last one, also after a restart of the agent', async () => {
    const order = (epoch: number, revision: number, store = 's1') => ({ store, epoch, revision });
    const send = (fencing?: Fencing) => host.haproxies.upload(lb, Buffer.from(config), fencing);
    await send(order(1, 5));
    await send(order(1, 5));
    const fault = await faultOf('amphora_order_stale', send(order(1, 4)));
    expect(fault.message).to.include('revision 5 of epoch 1');
    await faultOf('amphora_order_foreign', send(order(9, 9, 's2')));
    await send();
    await send(order(2, 1));
    expect(await textOf(inBase('lb-1', 'fencing'))).to.equal('s1 2 1\n');
    const again = makeFences(host.paths);
    await faultOf('amphora_order_stale', again.take(lb.id, order(1, 9)));
    await faultOf('amphora_order_stale', host.haproxies.act(lb, 'reload', order(1, 9)));
    await host.haproxies.remove(lb, order(2, 2));
    expect(await namesOf(inBase())).not.to.include('lb-1');
    await faultOf('amphora_order_stale', send(order(2, 1)));
    await send(order(2, 3));
  });

  it('leaves nothing when it is deleted', async () => {
    const before = await namesOf(host.paths.base);
    await upload(config);
    await host.haproxies.act(lb, 'start');
    await host.haproxies.act(lb, 'reload');
    await host.haproxies.remove(lb);
    expect(await namesOf(host.paths.base)).to.deep.equal(before);
    expect(host.removed).to.deep.equal(['lb-1']);
    expect(host.processes.running.size).to.equal(0);
    expect(await host.haproxies.listeners()).to.deep.equal([]);
  });

  it('that API 0.5 made is a listener, by the frontend of its own name', async () => {
    const id = 'listener-1';
    const text = driverConfigOf(host.paths, id, [{ id, port, members: [1] }]);
    await upload(text, { kind: 'listener', id });
    await upload(config);
    expect(await host.haproxies.owners()).to.deep.equal([lb, { kind: 'listener', id }]);
  });

  it('shows the pools of a listener with their members, by what the process says', async () => {
    const members = [await freePort(), await freePort()];
    await upload(driverConfigOf(host.paths, lb.id, [{ id: 'listener-1', port, members }]));
    await host.haproxies.act(lb, 'start');
    const { pools } = await host.haproxies.listener('listener-1');
    expect(
      pools.map(({ id, members: each }) => [id, each.map((member) => member.id)]),
    ).to.deep.equal([['pool-listener-1', ['member-1', 'member-2']]]);
    const all = await host.haproxies.listenersWithPools();
    expect(all.map(({ id, pools: [pool] }) => [id, pool?.id])).to.deep.equal([
      ['listener-1', 'pool-listener-1'],
    ]);
  });

  it('may be one of 50, whose states are read without a question to each', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `lb-${index}`);
    for (const id of ids) {
      const listeners = [{ id: `of-${id}`, port: await freePort(), members: [1] }];
      await upload(driverConfigOf(host.paths, id, listeners), { kind: 'loadbalancer', id });
    }
    await Promise.all(
      ids.slice(0, 3).map((id) => host.haproxies.act({ kind: 'loadbalancer', id }, 'start')),
    );
    const states = (await host.haproxies.listeners()).map(({ status }) => status);
    expect(states.filter((status) => status === 'ACTIVE')).to.have.length(3);
    expect(states).to.have.length(50);
  });

  it('leaves nothing of uploads without a configuration when it is deleted', async () => {
    await faultOf('haproxy_config_refused', upload('lua-load x\n'));
    expect(await namesOf(inBase('lb-1'))).to.deep.equal(['haproxy.cfg.new-failed']);
    await faultOf('loadbalancer_not_found', host.haproxies.remove(lb));
    expect(await namesOf(inBase())).to.not.include('lb-1');
    expect(host.removed).to.deep.equal(['lb-1']);
  });
});
