import { mkdir, readFile, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { expect } from 'chai';

import { Fault } from '../../../src/kit/fault.ts';
import {
  type ChangesBench,
  changesBench,
  nodes,
  outcomeOf,
  storageCib,
} from '../../support/changes-bench.ts';
import { type FakeCluster, fakeCluster, success } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { other } = nodes;

describe('changes on record, and in order', () => {
  const folder = temporaryFolder();
  const auditFile = () => join(folder.path, 'audit.jsonl');
  const bench = (cluster?: FakeCluster) => changesBench(folder.path, cluster && { cluster });
  const lines = async () =>
    (await readFile(auditFile(), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const listed = async ({ call }: ChangesBench, query = '') =>
    (await call('GET', `audit${query}`)).body as Record<string, unknown>[];

  describe('the audit log', () => {
    it('records the caller, the change, the commands and the outcome', async () => {
      const { call } = await bench();
      await call('POST', 'resource/SMB/stop');
      const [begun, ended, ...rest] = await lines();
      const asked = {
        caller: 'test',
        role: 'admin',
        method: 'POST',
        route: '/api/v2/system/ha/resource/SMB/stop',
      };
      expect(begun).to.include({ ...asked, outcome: 'begun' });
      expect(ended).to.include({
        ...asked,
        outcome: 'success',
        id: begun?.['id'],
        before: '0.8',
        after: '0.9',
      });
      const commands = ended?.['commands'] as string[][];
      expect(commands.map((argv) => argv.slice(0, 2))).to.deep.equal([
        ['cibadmin', '--query'],
        ['cibadmin', '--patch'],
        ['cibadmin', '--query'],
      ]);
      expect(ended?.['at']).to.match(/^\d{4}-\d\d-\d\dT/);
      expect(rest).to.deep.equal([]);
    });

    it('records that a change begins before it is made', async () => {
      const cluster = fakeCluster(storageCib);
      const seen: unknown[] = [];
      cluster.answers.set('stonith_admin', async () => {
        seen.push(...(await lines()).map(({ outcome }) => outcome));
        return success('');
      });
      await (await bench(cluster)).call('GET', `node/${other}/fence`);
      expect(seen).to.deep.equal(['begun']);
    });

    it('records one version of the CIB for a change outside of it, read once', async () => {
      const changing = await bench();
      await changing.call('GET', 'resource/SMB/cleanup', {}, { 'If-Match': '"0.8"' });
      const [entry] = await listed(changing);
      expect(entry).to.include({ outcome: 'success', before: '0.8', after: '0.8' });
      expect(changing.cluster.calls).to.deep.equal([
        ['cibadmin', '--query'],
        ['crm_resource', '--cleanup', '--resource', 'SMB'],
      ]);
    });

    it('records a change that was refused after it began, with its code and masked secrets', async () => {
      const changing = await bench();
      await changing.call('POST', 'stonith/create', {
        name: 'A',
        agent: 'fence_ipmilan',
        params: { passwd: 'hunter2', nonsense: '1' },
      });
      const [entry] = await listed(changing);
      expect(entry).to.include({ outcome: 'cluster_refused', before: '0.8', after: '0.8' });
      const commands = entry?.['commands'] as string[][];
      expect(commands[0]).to.deep.equal(['cibadmin', '--query']);
      expect(JSON.stringify(entry)).not.to.include('hunter2');
    });

    it('does not record undocumented or forbidden requests, nor dry runs', async () => {
      const changing = await bench();
      for (const path of [
        'resource/-x/stop',
        'resource/SMB/stop?dry_run=true',
        'resource/SMB/stop?wait=x',
      ]) {
        await changing.call('GET', path);
      }
      expect(await listed(changing)).to.deep.equal([]);
    });

    it('is shown to admins only, newest first, with at most the requested number of entries', async () => {
      const changing = await bench();
      for (const name of ['ZFS', 'SMB', 'NFS']) await changing.call('GET', `resource/${name}/stop`);
      const routes = (await listed(changing, '?limit=2')).map(({ route, outcome }) => [
        String(route).split('/').at(-2),
        outcome,
      ]);
      expect(routes).to.deep.equal([
        ['NFS', 'success'],
        ['SMB', 'success'],
      ]);
      for (const limit of ['0', '1001', '-1', 'x', '', '1&limit=2']) {
        expect(outcomeOf(await changing.call('GET', `audit?limit=${limit}`)), limit).to.deep.equal([
          400,
          'invalid_request',
        ]);
      }
      await mkdir(join(folder.path, 'operator'));
      const { call } = await changesBench(join(folder.path, 'operator'), { role: 'operator' });
      expect(outcomeOf(await call('GET', 'audit'))).to.deep.equal([403, 'role_required']);
    });

    it('prevents a change that it cannot record', async () => {
      await mkdir(auditFile());
      const { call, cluster } = await bench();
      for (const path of [
        'resource/SMB/stop',
        'resource/SMB/delete',
        `node/${other}/fence`,
        'destroy',
      ]) {
        expect(outcomeOf(await call('GET', path)), path).to.deep.equal([503, 'audit_failed']);
      }
      expect(cluster.changes()).to.deep.equal([]);
    });

    it('adds a warning to a change whose end it cannot record', async () => {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('stonith_admin', async () => {
        await rm(auditFile());
        await mkdir(auditFile());
        return success('');
      });
      const { call } = await bench(cluster);
      const headers = { 'Idempotency-Key': 'k' };
      const answer = await call('GET', `node/${other}/fence`, {}, headers);
      expect(answer.status).to.equal(200);
      expect(answer.headers['x-ha-warnings']).to.include('could not be recorded');
      expect((await call('GET', `node/${other}/fence`, {}, headers)).status).to.equal(200);
      expect(cluster.calls.filter(([tool]) => tool === 'stonith_admin')).to.have.lengthOf(1);
    });

    it('does not hide why a change failed if it cannot record the failure', async () => {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('stonith_admin', async () => {
        await rm(auditFile());
        await mkdir(auditFile());
        return { exitCode: 1, stdout: '', stderr: 'no device' };
      });
      const answer = await (await bench(cluster)).call('GET', `node/${other}/fence`);
      expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
    });
  });

  describe('the queue of changes', () => {
    /** A cluster in which fencing waits until the test lets it end. */
    function slowFencing() {
      const cluster = fakeCluster(storageCib);
      const waiting: (() => void)[] = [];
      const fenced: (string | undefined)[] = [];
      cluster.answers.set('stonith_admin', async ({ argv }) => {
        fenced.push(argv[2]);
        await new Promise<void>((resolve) => waiting.push(resolve));
        return success('');
      });
      const next = async () => {
        while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        waiting.shift()?.();
      };
      return { cluster, fenced, waiting, next };
    }

    it('makes changes in the order of their requests, and does not delay reads', async () => {
      const { cluster, next, waiting } = slowFencing();
      const { call } = await bench(cluster);
      const fencing = call('GET', `node/${other}/fence`).then(({ status }) => status);
      while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      const order: string[] = [];
      const rest: Promise<unknown>[] = [];
      for (const name of ['ZFS', 'SMB', 'NFS', 'Alphorn']) {
        rest.push(call('GET', `resource/${name}/stop`).then(() => order.push(name)));
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      expect((await call('GET', 'resource')).status).to.equal(200);
      expect((await call('GET', 'resource/SMB/stop?dry_run=true')).status).to.equal(200);
      expect(order).to.deep.equal([]);
      await next();
      await Promise.all(rest);
      expect(await fencing).to.equal(200);
      expect(order).to.deep.equal(['ZFS', 'SMB', 'NFS', 'Alphorn']);
      expect(cluster.cibs).to.have.lengthOf(5);
    });

    it('makes all of two hundred changes at once', async () => {
      const { call, cluster } = await bench();
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          call('POST', 'constraint/ticket', {
            name: `t${index}`,
            ticket: `T${index}`,
            resource: 'SMB',
          }),
        ),
      );
      expect(answers.map(({ status }) => status)).to.deep.equal(
        Array.from({ length: 200 }, () => 200),
      );
      expect(new Set(cluster.cibChanges()).size).to.equal(200);
      expect(cluster.cibs).to.have.lengthOf(201);
    }).timeout(60_000);

    it('refuses a change while 256 others wait', async () => {
      const { cluster, next, fenced } = slowFencing();
      // Above this limit, requests of one caller are refused before they wait.
      const environment = { HA_AGENT_MAX_REQUESTS: '1024' };
      const { call } = await changesBench(folder.path, { cluster, environment });
      const first = call('GET', `node/${other}/fence`).then(({ status }) => status);
      while (fenced.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      // These wait for no tool, so all of them are in the queue before the next request.
      const others = Array.from({ length: 256 }, () =>
        call('GET', 'resource/nothing/stop').then(({ status }) => status),
      );
      let refused = await call('GET', 'resource/SMB/stop', {}, { 'Idempotency-Key': 'k' });
      for (let tries = 0; refused.status !== 503 && tries < 3; tries += 1) {
        refused = await call('GET', 'resource/SMB/stop', {}, { 'Idempotency-Key': 'k' });
      }
      expect(outcomeOf(refused)).to.deep.equal([503, 'too_many_changes']);
      expect(refused.headers['retry-after']).to.match(/^[1-9]\d*$/);
      expect(cluster.cibs).to.have.lengthOf(1);
      await next();
      expect(await first).to.equal(200);
      expect(new Set(await Promise.all(others))).to.deep.equal(new Set([404]));
      expect(
        (await call('GET', 'resource/SMB/stop', {}, { 'Idempotency-Key': 'k' })).status,
      ).to.equal(200);
    }).timeout(60_000);

    it('completes a change whose client has disconnected', async () => {
      const { cluster, next, fenced } = slowFencing();
      const changing = await bench(cluster);
      const server = changing.app.apps.network.listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      const client = httpRequest({
        port,
        path: `/api/v2/system/ha/node/${other}/fence`,
        headers: { token: changing.app.token },
      });
      client.on('error', () => undefined);
      client.end();
      while (fenced.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      client.destroy();
      await next();
      const outcomes = async () => (await lines()).map(({ outcome }) => outcome);
      while ((await outcomes()).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      server.close();
      expect(await outcomes()).to.deep.equal(['begun', 'success']);
    });

    it('continues after a bug in the agent, which is recorded and answered as such', async () => {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('stonith_admin', () => {
        throw new TypeError('of ours alone');
      });
      const changing = await bench(cluster);
      const answer = await changing.call('GET', `node/${other}/fence`);
      expect(outcomeOf(answer)).to.deep.equal([500, 'internal_error']);
      expect(answer.text).not.to.include('of ours alone');
      expect((await changing.call('GET', 'resource/SMB/stop')).status).to.equal(200);
      expect((await listed(changing)).map(({ outcome }) => outcome)).to.deep.equal([
        'success',
        'internal_error',
      ]);
    });
  });

  describe('destroy', () => {
    function slowDestroy() {
      const cluster = fakeCluster(storageCib);
      let release: (outcome: { exitCode: number; stdout: string; stderr: string }) => void = () =>
        undefined;
      let began = false;
      cluster.answers.set('pcs', () => {
        began = true;
        return new Promise((resolve) => (release = resolve));
      });
      const hasBegun = async () => {
        while (!began) await new Promise((resolve) => setTimeout(resolve, 2));
      };
      return {
        cluster,
        hasBegun,
        end: (exitCode = 0) => {
          release({ exitCode, stdout: 'said', stderr: '' });
        },
      };
    }
    const locked = async ({ call }: ChangesBench) =>
      ((await call('GET', 'services')).body as { services: { locked: boolean }[] }).services.map(
        (each) => each.locked,
      );

    it('is refused during another one, and locks the services meanwhile', async () => {
      const { cluster, hasBegun, end } = slowDestroy();
      const changing = await bench(cluster);
      const first = changing.call('GET', 'destroy').then(({ status }) => status);
      await hasBegun();
      for (const [method, path] of [
        ['GET', 'destroy'],
        ['POST', 'reset_all'],
      ] as const) {
        expect(outcomeOf(await changing.call(method, path))).to.deep.equal([409, 'stack_busy']);
      }
      expect(await locked(changing)).to.deep.equal([true, true, true]);
      end();
      expect(await first).to.equal(200);
      expect(await locked(changing)).to.deep.equal([false, false, false]);
      expect(cluster.calls.filter(([tool]) => tool === 'pcs')).to.deep.equal([
        ['pcs', 'cluster', 'destroy'],
      ]);
    });

    it('may be repeated after a failure', async () => {
      const { cluster, hasBegun, end } = slowDestroy();
      const changing = await bench(cluster);
      const first = changing.call('GET', 'destroy');
      const answered = first.then((answer) => answer);
      await hasBegun();
      end(1);
      expect(outcomeOf(await answered)).to.deep.equal([422, 'cluster_refused']);
      expect(await locked(changing)).to.deep.equal([false, false, false]);
      cluster.answers.delete('pcs');
      expect((await changing.call('GET', 'destroy')).status).to.equal(200);
    });

    it('does not wait for a cluster that is gone', async () => {
      const { call, cluster } = await bench();
      expect((await call('GET', 'destroy?wait=1s')).status).to.equal(200);
      expect(JSON.stringify(cluster.calls)).not.to.include('--wait');
    });

    it('is answered without a version when no CIB is left', async () => {
      const { call, cluster } = await bench();
      cluster.answers.set('pcs', () => {
        cluster.answers.set('cibadmin', () => ({ exitCode: 102, stdout: '', stderr: '' }));
        return success('');
      });
      const { status, headers } = await call('GET', 'destroy');
      expect([status, headers['etag']]).to.deep.equal([200, undefined]);
    });
  });

  describe('a service', () => {
    it('is controlled by systemctl, and is locked meanwhile', async () => {
      const changing = await bench();
      for (const action of ['start', 'stop', 'restart', 'enable', 'disable']) {
        const { body } = await changing.call('POST', `services/pacemaker/${action}`);
        expect(body).to.deep.equal({ id: 'pacemaker.service', state: 'online', locked: false });
        expect(changing.cluster.calls).to.deep.include(['systemctl', action, 'pacemaker.service']);
      }
    });

    it('answers 422 if it fails, and 202 if it is not ready in time', async () => {
      const cluster = fakeCluster(storageCib);
      const { call } = await bench(cluster);
      cluster.answers.set('systemctl', ({ argv }) => {
        if (argv[1] === 'show')
          return success(
            'Id=pcsd.service\nLoadState=loaded\nActiveState=activating\nUnitFileState=enabled\n',
          );
        throw new Fault('tool_timeout', 'It hangs.');
      });
      const late = await call('POST', 'services/pcsd.service/start');
      expect([late.status, late.body]).to.deep.equal([
        202,
        { id: 'pcsd.service', state: 'starting', locked: false },
      ]);
      cluster.answers.set('systemctl', ({ argv }) =>
        argv[1] === 'show'
          ? success(
              'Id=pcsd.service\nLoadState=loaded\nActiveState=failed\nUnitFileState=enabled\n',
            )
          : { exitCode: 1, stdout: '', stderr: 'Job failed' },
      );
      const failed = await call('POST', 'services/pcsd.service/start');
      expect(outcomeOf(failed)).to.deep.equal([422, 'service_failed']);
    });

    it('answers 404 if it is not installed', async () => {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('systemctl', () =>
        success('Id=pcsd.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n'),
      );
      const { call } = await bench(cluster);
      expect(outcomeOf(await call('POST', 'services/pcsd.service/start'))).to.deep.equal([
        404,
        'service_not_found',
      ]);
    });
  });
});
