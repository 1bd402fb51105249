import { join } from 'node:path';

import { expect } from 'chai';
import { Counter, Registry } from 'prom-client';

import type { AmphoraStatus } from '../../../src/amphora/status.ts';
import { makeAmphoraMetrics, readAmphoraMetrics } from '../../../src/bin/wiring/amphora/metrics.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { makeAmphoraLocalApp } from '../../../src/routes/amphora-local/index.ts';
import type { Listeners } from '../../../src/server/listen.ts';
import { openSocketListener } from '../../../src/server/listeners.ts';
import { makeMetrics } from '../../../src/server/metrics.ts';
import { makeProblems } from '../../../src/server/problem.ts';
import { changesBench } from '../../support/changes-bench.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const members = [
  { id: 'm1', status: 'UP' },
  { id: 'm2', status: 'DOWN' },
] as const;
const pools = [{ id: 'p1', status: 'UP', members }] as const;

const status: AmphoraStatus = {
  uuid: 'lb1',
  topology: 'ACTIVE-STANDBY',
  owners: [
    {
      kind: 'loadbalancer',
      id: 'b1',
      isRunning: true,
      listeners: [{ id: 'l1', status: 'ACTIVE', type: 'HTTP', pools }],
    },
    { kind: 'loadbalancer', id: 'b2', isRunning: false, listeners: [] },
  ],
  lvs: [],
  vrrp: { state: 'BACKUP', vips: [] },
  ports: [],
  certificates: [
    { owner: null, path: '/a.pem', names: 'a', validTo: '2027-01-01T00:00:00.000Z' },
    { owner: null, path: '/b.pem', names: 'b', validTo: '2026-12-01T00:00:00.000Z' },
  ],
  heartbeat: { at: '2026-11-29T12:00:00.000Z', to: '192.0.2.1:5555', error: null },
  problems: [],
};

describe('the metrics of an amphora', () => {
  const folder = temporaryFolder();
  const { log } = keepingLog();
  let listening: Listeners | undefined;
  afterEach(async () => {
    await listening?.stop();
    listening = undefined;
  });

  const socket = () => join(folder.path, 'socket');
  const serve = async (registry: Registry) => {
    const read = () => Promise.resolve(status);
    const metrics = makeAmphoraMetrics(registry, read);
    const app = makeAmphoraLocalApp({ status: read, metrics }, faults, log);
    listening = await openSocketListener(app, socket(), makeProblems(faults).answer, log);
  };

  it('say what is there by its state, without any id', async () => {
    const text = await makeAmphoraMetrics(new Registry(), () => Promise.resolve(status))();
    const values = text.split('\n').filter((line) => /^ha_.* [1-9]/.test(line));
    expect(values.filter((line) => !line.includes('memory'))).to.deep.equal([
      'ha_amphora_owners{running="yes"} 1',
      'ha_amphora_owners{running="no"} 1',
      'ha_amphora_listeners{status="ACTIVE"} 1',
      'ha_amphora_members{status="UP"} 1',
      'ha_amphora_members{status="DOWN"} 1',
      'ha_amphora_vrrp_state{state="BACKUP"} 1',
      `ha_amphora_certificate_end_seconds ${Date.UTC(2026, 11, 1) / 1000}`,
      `ha_amphora_last_heartbeat_seconds ${Date.UTC(2026, 10, 29, 12) / 1000}`,
    ]);
    expect(text).not.to.match(/[blpm]1/);
  });

  it('are a part of those of ha-agent, each with a name that ha-agent does not have', async () => {
    const { registry } = makeMetrics();
    const sent = new Counter({ name: 'ha_amphora_x_total', help: 'X.', registers: [registry] });
    sent.inc(3);
    await serve(registry);
    const { app } = await changesBench(folder.path, { amphoraSocket: socket() });
    const { text } = await app.client.get('/metrics').set('Authorization', `Bearer ${app.token}`);
    expect(text).to.include('\nha_amphora_x_total 3\n').and.to.include('ha_agent_changes_pending');
    const types = text.split('\n').filter((line) => line.startsWith('# TYPE '));
    expect(new Set(types).size).to.equal(types.length);
    expect(text.match(/^process_resident_memory_bytes /gm)).to.have.lengthOf(1);
  });

  it('are left out while ha-amphora does not run', async () => {
    expect(await readAmphoraMetrics(socket())).to.equal('');
    const { app } = await changesBench(folder.path, { amphoraSocket: socket() });
    const authorization = `Bearer ${app.token}`;
    const { status: code, text } = await app.client
      .get('/metrics')
      .set('Authorization', authorization);
    expect(code).to.equal(200);
    expect(text).not.to.include('ha_amphora');
  });
});
