import { mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeLvsListeners, type LvsParts } from '../../../src/amphora/lvs/lvs.ts';
import type { Processes, ProcessState } from '../../../src/amphora/haproxies/processes.ts';
import { Fault } from '../../../src/kit/fault.ts';
import type { IpvsTables } from '../../../src/keepalived/ipvs.ts';
import { parseLvsServices, parseLvsStats } from '../../../src/parsers/ipvsadm.ts';
import { attempt } from '../../lab/run.ts';
import { namesOf, textOf } from '../../support/amphora-owners.ts';
import { faultOf } from '../../support/faults.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('an LVS listener', () => {
  const folder = temporaryFolder();
  const systemd = {
    state: 'down' as ProcessState,
    afterStart: 'up' as ProcessState,
    printed: '',
    tables: undefined as IpvsTables | undefined,
  };
  const configured = {
    protocol: 'UDP',
    isEnabled: true,
    vips: [{ address: '10.0.0.2', port: 80 }],
    pool: { id: 'pool', isEnabled: true },
    monitor: 'monitor',
    members: [
      { id: 'a', address: '10.0.0.98', port: 82, weight: 1 },
      { id: 'b', address: '10.0.0.99', port: 82, weight: 1 },
      { id: 'c', address: '2001:db8:0::1', port: 82, weight: 0 },
    ],
    disabledMembers: ['d'],
  } as const;
  let lvs: ReturnType<typeof makeLvsListeners>;

  /** There is no systemd here, and many kernels have no IPVS. */
  const processes: Processes = {
    start: () => {
      systemd.state = systemd.afterStart;
      return Promise.resolve();
    },
    stop: () => {
      systemd.state = 'down';
      return Promise.resolve();
    },
    reload: () => Promise.reject(new Error('a reload leaves members out')),
    state: () => Promise.resolve(systemd.state),
    setEnabled: () => Promise.resolve(),
    messages: () => Promise.resolve(systemd.printed),
  };

  beforeEach(async () => {
    await mkdir(join(folder.path, 'octavia'));
    Object.assign(systemd, { state: 'down', afterStart: 'up', printed: '', tables: undefined });
    const paths = { base: join(folder.path, 'octavia') } as LvsParts['paths'];
    lvs = makeLvsListeners({
      paths,
      processes,
      tables: () => Promise.resolve(systemd.tables),
      read: (text) => ({
        ...configured,
        problems: text.includes('script') ? [{ line: 1, reason: 'no driver writes it' }] : [],
      }),
      check: (file) =>
        file.endsWith('.conf.new')
          ? Promise.resolve()
          : Promise.reject(new Fault('keepalived_config_refused', 'wrong file')),
      settleMs: 300,
    });
  });

  const inLvs = (...names: string[]) => join(folder.path, 'octavia', 'lvs', ...names);

  it('has its files where the controller expects them', async () => {
    const { md5 } = await lvs.upload('l-1', Buffer.from('virtual_server'));
    expect((await lvs.configuration('l-1')).md5).to.equal(md5);
    expect(await namesOf(inLvs())).to.deep.equal(['check', 'octavia-keepalivedlvs-l-1.conf']);
    expect((await stat(inLvs('check/udp_check.sh'))).mode & 0o777).to.equal(0o100);
    await lvs.remove('l-1');
    expect(await namesOf(inLvs())).to.deep.equal(['check']);
    await faultOf('udp_listener_not_found', lvs.remove('l-1'));
  });

  it('runs on when a file is refused, which lies beside it', async () => {
    await lvs.upload('l-1', Buffer.from('virtual_server'));
    const { message } = await faultOf(
      'keepalived_config_refused',
      lvs.upload('l-1', Buffer.from('notify_script x')),
    );
    expect(message).to.equal('Line 1: no driver writes it');
    expect(await textOf(inLvs('octavia-keepalivedlvs-l-1.conf'))).to.equal('virtual_server');
    expect(await textOf(inLvs('octavia-keepalivedlvs-l-1.conf.new-failed'))).to.contain('notify');
  });

  it('that has never been accepted leaves nothing when it is deleted', async () => {
    await faultOf('keepalived_config_refused', lvs.upload('l-1', Buffer.from('script')));
    expect(await namesOf(inLvs())).to.deep.equal([
      'check',
      'octavia-keepalivedlvs-l-1.conf.new-failed',
    ]);
    await lvs.removeRemains('l-1');
    expect(await namesOf(inLvs())).to.deep.equal(['check']);
  });

  it('that has a configuration has no remains', async () => {
    await lvs.upload('l-1', Buffer.from('virtual_server'));
    await faultOf('keepalived_config_refused', lvs.upload('l-1', Buffer.from('script')));
    await lvs.removeRemains('l-1');
    expect(await namesOf(inLvs())).to.include('octavia-keepalivedlvs-l-1.conf.new-failed');
  });

  it('is restarted by a reload', async () => {
    await lvs.upload('l-1', Buffer.from('virtual_server'));
    expect(await lvs.act('l-1', 'reload')).to.equal('reload');
    const state = { id: 'l-1', owner: 'l-1', status: 'ACTIVE', type: 'UDP', pools: [] };
    expect(await lvs.listeners()).to.deep.equal([state]);
  });

  it('has the states of its members and its counters from the tables of IPVS', async () => {
    await lvs.upload('l-1', Buffer.from('virtual_server'));
    expect(await lvs.readings()).to.deep.equal([]);
    await lvs.act('l-1', 'start');
    const [without] = await lvs.readings();
    expect(without?.listener.pools).to.deep.equal([]);
    systemd.tables = {
      services: parseLvsServices(
        [
          'UDP  10.0.0.2:80 wrr',
          '  -> 10.0.0.98:82                Masq    1      2          3         ',
          '  -> [2001:db8::1]:82            Masq    0      0          0         ',
          'UDP  10.0.0.3:80 wrr',
          '  -> 10.0.0.99:82                Masq    1      9          9         ',
        ].join('\n'),
      ),
      stats: parseLvsStats(
        'UDP  10.0.0.2:80   7   1   2   300   400\nUDP  10.0.0.3:80   1   1   1   1   1\n',
      ),
    };
    const [reading] = await lvs.readings();
    expect(reading?.listener.pools).to.deep.equal([
      {
        id: 'pool',
        status: 'UP',
        members: [
          { id: 'a', status: 'UP' },
          { id: 'b', status: 'DOWN' },
          { id: 'c', status: 'DRAIN' },
          { id: 'd', status: 'MAINT' },
        ],
      },
    ]);
    expect(reading?.counters).to.deep.equal({ tx: 400, rx: 300, conns: 2, totconns: 7, ereq: 0 });
    expect((await lvs.listeners())[0]?.pools).to.deep.equal(reading?.listener.pools);
  });

  it('reports a missing member as restarting while its process is older than the upload', async () => {
    await lvs.upload('l-1', Buffer.from('virtual_server'));
    await lvs.act('l-1', 'start');
    systemd.tables = { services: [], stats: [] };
    const missing = async () => (await lvs.readings())[0]?.listener.pools[0]?.members[0]?.status;
    const checker = inLvs('octavia-keepalivedlvs-l-1.check.pid');
    await writeFile(checker, '1\n');
    expect(await missing()).to.equal('DOWN');
    await utimes(checker, 1, 1);
    expect(await missing()).to.equal('RESTARTING');
  });

  it('that ends after its start is a fault with the reason', async () => {
    await lvs.upload('l-1', Buffer.from('virtual_server'));
    systemd.afterStart = 'coming';
    systemd.printed = "Can't initialize ipvs: Protocol not available";
    const { message } = await faultOf('lvs_failed', lvs.act('l-1', 'start'));
    expect(message).to.contain('ip_vs');
    expect(systemd.state).to.equal('down');
  });

  it('that ends for another reason is not said to lack IPVS', async () => {
    await lvs.upload('l-1', Buffer.from('virtual_server'));
    systemd.afterStart = 'failed';
    systemd.printed = 'Initializing ipvs\nUnable to open the pid file';
    const { message } = await faultOf('lvs_failed', lvs.act('l-1', 'start'));
    expect(message).to.contain('journal').and.not.contain('ip_vs');
  });

  it('has a check script that tells a closed port', async () => {
    await lvs.upload('l-1', Buffer.from('virtual_server'));
    const script = inLvs('check/udp_check.sh');
    expect((await attempt(['sh', script, '127.0.0.1', '1'])).exitCode).to.equal(1);
    expect((await attempt(['sh', script, 'not-an-address', '1'])).exitCode).to.equal(1);
  });
});
