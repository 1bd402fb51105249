import { writeFile } from 'node:fs/promises';

import { expect } from 'chai';

import { Fault } from '../../../src/kit/fault.ts';
import { openTokenStore } from '../../../src/access/tokens.ts';
import {
  callerOf,
  changesBench,
  nodes,
  outcomeOf,
  storageCib,
} from '../../support/changes-bench.ts';
import { type FakeCluster, fakeCluster, success } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { local, other } = nodes;
const device = 'failoverMeasure_ipmi_bitcoin';
const key = (name = 'k1') => ({ 'Idempotency-Key': name });

describe('a change', () => {
  const folder = temporaryFolder();
  const bench = (cluster?: FakeCluster, environment?: Readonly<Record<string, string>>) =>
    changesBench(folder.path, { ...(cluster && { cluster }), ...(environment && { environment }) });

  describe('with If-Match', () => {
    it('is made if the configuration has that version, with the ETag of any route', async () => {
      const { call } = await bench();
      const read = await call('GET', 'resource');
      expect(read.headers['etag']).to.equal('"0.8"');
      const made = await call('GET', 'resource/SMB/stop', {}, { 'If-Match': '"0.8"' });
      expect([made.status, made.headers['etag']]).to.deep.equal([200, '"0.9"']);
      const raw = await call('GET', 'constraint');
      const etag = raw.headers['etag'] ?? '';
      expect(etag).to.match(/^"0\.9-.+"$/);
      const next = await call('GET', 'resource/SMB/start', {}, { 'If-Match': etag });
      expect([next.status, next.headers['etag']]).to.deep.equal([200, '"0.10"']);
      expect((await call('GET', 'resource/SMB/stop', {}, { 'If-Match': '*' })).status).to.equal(
        200,
      );
    });

    it('is not begun if somebody changed the configuration', async () => {
      const { call, cluster } = await bench();
      for (const [method, path] of [
        ['GET', 'resource/SMB/stop'],
        ['GET', 'resource/SMB/stop?dry_run=true'],
        ['DELETE', 'resource/SMB'],
        ['GET', 'resource/SMB/cleanup'],
        ['GET', 'destroy'],
      ] as const) {
        const answer = await call(method, path, {}, { 'If-Match': '"0.7"' });
        expect(outcomeOf(answer), path).to.deep.equal([412, 'version_changed']);
        expect(answer.body).to.have.property('detail').that.includes('version 0.8 now, not 0.7');
      }
      expect(cluster.changes()).to.deep.equal([]);
      expect((await call('GET', 'audit')).body).to.deep.equal([]);
    });

    it('is not made if somebody changed the configuration between the check and the edit', async () => {
      const cluster = fakeCluster(storageCib);
      let queries = 0;
      cluster.answers.set('cibadmin', ({ argv }) => {
        if (!argv.includes('--query')) throw new Error('It was put in place.');
        queries += 1;
        return success(queries < 2 ? storageCib : storageCib.replace('epoch="8"', 'epoch="9"'));
      });
      const { call } = await bench(cluster);
      const answer = await call('GET', 'resource/SMB/stop', {}, { 'If-Match': '"0.8"' });
      expect(outcomeOf(answer)).to.deep.equal([412, 'version_changed']);
    });

    it('is made completely if it takes several steps', async () => {
      const { call, cluster } = await bench();
      const answer = await call('DELETE', 'resource/SMB', {}, { 'If-Match': '"0.8"' });
      expect([answer.status, answer.headers['etag']]).to.deep.equal([200, '"0.10"']);
      expect(cluster.xml()).not.to.include('<primitive id="SMB"');
    });
  });

  describe('that is a dry run', () => {
    it('shows what the cluster would do, and changes nothing', async () => {
      const { call, cluster } = await bench();
      const answer = await call('GET', `node/${other}/standby?dry_run=true`);
      expect(answer.body).to.deep.equal({
        dry_run: true,
        version: '0.8',
        actions: [
          { action: 'stop', resource: 'ZFS', node: other, detail: 'due to node availability' },
        ],
        changes: [
          {
            operation: 'create',
            path: `/cib/configuration/nodes/node[@id='1']`,
            position: '0',
            element: 'instance_attributes',
            content: {
              id: 'nodes-1',
              nvpair: [{ id: 'nodes-1-standby', name: 'standby', value: 'on' }],
            },
          },
        ],
        warnings: [],
      });
      expect(answer.headers['etag']).to.equal('"0.8"');
      expect(cluster.calls.map(([tool, first]) => `${tool ?? ''} ${first ?? ''}`)).to.have.members([
        'cibadmin --query',
        'crm_simulate --simulate',
      ]);
      expect(cluster.cibs).to.have.lengthOf(1);
      expect((await call('GET', 'audit')).body).to.deep.equal([]);
    });

    it('is refused like the change itself', async () => {
      const { call } = await bench();
      expect(outcomeOf(await call('GET', 'resource/x/stop?dry_run=true'))).to.deep.equal([
        404,
        'resource_not_found',
      ]);
      expect(outcomeOf(await call('POST', 'resource?dry_run=true', {}))).to.deep.equal([
        400,
        'invalid_request',
      ]);
    });

    it('is made if dry_run is false', async () => {
      const { call } = await bench();
      expect((await call('GET', 'resource/SMB/stop?dry_run=false')).text).to.equal(
        '{"name":"SMB"}',
      );
    });

    for (const [method, path, body] of [
      ['GET', 'resource/SMB/cleanup', {}],
      ['POST', 'resource/SMB/restart', {}],
      ['GET', `node/${other}/fence`, {}],
      ['GET', `node/${other}/delete`, {}],
      ['GET', 'destroy', {}],
      ['POST', 'reset_all', {}],
      ['POST', 'services/pcsd.service/stop', {}],
      ['POST', 'corosync/raw', { conf: 'totem {\n}\n' }],
      ['POST', 'corosync', { totem: {}, quorum: {}, nodelist: {} }],
      ['POST', 'corosync/key', { key: 'ab'.repeat(128) }],
      ['GET', 'corosync/key/generate', {}],
    ] as const) {
      it(`is refused for ${method} ${path}, which does not change the CIB`, async () => {
        const { call, cluster } = await bench();
        const answer = await call(method, `${path}?dry_run=true`, body);
        expect(outcomeOf(answer)).to.deep.equal([400, 'cannot_be_tried']);
        expect(cluster.calls).to.deep.equal([]);
      });
    }
  });

  describe('with ?wait', () => {
    it('answers 200 when the cluster has nothing left to do', async () => {
      const { call, cluster } = await bench();
      const { status, headers } = await call('GET', 'resource/SMB/stop?wait=2m');
      expect([status, headers['x-ha-warnings']]).to.deep.equal([200, undefined]);
      expect(cluster.calls).to.deep.include(['crm_resource', '--wait', '--timeout=120']);
    });

    it('is waited for only on request', async () => {
      const { call, cluster } = await bench();
      await call('GET', 'resource/SMB/stop');
      expect(JSON.stringify(cluster.calls)).not.to.include('--wait');
    });

    for (const [what, ending] of [
      ['has not finished in time', { exitCode: 124, stdout: '', stderr: 'timeout' }],
      ['cannot be asked', undefined],
    ] as const) {
      it(`is made, and answers 202, if the cluster ${what}`, async () => {
        const { call, cluster } = await bench();
        cluster.answers.set('crm_resource', () => {
          if (ending) return ending;
          throw new Fault('tool_timeout', 'It hangs.');
        });
        const { status, headers, text } = await call('GET', 'resource/SMB/stop?wait=1s', {}, key());
        expect([status, text]).to.deep.equal([202, '{"name":"SMB"}']);
        expect(headers['x-ha-warnings']).to.match(/^199 ha-agent "The change was made, but/);
        expect(headers['etag']).to.equal('"0.9"');
        expect(cluster.cibs).to.have.lengthOf(2);
        expect((await call('GET', 'resource/SMB/stop?wait=1s', {}, key())).status).to.equal(202);
      });
    }

    it('holds up no other change', async () => {
      const { call, cluster } = await bench();
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      cluster.answers.set('crm_resource', async () => {
        await released;
        return success('');
      });
      const waiting = call('GET', 'resource/SMB/stop?wait=9m').then(({ status }) => status);
      expect((await call('GET', 'resource/ZFS/stop')).status).to.equal(200);
      release();
      expect(await waiting).to.equal(200);
    });
  });

  describe('with an Idempotency-Key', () => {
    const stop = 'resource/SMB/stop';

    it('is made once: a repeat gets the complete first answer', async () => {
      const { call, cluster } = await bench();
      const first = await call('GET', stop, {}, key());
      const calls = cluster.calls.length;
      const again = await call('GET', stop, {}, key());
      expect([again.status, again.text]).to.deep.equal([200, first.text]);
      expect(again.headers['etag']).to.equal(first.headers['etag']);
      expect(again.headers['content-type']).to.equal('application/json; charset=utf-8');
      expect(cluster.calls).to.have.lengthOf(calls);
      expect((await call('GET', 'audit')).body).to.have.lengthOf(1);
    });

    it('is made once even if two requests come at once or the agent is restarted', async () => {
      const { call, cluster, app } = await bench();
      const both = await Promise.all([call('GET', stop, {}, key()), call('GET', stop, {}, key())]);
      expect(both.map(({ text }) => text)).to.deep.equal(['{"name":"SMB"}', '{"name":"SMB"}']);
      const restarted = callerOf(app.again());
      expect((await restarted('GET', stop, {}, key())).text).to.equal('{"name":"SMB"}');
      expect(cluster.cibs).to.have.lengthOf(2);
    });

    it('is made again for another key or another caller', async () => {
      const { call, cluster, app } = await bench();
      const token = await openTokenStore(`${folder.path}/tokens`).create('other', 'admin');
      const cleanUp = 'resource/SMB/cleanup';
      await call('GET', cleanUp, {}, key());
      await call('GET', cleanUp, {}, key('k2'));
      expect((await callerOf(app, token)('GET', cleanUp, {}, key())).status).to.equal(200);
      expect(cluster.changes()).to.have.lengthOf(3);
    });

    it('is refused if the key was used for another request', async () => {
      const { call, cluster } = await bench();
      await call('POST', 'resource/SMB/ban', { node: other }, key());
      for (const [method, path, body] of [
        ['POST', 'resource/SMB/ban', { node: local }],
        ['POST', 'resource/ZFS/ban', { node: other }],
        ['POST', 'resource/SMB/ban?wait=1s', { node: other }],
        ['GET', stop, {}],
      ] as const) {
        expect(outcomeOf(await call(method, path, body, key()))).to.deep.equal([
          409,
          'idempotency_key_reused',
        ]);
      }
      expect(cluster.cibs).to.have.lengthOf(2);
    });

    it('gets the same failure again', async () => {
      const { call, cluster } = await bench();
      cluster.answers.set('cibadmin', ({ argv }) =>
        argv.includes('--query')
          ? success(cluster.xml())
          : { exitCode: 78, stdout: '', stderr: 'no\n' },
      );
      const unmanage = () => call('POST', 'resource/SMB/unmanage', {}, key());
      const first = await unmanage();
      cluster.answers.delete('cibadmin');
      const again = await unmanage();
      expect(outcomeOf(again)).to.deep.equal([422, 'cluster_refused']);
      expect(again.text).to.equal(first.text);
      expect(again.headers['content-type']).to.equal('application/problem+json; charset=utf-8');
      expect(cluster.changes()).to.have.lengthOf(1);
    });

    it('may be repeated if it was refused before anything was changed', async () => {
      const { call, cluster } = await bench();
      const refused = await call('GET', stop, {}, { ...key(), 'If-Match': '"0.7"' });
      expect(refused.status).to.equal(412);
      expect((await call('GET', stop, {}, { ...key(), 'If-Match': '"0.8"' })).status).to.equal(200);
      expect(cluster.cibs).to.have.lengthOf(2);
      cluster.answers.set('cibadmin', () => ({ exitCode: 102, stdout: '', stderr: '' }));
      expect((await call('GET', stop, {}, key('k2'))).status).to.equal(503);
      cluster.answers.delete('cibadmin');
      expect((await call('GET', stop, {}, key('k2'))).status).to.equal(200);
    });

    it('has an unknown outcome if the agent was killed meanwhile', async () => {
      const { call, cluster, app } = await bench();
      let began: () => void = () => undefined;
      const hasBegun = new Promise<void>((resolve) => (began = resolve));
      cluster.answers.set('cibadmin', ({ argv }) => {
        if (argv.includes('--query')) return success(cluster.xml());
        began();
        return new Promise(() => undefined);
      });
      void call('GET', stop, {}, key()).then(
        () => undefined,
        () => undefined,
      );
      await hasBegun;
      const answer = await callerOf(app.again())('GET', stop, {}, key());
      expect(outcomeOf(answer)).to.deep.equal([409, 'outcome_unknown']);
      const [entry] = (await callerOf(app.again())('GET', 'audit')).body as object[];
      expect(entry).to.include({ outcome: 'begun', route: '/api/v2/system/ha/resource/SMB/stop' });
    });
  });

  describe('without a verdict of the cluster', () => {
    // The last two are for a cibadmin that hung and for one that was killed.
    const endings = [71, 76, 102, 124, 'tool_timeout', 'tool_ended_by_signal'] as const;
    const endedBy = (ending: (typeof endings)[number]) => {
      if (typeof ending === 'string') throw new Fault(ending, 'It ended so.');
      return { exitCode: ending, stdout: '', stderr: 'no reply\n' };
    };

    for (const ending of endings) {
      it(`has an unknown outcome after ${ending}, and its repeat does nothing`, async () => {
        const { call, cluster } = await bench();
        cluster.answers.set('cibadmin', ({ argv }) =>
          argv.includes('--query') ? success(cluster.xml()) : endedBy(ending),
        );
        const answer = await call('GET', 'resource/SMB/stop', {}, key());
        expect(outcomeOf(answer)).to.deep.equal([409, 'outcome_unknown']);
        const [entry] = (await call('GET', 'audit')).body as object[];
        expect(entry).to.include({ outcome: 'outcome_unknown' });
        cluster.answers.delete('cibadmin');
        const again = await call('GET', 'resource/SMB/stop', {}, key());
        expect(outcomeOf(again)).to.deep.equal([409, 'outcome_unknown']);
        expect(cluster.changes()).to.have.lengthOf(1);
      });

      it(`counts as made if the CIB shows it after ${ending}`, async () => {
        const { call, cluster } = await bench();
        cluster.answers.set('cibadmin', async (command) => {
          if (command.argv.includes('--query')) return success(cluster.xml());
          cluster.answers.delete('cibadmin');
          await cluster.run(command);
          return endedBy(ending);
        });
        const answer = await call('GET', 'resource/SMB/stop');
        expect([answer.status, answer.headers['etag']]).to.deep.equal([200, '"0.9"']);
        expect(cluster.cibs).to.have.lengthOf(2);
      });
    }

    it('has an unknown outcome if the CIB shows another change in its place', async () => {
      const { call, cluster } = await bench();
      cluster.answers.set('cibadmin', ({ argv }) => {
        if (argv.includes('--query')) return success(cluster.xml());
        cluster.cibs.push(cluster.xml().replace(' epoch="8"', ' epoch="9"'));
        return endedBy(124);
      });
      const answer = await call('GET', 'resource/SMB/stop');
      expect(outcomeOf(answer)).to.deep.equal([409, 'outcome_unknown']);
    });
  });

  describe('on a node that is not the coordinator', () => {
    const ofOther = storageCib.replace('dc-uuid="2"', 'dc-uuid="1"');
    const changes = [
      ['POST', 'resource/SMB/unmanage', {}],
      ['POST', 'property/batch-limit/set', { value: 7 }],
      ['POST', 'constraint/ticket', { ticket: 'T', resource: 'SMB' }],
      ['DELETE', 'resource/SMB', {}],
    ] as const;

    for (const [method, path, body] of changes) {
      it(`counts as made if the coordinator shows it: ${method} ${path}`, async () => {
        const { call, cluster } = await bench(fakeCluster(ofOther));
        const answer = await call(method, path, body);
        expect(answer.status, answer.text).to.equal(200);
        const asked = cluster.calls.filter((argv) => argv.includes('--node'));
        expect(asked).to.have.lengthOf(method === 'DELETE' ? 2 : 1);
        expect(asked[0]?.slice(0, 5)).to.deep.equal([
          'cibadmin',
          '--query',
          '--node',
          other,
          '--xpath',
        ]);
      });

      it(`has an unknown outcome if the coordinator does not show it: ${method} ${path}`, async () => {
        const coordinator = fakeCluster(ofOther);
        const { call, cluster } = await bench(fakeCluster(ofOther));
        cluster.answers.set('cibadmin', (command) =>
          command.argv.includes('--node') ? coordinator.run(command) : undefined,
        );
        expect(outcomeOf(await call(method, path, body))).to.deep.equal([409, 'outcome_unknown']);
      });
    }

    for (const [isShown, outcome] of [
      [true, [200]],
      [false, [409, 'outcome_unknown']],
    ] as const) {
      it(`${isShown ? 'counts as made if' : 'has an unknown outcome if not'} shown, even if cibadmin cannot take its id`, async () => {
        const cluster = fakeCluster(ofOther);
        cluster.answers.set('cibadmin', ({ argv }) => {
          if (!argv.includes('--node')) return undefined;
          if (argv.join(' ').includes('ö')) return { exitCode: 64, stdout: '', stderr: '' };
          return isShown ? undefined : success(ofOther);
        });
        const { call } = await bench(cluster);
        const body = { name: 'Größe', ticket: 'T', resource: 'SMB' };
        expect(outcomeOf(await call('POST', 'constraint/ticket', body))).to.deep.equal(outcome);
      });
    }

    it('counts as made if this node becomes the coordinator in place of a lost one', async () => {
      const cluster = fakeCluster(ofOther);
      cluster.answers.set('cibadmin', ({ argv }) => {
        if (!argv.includes('--node')) return undefined;
        cluster.cibs.push(cluster.xml().replace('dc-uuid="1"', 'dc-uuid="2"'));
        return { exitCode: 124, stdout: '', stderr: 'timeout\n' };
      });
      const { call } = await bench(cluster);
      expect((await call('POST', 'resource/SMB/unmanage')).status).to.equal(200);
    });
  });

  describe('that cannot be undone', () => {
    const asked = { HA_AGENT_REQUIRE_CONFIRMATION: 'true' };
    const lastDevice = (() => {
      // No other device is known for this node.
      const both = [
        `pcmk_host_list" value="${other}"`,
        `pcmk_host_list" value="${local}"`,
      ] as const;
      const index = storageCib.lastIndexOf(both[0]);
      const cib = `${storageCib.slice(0, index)}${both[1]}${storageCib.slice(index + both[0].length)}`;
      return cib.replace(/<fencing-topology>.*<\/fencing-topology>/s, '');
    })();
    const grave: readonly (readonly ['GET' | 'POST' | 'DELETE', string])[] = [
      ['GET', `node/${other}/fence`],
      ['GET', `node/${other}/delete`],
      ['DELETE', `node/${other}`],
      ['GET', 'destroy'],
      ['POST', 'reset_all'],
      ['GET', 'property/delete_all'],
      ['DELETE', `stonith/${device}`],
    ];

    for (const [method, path] of grave) {
      it(`requires a confirmation for ${method} ${path}, and is made once confirmed`, async () => {
        const cluster = fakeCluster(lastDevice);
        const { call, paths } = await bench(cluster, asked);
        if (path.startsWith(`node/${other}`)) {
          const conf = `nodelist {\nnode {\nname: ${local}\nnodeid: 2\n}\n}\n`;
          await writeFile(paths.corosyncConf, conf);
          cluster.answers.set('crm_mon', () =>
            success(
              `<crm_mon version="2"><nodes><node name="${other}" id="1" online="false" type="member"/></nodes></crm_mon>`,
            ),
          );
          cluster.answers.set('crm_node', () => success(`${local}\n`));
        }
        const first = await call(method, path);
        expect(outcomeOf(first)).to.deep.equal([428, 'confirmation_required']);
        const { confirmation, detail } = first.body as {
          confirmation: { token: string; actions?: object[] };
          detail: string;
        };
        expect(detail).to.match(/^[^.]+\. To confirm, repeat the request within 60 s/);
        expect(cluster.changes().filter(([tool]) => tool !== 'crm_simulate')).to.deep.equal([]);
        expect(cluster.cibs).to.have.lengthOf(1);
        if (path.startsWith('property') || path.startsWith('stonith')) {
          expect(confirmation.actions).to.be.an('array').with.lengthOf(1);
        }
        const confirmed = { 'X-HA-Confirm': confirmation.token };
        expect((await call(method, path, {}, confirmed)).status).to.equal(200);
        // Brings back a device that the request deleted.
        cluster.cibs.splice(1);
        expect(outcomeOf(await call(method, path, {}, confirmed)), 'once').to.deep.equal([
          428,
          'confirmation_required',
        ]);
      });
    }

    it('accepts a confirmation only from the same caller, for the same request', async () => {
      const { call, cluster, app } = await bench(fakeCluster(lastDevice), asked);
      const first = await call('GET', 'destroy');
      const { token } = (first.body as { confirmation: { token: string } }).confirmation;
      const confirmed = { 'X-HA-Confirm': token };
      const another = await openTokenStore(`${folder.path}/tokens`).create('other', 'admin');
      for (const answer of [
        await callerOf(app, another)('GET', 'destroy', {}, confirmed),
        await call('POST', 'reset_all', {}, confirmed),
        await call('GET', 'destroy?wait=1s', {}, confirmed),
        await call('GET', 'destroy', {}, { 'X-HA-Confirm': 'made-up' }),
        await callerOf(app.again())('GET', 'destroy', {}, confirmed),
      ]) {
        expect(outcomeOf(answer)).to.deep.equal([428, 'confirmation_required']);
      }
      expect(cluster.changes()).to.deep.equal([]);
      expect((await call('GET', 'destroy', {}, confirmed)).status).to.equal(200);
    });

    it('may be confirmed with the Idempotency-Key of its first request', async () => {
      const { call, cluster } = await bench(fakeCluster(lastDevice), asked);
      const first = await call('GET', 'destroy', {}, key());
      const { token } = (first.body as { confirmation: { token: string } }).confirmation;
      expect(
        (await call('GET', 'destroy', {}, { ...key(), 'X-HA-Confirm': token })).status,
      ).to.equal(200);
      expect((await call('GET', 'destroy', {}, key())).status).to.equal(200);
      expect(cluster.calls.filter(([tool]) => tool === 'pcs')).to.have.lengthOf(1);
    });

    it('is not the deletion of a fence device while there are others', async () => {
      const { call } = await bench(fakeCluster(storageCib), asked);
      expect((await call('DELETE', `stonith/${device}`)).status).to.equal(200);
      expect((await call('GET', 'resource/SMB/delete')).status).to.equal(200);
    });

    it('is refused without asking for a confirmation if it would be refused anyway', async () => {
      const { call } = await bench(fakeCluster(storageCib), asked);
      expect(outcomeOf(await call('DELETE', 'stonith/nothing'))).to.deep.equal([
        404,
        'resource_not_found',
      ]);
    });

    it('needs no confirmation for a dry run', async () => {
      const { call } = await bench(fakeCluster(storageCib), asked);
      expect((await call('GET', 'property/delete_all?dry_run=true')).body).to.include({
        dry_run: true,
      });
    });

    it('is made at once if the configuration requires no confirmations', async () => {
      const { call } = await bench(fakeCluster(lastDevice));
      for (const path of ['property/delete_all', `node/${other}/fence`, 'destroy']) {
        expect((await call('GET', path)).status, path).to.equal(200);
      }
    });
  });
});
