import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';
import request from 'supertest';

import { appBench, noPaths, recordedPaths } from '../../support/app-bench.ts';
import { contractExample, generations, madeUp, recorded } from '../../support/fixtures.ts';
import { strictRun } from '../../support/strict-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const unitProperties = '--property=Id,LoadState,ActiveState,UnitFileState';
const stackUnits = ['pacemaker.service', 'pcsd.service', 'corosync.service'];
const statusUnits = ['corosync', 'pacemaker', 'pacemaker_remote', 'pcsd', 'sbd'].map(
  (name) => `${name}.service`,
);

function unitBlock(id: string, load: string, active: string, file: string): string {
  return `Id=${id}\nLoadState=${load}\nActiveState=${active}\nUnitFileState=${file}\n`;
}

describe('the examples of the contract', () => {
  const folder = temporaryFolder();

  it('versions', async () => {
    const example = contractExample('versions') as Record<string, string>;
    const { run, done } = strictRun(
      madeUp(['crm_mon', '--version'], example['pacemaker'] ?? ''),
      madeUp(['corosync', '-v'], example['corosync'] ?? ''),
      madeUp(['pcs', '--version'], example['pcs'] ?? ''),
    );
    const { get } = await appBench(folder.path, run);
    const { status, text } = await get('versions');
    expect(status).to.equal(200);
    expect(text).to.equal(JSON.stringify(example));
    done();
  });

  it('status: its JSON comes from its xml and the text around it', async () => {
    const example = contractExample('status') as { raw: string; xml: string };
    const [, stateText = ''] =
      /^Cluster name: dolocoin\n([^]*)\n\n\nDaemon Status:/.exec(example.raw) ?? [];
    const { run, done } = strictRun(
      madeUp(['crm_mon', '--as-xml'], example.xml),
      madeUp(['crm_mon', '--one-shot', '--inactive'], `${stateText}\n`),
      madeUp(
        ['cibadmin', '--query', '--scope', 'configuration'],
        '<configuration><crm_config><cluster_property_set id="a"><nvpair id="b" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><resources/></configuration>',
      ),
      madeUp(
        ['systemctl', 'show', unitProperties, ...statusUnits],
        statusUnits
          .map((id) =>
            ['pacemaker_remote.service', 'sbd.service'].includes(id)
              ? unitBlock(id, 'not-found', 'inactive', '')
              : unitBlock(id, 'loaded', 'active', 'enabled'),
          )
          .join('\n'),
      ),
    );
    const corosyncConf = join(folder.path, 'corosync.conf');
    await writeFile(corosyncConf, 'totem {\n\tcluster_name: dolocoin\n}\n');
    const paths = { ...noPaths, corosyncConf };
    const { get } = await appBench(folder.path, run, paths);
    const { status, text } = await get('status');
    expect(status).to.equal(200);
    // The example is of pcs 0.10.1, which printed one more blank line than any later pcs.
    const raw = example.raw.replace('\n\n\nDaemon', '\n\nDaemon');
    expect(text).to.equal(JSON.stringify({ ...example, raw }));
    done();
  });

  it('services', async () => {
    const { run, done } = strictRun(
      madeUp(
        ['systemctl', 'show', unitProperties, ...stackUnits],
        stackUnits.map((id) => unitBlock(id, 'loaded', 'active', 'enabled')).join('\n'),
      ),
    );
    const { get } = await appBench(folder.path, run);
    expect((await get('services')).text).to.equal(JSON.stringify(contractExample('services')));
    done();
  });

  it('node', async () => {
    const { xml } = contractExample('status') as { xml: string };
    const { run, done } = strictRun(madeUp(['crm_mon', '--as-xml'], xml));
    const { get } = await appBench(folder.path, run);
    expect((await get('node')).text).to.equal(JSON.stringify(contractExample('node')));
    done();
  });
});

it('there are recordings of all three generations', () => {
  expect(generations.map(({ suite }) => suite)).to.have.members(['bullseye', 'bookworm', 'trixie']);
});

for (const generation of generations) {
  describe(`answers from recordings of ${generation.suite}`, () => {
    const folder = temporaryFolder();
    const paths = recordedPaths(generation);

    for (const state of ['storage', 'banned', 'standby', 'no-fencing']) {
      it(`status in the state "${state}": raw is what pcs printed`, async () => {
        const { run, done } = strictRun(
          recorded(generation, 'crm_mon', `${state}-as-xml`),
          recorded(generation, 'crm_mon', `${state}-as-text`),
          recorded(generation, 'cibadmin', `${state}-configuration`),
          recorded(generation, 'systemctl', `${state}-status-units`),
        );
        const { get } = await appBench(folder.path, run, paths);
        const body = (await get('status')).body as { raw: string; xml: string };
        const untimed = (text: string) => text.replace(/last updated:? [^)\n]*/gi, '');
        expect(untimed(body.raw)).to.equal(
          untimed(recorded(generation, 'pcs', `${state}-status`).stdout),
        );
        expect(body.xml).to.equal(recorded(generation, 'crm_mon', `${state}-as-xml`).stdout);
        done();
      });
    }

    it('node and readyz of a stopped cluster answer 503, and read it once', async () => {
      const { run, done } = strictRun(recorded(generation, 'crm_mon', 'stopped-as-xml'));
      const { get, client } = await appBench(folder.path, run, paths);
      const { status, body } = await get('node');
      expect(status).to.equal(503);
      expect(body).to.include({ code: 'cluster_not_running', status: 503 });
      const ready = await client.get('/readyz');
      expect(ready.status).to.equal(503);
      // A prober needs no token.
      expect(ready.body).not.to.have.any.keys('command', 'exitCode', 'stderr');
      done();
    });

    it('readyz answers 503 while a daemon that a node needs is stopped, even if the rest looks well', async () => {
      const { run, done } = strictRun(
        recorded(generation, 'crm_mon', 'storage-as-xml'),
        madeUp(['crmadmin', '--dc_lookup'], 'Designated Controller is: 5e7638bc\n'),
      );
      let stopped = { name: 'pacemaker-execd', pid: 7, isNeeded: true };
      const { client } = await appBench(folder.path, run, paths, 'viewer', {}, () =>
        Promise.resolve([stopped]),
      );
      const { status, body } = await client.get('/readyz');
      expect([status, body]).to.deep.equal([
        503,
        {
          type: 'urn:ha-agent:problem:daemon_stopped',
          title: 'A daemon of the cluster is stopped',
          status: 503,
          detail:
            "pacemaker-execd is stopped by a signal on this node (process state T) and answers nobody until 'kill -CONT 7'.",
          code: 'daemon_stopped',
        },
      ]);
      expect((await client.get('/healthz')).status).to.equal(200);
      stopped = { name: 'pcsd', pid: 8, isNeeded: false };
      expect((await client.get('/readyz')).status).to.equal(200);
      done();
    });

    for (const [code, change] of [
      ['no_quorum', (xml: string) => xml.replace('with_quorum="true"', 'with_quorum="false"')],
      [
        'no_coordinator',
        (xml: string) => xml.replace(/<current_dc [^>]*>/, '<current_dc present="false"/>'),
      ],
    ] as const) {
      it(`readyz answers 503 ${code} when crm_mon says so`, async () => {
        const state = recorded(generation, 'crm_mon', 'storage-as-xml');
        const { run, done } = strictRun({ ...state, stdout: change(state.stdout) });
        const { client } = await appBench(folder.path, run, paths);
        const { status, body } = await client.get('/readyz');
        expect([status, (body as { code: string }).code]).to.deep.equal([503, code]);
        done();
      });
    }

    it('readyz answers 503 while the coordinator does not, and asks it once for all probes', async () => {
      const { run, done } = strictRun(
        recorded(generation, 'crm_mon', 'storage-as-xml'),
        madeUp(['crmadmin', '--dc_lookup'], '', 124, ''),
      );
      const { client } = await appBench(folder.path, run, paths);
      for (let probe = 0; probe < 2; probe += 1) {
        const { status, body } = await client.get('/readyz');
        expect([status, (body as { code: string }).code]).to.deep.equal([503, 'tool_timeout']);
      }
      done();
    });

    it('status of an empty cluster has the twelve keys of the document, in its order', async () => {
      const { run, done } = strictRun(
        recorded(generation, 'crm_mon', 'empty-as-xml'),
        recorded(generation, 'crm_mon', 'empty-as-text'),
        recorded(generation, 'cibadmin', 'empty-configuration'),
        recorded(generation, 'systemctl', 'empty-status-units'),
      );
      const { get } = await appBench(folder.path, run, paths);
      const body = (await get('status')).body as Record<string, object>;
      const documented = Object.keys(contractExample('status') as object);
      expect(documented).to.have.lengthOf(12);
      expect(Object.keys(body).slice(0, 12)).to.deep.equal(documented);
      expect(Object.keys(body).slice(12)).to.deep.equal(
        generation.suite === 'bookworm' ? ['pacemakerd'] : [],
      );
      expect(body).to.deep.include({
        resources: {},
        node_attributes: '',
        node_history: {
          node: [
            { name: '5e7638bc', $t: '' },
            { name: 'ae82a9a2', $t: '' },
          ],
        },
        fence_history: '',
        tickets: '',
        bans: '',
      });
      done();
    });

    it('status?raw=false has everything except raw, and starts only crm_mon', async () => {
      const { run, done } = strictRun(recorded(generation, 'crm_mon', 'empty-as-xml'));
      const { get } = await appBench(folder.path, run, paths);
      const { body, headers, status } = await get('status?raw=false');
      const documented = Object.keys(contractExample('status') as object);
      expect(status).to.equal(200);
      expect(Object.keys(body as object).slice(0, 11)).to.deep.equal(
        documented.filter((key) => key !== 'raw'),
      );
      expect(headers['etag']).to.match(/^"[\w-]{16}"$/);
      const again = await get('status?raw=false').set('If-None-Match', headers['etag'] ?? '');
      expect(again.status).to.equal(304);
      done();
    });

    it('status of a stopped cluster answers 503, and a line in the log says why', async () => {
      const { run, done } = strictRun(
        recorded(generation, 'crm_mon', 'stopped-as-xml'),
        recorded(generation, 'crm_mon', 'stopped-as-text'),
        recorded(generation, 'cibadmin', 'stopped-configuration'),
        recorded(generation, 'systemctl', 'stopped-status-units'),
      );
      const { get, lines } = await appBench(folder.path, run, paths);
      for (let poll = 0; poll < 3; poll += 1) {
        const { status, body } = await get('status');
        expect([status, (body as { code: string }).code]).to.deep.equal([
          503,
          'cluster_not_running',
        ]);
      }
      const warnings = lines.filter(({ level }) => level === 'warn');
      expect(warnings).to.have.lengthOf(1);
      expect(warnings[0]).to.deep.include({ code: 'cluster_not_running', exitCode: 102 });
      done();
    });

    it('services of a stopped cluster', async () => {
      const { run, done } = strictRun(recorded(generation, 'systemctl', 'stopped-stack-units'));
      const { get } = await appBench(folder.path, run);
      expect((await get('services')).body).to.deep.equal({
        services: [
          { id: 'pacemaker.service', state: 'offline', locked: false },
          { id: 'pcsd.service', state: 'online', locked: false },
          { id: 'corosync.service', state: 'offline', locked: false },
        ],
      });
      done();
    });

    it('node with one in standby', async () => {
      const { run } = strictRun(recorded(generation, 'crm_mon', 'standby-as-xml'));
      const { get } = await appBench(folder.path, run);
      expect((await get('node')).body).to.deep.equal({
        pacemaker_nodes: {
          online: ['ae82a9a2'],
          standby: ['5e7638bc'],
          maintenance: [],
          offline: [],
        },
        pacemaker_remote_nodes: { online: [], standby: [], maintenance: [], offline: [] },
      });
    });

    it('versions', async () => {
      const tools = ['crm_mon', 'corosync', 'pcs'].map((tool) =>
        recorded(generation, tool, 'version'),
      );
      const { run, done } = strictRun(...tools);
      const { get } = await appBench(folder.path, run);
      const [pacemaker, corosync, pcs] = tools.map(({ stdout }) => stdout);
      expect((await get('versions')).body).to.deep.equal({ pacemaker, corosync, pcs });
      // Cached: no further call.
      expect((await get('versions')).body).to.deep.equal({ pacemaker, corosync, pcs });
      done();
    });
  });
}

describe('services', () => {
  const folder = temporaryFolder();

  for (const [active, file, load, state, locked] of [
    ['active', 'enabled', 'loaded', 'online', false],
    ['active', 'disabled', 'loaded', 'online', false],
    ['reloading', 'enabled', 'loaded', 'online', false],
    ['activating', 'enabled', 'loaded', 'starting', false],
    ['deactivating', 'enabled', 'loaded', 'stopping', false],
    ['failed', 'disabled', 'loaded', 'failed', false],
    ['inactive', 'enabled', 'loaded', 'offline', false],
    ['inactive', 'disabled', 'loaded', 'disabled', false],
    ['inactive', 'masked', 'masked', 'disabled', true],
  ] as const) {
    it(`${active} and ${file} is ${state}${locked ? ' and locked' : ''}`, async () => {
      const blocks = stackUnits.map((id) => unitBlock(id, load, active, file));
      const { run } = strictRun(
        madeUp(['systemctl', 'show', unitProperties, ...stackUnits], blocks.join('\n')),
      );
      const { services } = (await (await appBench(folder.path, run)).get('services')).body as {
        services: unknown[];
      };
      expect(services[0]).to.deep.equal({ id: 'pacemaker.service', state, locked });
    });
  }

  it('do not list one that is not installed', async () => {
    const blocks = [
      unitBlock('pacemaker.service', 'loaded', 'active', 'enabled'),
      unitBlock('pcsd.service', 'not-found', 'inactive', ''),
      unitBlock('corosync.service', 'loaded', 'active', 'enabled'),
    ];
    const { run } = strictRun(
      madeUp(['systemctl', 'show', unitProperties, ...stackUnits], blocks.join('\n')),
    );
    const { get } = await appBench(folder.path, run);
    const { services } = (await get('services')).body as { services: { id: string }[] };
    expect(services.map(({ id }) => id)).to.deep.equal(['pacemaker.service', 'corosync.service']);
  });

  it('answer 503 with the command when systemd does not answer', async () => {
    const argv = ['systemctl', 'show', unitProperties, ...stackUnits];
    const { run } = strictRun(madeUp(argv, '', 1, 'Failed to connect to bus\n'));
    const { body, status } = await (await appBench(folder.path, run)).get('services');
    expect(status).to.equal(503);
    expect(body).to.deep.include({
      code: 'tool_failed',
      command: argv,
      exitCode: 1,
      stderr: 'Failed to connect to bus\n',
    });
  });
});

describe('status', () => {
  const folder = temporaryFolder();
  const calls = ['crm_mon', 'crm_mon', 'cibadmin', 'systemctl'];

  it('is read once for a hundred callers at the same time', async () => {
    const started: string[] = [];
    let arrived = 0;
    const bench = await appBench(folder.path, async ({ argv }) => {
      started.push(argv[0]);
      // The reading ends only after all hundred requests arrived, however slow the machine is.
      while (arrived < 100) await sleep(5);
      for (let turn = 0; turn < 20; turn += 1) await sleep(5);
      const { xml } = contractExample('status') as { xml: string };
      const stdout = { crm_mon: xml, cibadmin: '<configuration/>' }[argv[0]] ?? '';
      return { exitCode: 0, stdout, stderr: '' };
    });
    const server = createServer((incoming, response) => {
      arrived += 1;
      bench.apps.network(incoming, response);
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const get = () => request(server).get('/api/v2/system/ha/status').set('token', bench.token);
      const answers = await Promise.all(Array.from({ length: 100 }, get));
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
      expect(started).to.deep.equal(calls);
    } finally {
      server.close();
    }
  });

  it('has an ETag that changes with its content, not with the time', async () => {
    const { xml, raw } = contractExample('status') as { xml: string; raw: string };
    const etagOf = async (change: (text: string) => string) => {
      const own = await mkdtemp(join(folder.path, 'agent-'));
      const { get } = await appBench(own, ({ argv }) => {
        const crmMon = argv[1] === '--as-xml' ? xml : raw;
        const stdout = { crm_mon: change(crmMon), cibadmin: '<configuration/>' }[argv[0]] ?? '';
        return Promise.resolve({ exitCode: 0, stdout, stderr: '' });
      });
      return (await get('status')).headers['etag'] as string;
    };
    const etag = await etagOf((text) => text);
    const later = (text: string) => text.replaceAll('10:32:3', '11:45:0');
    expect(await etagOf(later)).to.equal(etag);
    const offline = (text: string) => text.replace('online="true"', 'online="false"');
    expect(await etagOf(offline)).not.to.equal(etag);
  });

  it('answers 500 after a bug in the agent, with details only in the log', async () => {
    const bench = await appBench(folder.path, () => Promise.reject(new TypeError('secret detail')));
    const { status, body, text } = await bench.get('status');
    expect([status, (body as { code: string }).code]).to.deep.equal([500, 'internal_error']);
    expect(text).not.to.include('secret detail');
    expect(JSON.stringify(bench.lines)).to.include('secret detail');
  });

  it('answers 500 if the output of a tool cannot be read', async () => {
    const bench = await appBench(folder.path, () =>
      Promise.resolve({ exitCode: 0, stdout: '<crm_mon>', stderr: '' }),
    );
    const { status, body } = await bench.get('status');
    expect([status, (body as { code: string }).code]).to.deep.equal([500, 'unreadable_output']);
  });
});
