import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Run } from '../../../src/kit/exec.ts';
import { appBench, noPaths } from '../../support/app-bench.ts';
import {
  contractExample,
  type Generation,
  generations,
  madeUp,
  type Recorded,
  recorded,
} from '../../support/fixtures.ts';
import { strictRun } from '../../support/strict-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const listAgents = (standard: string, ...agents: readonly string[]) =>
  madeUp(['crm_resource', '--list-agents', standard], agents.map((agent) => `${agent}\n`).join(''));

/** The calls that list the resource agents of a node. @param ocf its agents by provider */
function listed({
  lsb = [],
  systemd = [],
  ...ocf
}: Readonly<Record<string, readonly string[]>>): Recorded[] {
  const providers = Object.keys(ocf).map((provider) => `${provider.replace('ocf:', '')}\n`);
  return [
    listAgents('lsb', ...lsb),
    listAgents('systemd', ...systemd),
    madeUp(['crm_resource', '--list-ocf-providers'], providers.join('')),
    ...Object.entries(ocf).map(([provider, names]) => listAgents(provider, ...names)),
  ];
}

const fenceInfo = 'stonith/agent/info';
const dummy = listed({ 'ocf:heartbeat': ['Dummy'] });
const describeDummy = ['pcs', 'resource', 'describe', 'ocf:heartbeat:Dummy'];

describe('the examples of the contract', () => {
  const folder = temporaryFolder();

  it('resource_agent/providers', async () => {
    const { run, done } = strictRun(
      listAgents('lsb'),
      listAgents('systemd'),
      madeUp(
        ['crm_resource', '--list-ocf-providers'],
        'redhat\npacemaker\nopendrives\nlustre\nheartbeat\n',
      ),
      ...['heartbeat', 'lustre', 'opendrives', 'pacemaker', 'redhat'].map((provider) =>
        listAgents(`ocf:${provider}`),
      ),
    );
    const { get } = await appBench(folder.path, run);
    const { status, text } = await get('resource_agent/providers');
    expect([status, text]).to.deep.equal([
      200,
      JSON.stringify(contractExample('resource_agent-providers')),
    ]);
    done();
  });

  it('resource_agent', async () => {
    const example = contractExample('resource_agent') as string[];
    const names = example.map((name) => name.replace('lsb:', ''));
    const { run, done } = strictRun(...listed({ lsb: [...names].reverse() }));
    const { get } = await appBench(folder.path, run);
    const answer = (await get('resource_agent')).body as string[];
    expect(answer.slice(0, example.length)).to.deep.equal(example);
    done();
  });

  it('resource_agent/$PROVIDER/details', async () => {
    const example = contractExample('resource_agent-details') as string[];
    const names = example.map((name) => name.replace('ocf:heartbeat:', ''));
    // Pacemaker sorts capitals first.
    const { run, done } = strictRun(
      ...listed({ lsb: ['cron'], 'ocf:heartbeat': [...names].sort() }),
    );
    const { get } = await appBench(folder.path, run);
    const { text } = await get('resource_agent/ocf:heartbeat/details');
    expect(text).to.equal(JSON.stringify(example));
    done();
  });

  it('resource_agent/$AGENT/info', async () => {
    const example = contractExample('resource_agent-info') as string;
    const { run, done } = strictRun(...dummy, madeUp(describeDummy, example));
    const { get } = await appBench(folder.path, run);
    const { text, headers } = await get('resource_agent/ocf:heartbeat:Dummy/info');
    expect(text).to.equal(JSON.stringify(example));
    expect(headers['content-type']).to.equal('application/json; charset=utf-8');
    done();
  });

  it('stonith/agent', async () => {
    const example = contractExample('stonith-agent') as string[];
    const { run, done } = strictRun(listAgents('stonith', ...example));
    const { get } = await appBench(folder.path, run);
    expect((await get('stonith/agent')).text).to.equal(JSON.stringify(example));
    done();
  });

  it('stonith/agent/info', async () => {
    const example = contractExample('stonith-agent-info') as string;
    const { run, done } = strictRun(
      listAgents('stonith', 'fence_dummy'),
      madeUp(['pcs', 'stonith', 'describe', 'fence_dummy'], example),
    );
    const { post } = await appBench(folder.path, run);
    expect((await post(fenceInfo, { agent: 'fence_dummy' })).text).to.equal(
      JSON.stringify(example),
    );
    done();
  });
});

for (const generation of generations) {
  describe(`routes of agents, from recordings of ${generation.suite}`, () => {
    const folder = temporaryFolder();
    const calls = recordedLists(generation);
    const printed = (name: string) => recorded(generation, 'pcs', name).stdout;
    const namesIn = (text: string) => [...new Set(text.split('\n').filter(Boolean))];
    const byFoldedName = (a: string, b: string) =>
      a.toLowerCase() < b.toLowerCase() ? -1 : Number(a.toLowerCase() > b.toLowerCase());

    it('resource_agent lists what pcs resource list prints, each agent once, sorted', async () => {
      const { run, done } = strictRun(...calls);
      const { get } = await appBench(folder.path, run);
      const agents = (await get('resource_agent')).body as string[];
      expect(agents).to.deep.equal(namesIn(printed('resource-list')).sort(byFoldedName));
      done();
    });

    it('resource_agent/providers and the details of each provider are parts of that list, read once', async () => {
      const { run, done } = strictRun(...calls);
      const { get } = await appBench(folder.path, run);
      const providers = (await get('resource_agent/providers')).body as string[];
      expect(providers).to.deep.equal([
        'lsb',
        'service',
        'systemd',
        'ocf:heartbeat',
        'ocf:pacemaker',
      ]);
      const agents = (await get('resource_agent')).body as string[];
      for (const provider of providers) {
        const details = (await get(`resource_agent/${provider}/details`)).body as string[];
        expect(details).to.deep.equal(agents.filter((name) => name.startsWith(`${provider}:`)));
        expect(details).not.to.deep.equal([]);
      }
      done();
    });

    it('stonith/agent lists what pcs stonith list prints', async () => {
      const { run, done } = strictRun(recorded(generation, 'crm_resource', 'agents-stonith'));
      const { get } = await appBench(folder.path, run);
      expect((await get('stonith/agent')).body).to.deep.equal(
        namesIn(printed('stonith-list')).sort(byFoldedName),
      );
      done();
    });

    it('resource_agent/$AGENT/info is what pcs resource describe prints', async () => {
      const { run, done } = strictRun(...calls, recorded(generation, 'pcs', 'resource-describe'));
      const { get } = await appBench(folder.path, run);
      for (const path of ['ocf:heartbeat:Dummy', 'ocf%3Aheartbeat%3ADummy']) {
        const { body } = await get(`resource_agent/${path}/info`);
        expect(body).to.equal(printed('resource-describe'));
      }
      done();
    });

    it('stonith/agent/info is what pcs stonith describe prints', async () => {
      const { run, done } = strictRun(
        recorded(generation, 'crm_resource', 'agents-stonith'),
        recorded(generation, 'pcs', 'stonith-describe'),
      );
      const { post } = await appBench(folder.path, run);
      for (const agent of ['fence_lab', 'stonith:fence_lab']) {
        expect((await post(fenceInfo, { agent })).body).to.equal(printed('stonith-describe'));
      }
      done();
    });

    it('stonith/agent/info answers 503 with the error of pcs for an agent without metadata', async () => {
      const failure = recorded(generation, 'pcs', 'stonith-describe-broken');
      const { run, done } = strictRun(
        recorded(generation, 'crm_resource', 'agents-stonith'),
        failure,
      );
      const { post } = await appBench(folder.path, run);
      const { status, body } = await post(fenceInfo, { agent: 'drac3' });
      expect(status).to.equal(503);
      const { argv, stderr } = failure;
      expect(body).to.deep.include({ code: 'tool_failed', command: argv, exitCode: 1, stderr });
      done();
    });

    it('lists of resource agents answer 503, and are not cached, if Pacemaker cannot ask systemd', async () => {
      const [lsb, systemd, ...others] = calls as [Recorded, Recorded, ...Recorded[]];
      const { exitCode, stderr } = recorded(generation, 'crm_resource', 'agents-none');
      const failure = madeUp(systemd.argv, '', exitCode, stderr);
      const { run, done } = strictRun(...[lsb, failure, ...others], ...calls);
      const { get } = await appBench(folder.path, run);
      const { status, body } = await get('resource_agent');
      expect([status, (body as { code: string }).code]).to.deep.equal([503, 'tool_failed']);
      expect((await get('resource_agent')).status).to.equal(200);
      done();
    });

    it('a provider without agents has an empty list', async () => {
      const none = recorded(generation, 'crm_resource', 'agents-none');
      const { run, done } = strictRun(...listed({ 'ocf:none': [] }).slice(0, -1), none);
      const { get } = await appBench(folder.path, run);
      const { status, body } = await get('resource_agent/ocf:none/details');
      expect([status, body]).to.deep.equal([200, []]);
      done();
    });
  });
}

describe('lists of agents', () => {
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder.path, ...names);
  const paths = () => ({
    ...noPaths,
    agents: {
      ocf: at('ocf'),
      initScripts: at('init.d'),
      units: [at('etc-units'), at('run-units')],
      fence: at('sbin'),
      fencePlugins: at('plugins'),
    },
  });

  /** A runner in which each listing has one more agent than the listing before. */
  function growingRun(): { run: Run; started: string[] } {
    const started: string[] = [];
    const run: Run = ({ argv }) => {
      started.push(argv.slice(1).join(' '));
      const stdout = argv[1] === '--list-ocf-providers' ? 'test\n' : `${started.length}\n`;
      return Promise.resolve({ exitCode: 0, stdout, stderr: '' });
    };
    return { run, started };
  }

  beforeEach(async () => {
    for (const path of ['ocf/test', 'init.d', 'etc-units', 'sbin', 'plugins/external']) {
      await mkdir(at(path), { recursive: true });
    }
    await writeFile(at('ocf/test/Dummy'), '');
  });

  const changes: Readonly<Record<string, readonly [string, () => Promise<unknown>]>> = {
    'an OCF agent is added': ['resource_agent', () => writeFile(at('ocf/test/new'), '')],
    'an OCF agent is removed': ['resource_agent', () => rm(at('ocf/test/Dummy'))],
    'an OCF provider is added': ['resource_agent', () => mkdir(at('ocf/another'))],
    'an init script is added': ['resource_agent', () => writeFile(at('init.d/new'), '')],
    'a unit is added': ['resource_agent', () => writeFile(at('etc-units/new.service'), '')],
    'the first runtime unit is added': ['resource_agent', () => mkdir(at('run-units'))],
    'a fence agent is added': ['stonith/agent', () => writeFile(at('sbin/fence_new'), '')],
    'a plugin is added': ['stonith/agent', () => writeFile(at('plugins/external/new'), '')],
  };
  for (const [event, [route, change]] of Object.entries(changes)) {
    it(`are cached until ${event}`, async () => {
      const { run, started } = growingRun();
      const { get } = await appBench(folder.path, run, paths());
      const first = (await get(route)).body as string[];
      const calls = started.length;
      expect((await get(route)).body).to.deep.equal(first);
      expect(started).to.have.lengthOf(calls);
      await change();
      expect((await get(route)).body).not.to.deep.equal(first);
      expect(started).to.have.lengthOf(2 * calls);
    });
  }

  it('are read once for a hundred callers at the same time', async () => {
    const { run, started } = growingRun();
    const { get } = await appBench(folder.path, run, paths());
    await Promise.all(Array.from({ length: 100 }, () => get('resource_agent')));
    expect(started).to.deep.equal([
      '--list-agents lsb',
      '--list-agents systemd',
      '--list-ocf-providers',
      '--list-agents ocf:test',
    ]);
  });

  it('are read again after a failure', async () => {
    const failure = madeUp(['crm_resource', '--list-agents', 'stonith'], '', 1, 'no memory\n');
    const { run, done } = strictRun(failure, listAgents('stonith', 'fence_a'));
    const { get } = await appBench(folder.path, run);
    const { status, body } = await get('stonith/agent');
    expect(status).to.equal(503);
    expect(body).to.deep.include({ code: 'tool_failed', exitCode: 1, stderr: 'no memory\n' });
    expect((await get('stonith/agent')).body).to.deep.equal(['fence_a']);
    done();
  });

  it('leave out programs that only look like fence agents, as pcs does', async () => {
    const { run } = strictRun(
      listAgents('stonith', 'fence_ack_manual', 'fence_legacy', 'fence_virt', 'fence_virtd'),
    );
    const { get } = await appBench(folder.path, run);
    expect((await get('stonith/agent')).body).to.deep.equal(['fence_virt']);
  });

  it('answer HEAD like GET, without the body', async () => {
    const { run } = strictRun(...dummy);
    const { client, token } = await appBench(folder.path, run);
    const head = await client.head('/api/v2/system/ha/resource_agent').set('token', token);
    expect([head.status, head.headers['content-length']]).to.deep.equal([200, '23']);
  });
});

describe('the description of an agent', () => {
  const folder = temporaryFolder();

  it('is read once from pcs for all callers, and again after a change of the agent', async () => {
    const agent = join(folder.path, 'heartbeat', 'Dummy');
    await mkdir(join(folder.path, 'heartbeat'));
    await writeFile(agent, '');
    const { run, done } = strictRun(
      ...[...dummy, madeUp(describeDummy, 'old')],
      ...[...dummy, madeUp(describeDummy, 'new')],
    );
    const paths = { ...noPaths, agents: { ...noPaths.agents, ocf: folder.path } };
    const { get } = await appBench(folder.path, run, paths);
    const ask = async () => (await get('resource_agent/ocf:heartbeat:Dummy/info')).body as string;
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers).to.deep.equal(['old', 'old', 'old']);
    await writeFile(agent, 'new');
    expect(await ask()).to.equal('new');
    done();
  });

  it('is read by one pcs at a time', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const running = { now: 0, max: 0 };
    const { get } = await appBench(folder.path, async ({ argv }) => {
      const list = listed({ lsb: names }).find((each) => each.argv.join() === argv.join());
      if (list !== undefined) return list;
      running.now += 1;
      running.max = Math.max(running.max, running.now);
      await new Promise((resolve) => setImmediate(resolve));
      running.now -= 1;
      return { exitCode: 0, stdout: argv[3] ?? '', stderr: '' };
    });
    const answers = await Promise.all(names.map((name) => get(`resource_agent/lsb:${name}/info`)));
    expect(answers.map(({ body }) => body as string)).to.deep.equal([
      'lsb:a',
      'lsb:b',
      'lsb:c',
      'lsb:d',
    ]);
    expect(running.max).to.equal(1);
  });

  it('is given for a template unit, but not for its instances, which have no limit', async () => {
    const { run, done } = strictRun(
      ...listed({ systemd: ['getty@'] }),
      madeUp(['pcs', 'resource', 'describe', 'systemd:getty@'], 'Getty'),
    );
    const { get } = await appBench(folder.path, run);
    expect((await get('resource_agent/systemd:getty@/info')).body).to.equal('Getty');
    expect((await get('resource_agent/systemd:getty@tty1/info')).status).to.equal(404);
    done();
  });

  it('is given for a fence agent with a slash in its name', async () => {
    const { run, done } = strictRun(
      listAgents('stonith', 'external/ipmi'),
      madeUp(['pcs', 'stonith', 'describe', 'external/ipmi'], 'ipmi'),
    );
    const { post } = await appBench(folder.path, run);
    expect((await post(fenceInfo, { agent: 'external/ipmi' })).body).to.equal('ipmi');
    done();
  });

  for (const path of ['ocf:heartbeat:Nothing', 'Dummy', 'stonith:external/ipmi', 'a%2Fb%3Ac']) {
    it(`answers 404 for ${path}, and pcs is not started`, async () => {
      const { run, done } = strictRun(...dummy);
      const { get } = await appBench(folder.path, run);
      const { status, body } = await get(`resource_agent/${path}/info`);
      expect([status, (body as { code: string }).code]).to.deep.equal([404, 'agent_not_found']);
      expect((body as { detail: string }).detail).to.include(`'${decodeURIComponent(path)}'`);
      done();
    });
  }

  for (const agent of ['fence_nothing', 'fence_legacy', 'stonith:stonith:fence_a']) {
    it(`answers 404 for the fence agent ${agent}, and pcs is not started`, async () => {
      const { run, done } = strictRun(listAgents('stonith', 'fence_a', 'fence_legacy'));
      const { post } = await appBench(folder.path, run);
      const { status, body } = await post(fenceInfo, { agent });
      expect([status, (body as { code: string }).code]).to.deep.equal([404, 'agent_not_found']);
      done();
    });
  }

  for (const provider of ['ocf:redhat', 'ocf', 'stonith', 'heartbeat']) {
    it(`is for agents of known providers: ${provider}/details answers 404`, async () => {
      const { run } = strictRun(...dummy);
      const { get } = await appBench(folder.path, run);
      const { status, body } = await get(`resource_agent/${provider}/details`);
      expect([status, (body as { code: string }).code]).to.deep.equal([404, 'provider_not_found']);
    });
  }
});

describe('an undocumented request for agents', () => {
  const folder = temporaryFolder();
  const badNames = ['-x', '--help', 'a;b', 'a\nb', 'a\0', 'a b', '..', '../../etc', 'é', '\u202e'];
  const nothingStarts = () => appBench(folder.path, strictRun().run);
  const expectRefusal = (
    answer: { status: number; body: unknown },
    field: string,
    type: string,
  ) => {
    expect(answer.status).to.equal(400);
    const { code, errors } = answer.body as { code: string; errors: { message: string }[] };
    expect(code).to.equal('invalid_request');
    expect(errors).to.deep.equal([{ field, message: errors[0]?.message, type }]);
  };

  for (const name of [...badNames, 'x'.repeat(10_000)]) {
    it(`answers 400 for the name ${JSON.stringify(name).slice(0, 40)}, and no process starts`, async () => {
      const { get, post } = await nothingStarts();
      const encoded = encodeURIComponent(name).replaceAll('.', '%2E');
      expectRefusal(await get(`resource_agent/${encoded}/info`), 'agent', 'string');
      expectRefusal(await get(`resource_agent/${encoded}/details`), 'provider', 'string');
      expectRefusal(await post(fenceInfo, { agent: name }), 'agent', 'string');
    });
  }

  for (const [what, value, type] of [
    ['no agent', undefined, 'undefined'],
    ['a number', 5, 'number'],
    ['a list', ['fence_lab'], 'array'],
    ['null', null, 'null'],
  ] as const) {
    it(`answers 400 for ${what} in the body, and no process starts`, async () => {
      const { post } = await nothingStarts();
      expectRefusal(await post(fenceInfo, { agent: value }), 'agent', type);
    });
  }

  for (const [method, route, allowed] of [
    ['post', 'resource_agent', 'GET, HEAD'],
    ['delete', 'resource_agent/lsb/details', 'GET, HEAD'],
    ['get', 'stonith/agent/info', 'POST'],
    ['head', 'stonith/agent/info', 'POST'],
  ] as const) {
    it(`answers 405 to ${method} ${route}`, async () => {
      const { client, token } = await nothingStarts();
      const answer = await client[method](`/api/v2/system/ha/${route}`).set('token', token);
      expect([answer.status, answer.headers['allow']]).to.deep.equal([405, allowed]);
    });
  }
});

/** The recorded calls that list the resource agents of a node. */
function recordedLists(generation: Generation): Recorded[] {
  return [
    'agents-lsb',
    'agents-systemd',
    'ocf-providers',
    'agents-heartbeat',
    'agents-pacemaker',
  ].map((name) => recorded(generation, 'crm_resource', name));
}
