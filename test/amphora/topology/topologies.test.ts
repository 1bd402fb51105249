import { readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Vrrp } from '../../../src/amphora/amphora.ts';
import { makeTopologyStore } from '../../../src/amphora/topology/store.ts';
import { makeTopologies } from '../../../src/amphora/topology/topologies.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { faultOf, orFault } from '../../support/faults.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitUntil } from '../../lab/wait.ts';

type State = Awaited<ReturnType<Vrrp['state']>>;

describe('the topology of API 0.1', () => {
  const folder = temporaryFolder();
  const { log, lines } = keepingLog();
  const made = (
    state: State = 'absent',
    act: Vrrp['act'] = (action) => Promise.resolve(action),
    configured: 'SINGLE' | 'ACTIVE_STANDBY' = 'SINGLE',
  ) => {
    const asked: string[] = [];
    const vrrp: Vrrp = {
      upload: () => Promise.reject(new Error('not expected')),
      state: () => Promise.resolve(state),
      act: (action) => {
        asked.push(action);
        return act(action);
      },
    };
    const store = makeTopologyStore(folder.path);
    const topologies = makeTopologies({
      store,
      vrrp,
      configured: () => configured,
      log,
      waitMs: 100,
    });
    return { topologies, asked };
  };
  const pair = { topology: 'ACTIVE-STANDBY', role: 'ACTIVE', haIp: ' 10.0.0.1', secret: 'sesame1' };

  it('is that of the configuration until it is set', async () => {
    expect(await made().topologies.current()).to.deep.equal({
      topology: 'SINGLE',
      isChanging: false,
    });
    const { topologies } = made('absent', undefined, 'ACTIVE_STANDBY');
    expect((await topologies.current()).topology).to.equal('ACTIVE-STANDBY');
  });

  it('is stored with its secret for root alone, and reported without it after a restart', async () => {
    expect(await made().topologies.change(pair)).to.equal(true);
    const path = join(folder.path, 'topology.json');
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await readFile(path, 'utf8')).to.include('sesame1');
    expect(await made().topologies.current()).to.deep.equal({
      topology: 'ACTIVE-STANDBY',
      role: 'ACTIVE',
      haIp: '10.0.0.1',
      isChanging: false,
    });
  });

  it('has the role that keepalived has now', async () => {
    await made().topologies.change(pair);
    for (const [state, role] of [
      ['MASTER', 'ACTIVE'],
      ['BACKUP', 'STANDBY'],
      ['FAULT', 'STANDBY'],
      ['stopped', 'ACTIVE'],
    ] as const) {
      expect((await made(state).topologies.current()).role, state).to.equal(role);
    }
  });

  it('is followed by keepalived after a restart that has cut off its change, and only then', async () => {
    const cutOff = made('stopped', () => new Promise(() => undefined));
    expect(await cutOff.topologies.change(pair)).to.equal(false);
    const next = made('stopped');
    await next.topologies.finish();
    await waitUntil('the change to end', async () => {
      const { isChanging } = await next.topologies.current();
      return !isChanging;
    });
    expect(next.asked).to.deep.equal(['start']);
    // A caller may have stopped keepalived since.
    const later = made('stopped');
    await later.topologies.finish();
    expect((await later.topologies.current()).isChanging).to.equal(false);
    expect(later.asked).to.deep.equal([]);
  });

  it('makes keepalived run for a pair, and not for one host', async () => {
    const stopped = made('stopped');
    await stopped.topologies.change(pair);
    expect(stopped.asked).to.deep.equal(['start']);
    const running = made('MASTER');
    await running.topologies.change({ topology: 'SINGLE' });
    expect(running.asked).to.deep.equal(['stop']);
    const absent = made('absent');
    await absent.topologies.change(pair);
    expect(absent.asked).to.deep.equal([]);
  });

  it('is refused with the wrong parameters, and never with the secret', async () => {
    const { topologies } = made();
    const refusal = async (more: object) =>
      (await faultOf('topology_refused', topologies.change({ ...pair, ...more }))).message;
    expect(await refusal({ topology: 'BAD_TEST_DATA' })).to.equal(
      'Unknown topology: BAD_TEST_DATA',
    );
    expect(await refusal({ role: 'MASTER', haIp: 'x', secret: 'two words' })).to.equal(
      'role: expected ACTIVE or STANDBY; ha_ip: expected an IP address; secret: expected one word of at most 255 characters',
    );
    expect((await topologies.current()).topology).to.equal('SINGLE');
  });

  it('refuses other changes while it changes, and says so', async () => {
    let finish: (() => void) | undefined;
    const { topologies } = made(
      'stopped',
      (action) =>
        new Promise((resolve) => {
          finish = () => {
            resolve(action);
          };
        }),
    );
    expect(await topologies.change(pair)).to.equal(false);
    expect((await topologies.current()).isChanging).to.equal(true);
    await faultOf('topology_transition', topologies.change({ topology: 'SINGLE' }));
    expect(
      orFault(() => {
        topologies.refuseDuringChange();
      }),
    ).to.be.instanceOf(Fault);
    finish?.();
    await waitUntil('the end of the change', async () => !(await topologies.current()).isChanging, {
      everyMs: 10,
    });
    expect(
      orFault(() => {
        topologies.refuseDuringChange();
      }),
    ).to.equal(undefined);
  });

  it('is logged if its change fails after the caller has gone', async () => {
    let fail: ((error: Error) => void) | undefined;
    const { topologies } = made(
      'stopped',
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    );
    await topologies.change(pair);
    fail?.(new Fault('keepalived_not_started', 'It did not start.'));
    await waitUntil('the line of the log', () => lines.length > 0, { everyMs: 10 });
    expect(lines[0]).to.include({ level: 'error' });
  });

  it('is that of the configuration if its file is damaged or a link', async () => {
    const path = join(folder.path, 'topology.json');
    await writeFile(path, '{"topology":');
    expect((await made().topologies.current()).topology).to.equal('SINGLE');
    await rm(path);
    await writeFile(join(folder.path, 'other'), '{"topology":"ACTIVE-ACTIVE"}');
    await symlink(join(folder.path, 'other'), path);
    expect((await made().topologies.current()).topology).to.equal('SINGLE');
  });
});
