import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import type { Outcome, Run } from '../../../src/kit/exec.ts';
import { appBench, noPaths } from '../../support/app-bench.ts';
import { contractExample, fixtureText, generations, recorded } from '../../support/fixtures.ts';
import { strictRun } from '../../support/strict-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const exampleCib = fixtureText('contract/cib.xml');
const daemons = ['pacemaker-based', 'pacemaker-controld', 'pacemaker-schedulerd'];

/** A cluster with a CIB, and a pcs that prints a text. */
function cluster({ cib = exampleCib, pcsText = '', metadata = {} }: Partial<Answers> = {}) {
  const calls: (readonly string[])[] = [];
  const answers: Answers = { cib, pcsText, metadata };
  const run: Run = async ({ argv }) => {
    calls.push(argv);
    const [tool] = argv;
    if (tool === 'cibadmin') return success(answers.cib);
    const daemon = daemons.find((name) => tool.endsWith(name));
    if (daemon) return success(answers.metadata[daemon] ?? metadataOf({}));
    if (tool === 'pcs') {
      // The file exists while pcs runs, and has the configuration of the answer.
      expect(await readFile(argv[2] ?? '', 'utf8')).to.include('<configuration');
      return success(answers.pcsText);
    }
    throw new Error(`not expected: ${argv.join(' ')}`);
  };
  return { run, calls, answers, tools: () => calls.map(([tool]) => tool) };
}

interface Answers {
  cib: string;
  pcsText: string;
  metadata: Record<string, string>;
}

const success = (stdout: string): Outcome => ({ exitCode: 0, stdout, stderr: '' });

function metadataOf(defaults: Readonly<Record<string, string>>): string {
  const parameters = Object.entries(defaults).map(
    ([name, value]) => `<parameter name="${name}"><content default="${value}"/></parameter>`,
  );
  return `<?xml version="1.0"?><!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd"><resource-agent><parameters>${parameters.join('')}</parameters></resource-agent>`;
}

describe('the examples of the contract that come from the CIB', () => {
  const folder = temporaryFolder();

  it('constraint', async () => {
    const example = contractExample('constraint') as { raw: string };
    const { run, calls } = cluster({ pcsText: example.raw });
    const { get } = await appBench(folder.path, run);
    const { status, text } = await get('constraint');
    expect(status).to.equal(200);
    expect(text).to.equal(JSON.stringify(example));
    expect(calls[1]?.slice(3)).to.deep.equal(['constraint', '--full']);
  });

  for (const type of ['ordering', 'order']) {
    it(`constraint/${type}`, async () => {
      const { get } = await appBench(folder.path, cluster().run);
      const { text } = await get(`constraint/${type}`);
      expect(text).to.equal(JSON.stringify(contractExample('constraint-ordering')));
    });
  }

  it('constraint/raw is only the text', async () => {
    const { raw } = contractExample('constraint') as { raw: string };
    const { get } = await appBench(folder.path, cluster({ pcsText: raw }).run);
    expect((await get('constraint/raw')).text).to.equal(JSON.stringify(raw));
  });

  it('resource, with the true names of operations', async () => {
    const { get } = await appBench(folder.path, cluster().run);
    const { body } = await get('resource');
    expect(body).to.deep.equal((contractExample('resource') as Scraped[]).map(asItIs));
  });

  it('resource/$NAME/details', async () => {
    const { get } = await appBench(folder.path, cluster().run);
    const { body } = await get('resource/SMB/details');
    expect(body).to.deep.equal((contractExample('resource-details') as Scraped[]).map(asItIs));
  });

  it('stonith', async () => {
    const example = contractExample('stonith') as { raw: string };
    const { run, calls } = cluster({ pcsText: example.raw });
    const { get } = await appBench(folder.path, run);
    expect((await get('stonith')).text).to.equal(JSON.stringify(example));
    expect(calls[1]?.slice(3)).to.deep.equal(['stonith', 'config']);
  });

  it('property, and property/$P/details', async () => {
    const example = contractExample('property') as Record<string, { default: string }>;
    const names = Object.keys(example);
    const metadata = Object.fromEntries(
      daemons.map((daemon, index) => [
        daemon,
        metadataOf(
          Object.fromEntries(
            names
              .filter((_name, at) => at % daemons.length === index)
              .map((name) => [name, example[name]?.default ?? '']),
          ),
        ),
      ]),
    );
    const { get } = await appBench(folder.path, cluster({ metadata }).run);
    expect((await get('property')).text).to.equal(JSON.stringify(example));
    expect((await get('property/cluster-delay/details')).text).to.equal(
      JSON.stringify(contractExample('property-details')),
    );
  });
});

interface Scraped {
  op: Record<string, Record<string, string>>;
}

/** The example of the document with true operations. Its own were scraped from text. */
function asItIs(resource: Scraped): object {
  const op = Object.fromEntries(
    Object.entries(resource.op).map(([key, operation]) => {
      if (operation['name']?.includes('-monitor-'))
        return ['monitor', { ...operation, interval: '20', 'on-fail': 'restart' }];
      return [operation['name']?.includes('-force-reload-') ? 'force-reload' : key, operation];
    }),
  );
  return { ...resource, op };
}

describe('an answer from the CIB', () => {
  const folder = temporaryFolder();

  it('is read once for all callers at the same time', async () => {
    const { run, tools } = cluster();
    const { get } = await appBench(folder.path, run);
    const routes = ['resource', 'constraint/location', 'stonith/level', 'resource/group'];
    const answers = await Promise.all(routes.map((route) => get(route)));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200]);
    expect(tools()).to.deep.equal(['cibadmin']);
  });

  it('has the version of the configuration as its ETag, and is not sent again for that ETag', async () => {
    const { get } = await appBench(folder.path, cluster().run);
    const { headers } = await get('resource');
    expect(headers['etag']).to.equal('"0.15"');
    const again = await get('resource').set('If-None-Match', '"0.15"');
    expect([again.status, again.text]).to.deep.equal([304, '']);
    expect((await get('resource').set('If-None-Match', '"0.14"')).status).to.equal(200);
  });

  it('has another ETag when pcs prints another text, for example because a rule has expired', async () => {
    const etagWith = async (pcsText: string) => {
      const own = await mkdtemp(join(folder.path, 'agent-'));
      const { get } = await appBench(own, cluster({ pcsText }).run);
      return (await get('constraint/raw')).headers['etag'] as string;
    };
    expect(await etagWith('one')).to.equal(await etagWith('one'));
    expect(await etagWith('one')).not.to.equal(await etagWith('two'));
  });

  it('has no text of pcs if raw is false', async () => {
    const { run, tools } = cluster();
    const { get } = await appBench(folder.path, run);
    expect((await get('constraint?raw=false')).body).not.to.have.property('raw');
    expect((await get('stonith?raw=false')).body).not.to.have.property('raw');
    expect(tools()).to.deep.equal(['cibadmin']);
  });

  it('needs one call of pcs for all callers with the same CIB, which leaves no file behind', async () => {
    const { run, tools } = cluster({ pcsText: 'Location Constraints:\n' });
    const { get } = await appBench(folder.path, run);
    const answers = await Promise.all([
      get('constraint'),
      get('constraint'),
      get('constraint/raw'),
    ]);
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
    expect(tools()).to.deep.equal(['cibadmin', 'pcs']);
    expect((await readdir(folder.path)).filter((name) => name.startsWith('cib-'))).to.deep.equal(
      [],
    );
  });

  it('needs another call of pcs after a change of the CIB or a failure', async () => {
    const { run, calls, answers } = cluster();
    let failures = 1;
    const failing: Run = async (command) => {
      const outcome = await run(command);
      return command.argv[0] === 'pcs' && failures-- > 0
        ? { exitCode: 1, stdout: '', stderr: 'Error: no' }
        : outcome;
    };
    const { get } = await appBench(folder.path, failing);
    const failed = await get('constraint');
    expect(failed.status).to.equal(503);
    expect(failed.body).to.include({ code: 'tool_failed' });
    expect((await get('constraint')).status).to.equal(200);
    answers.cib = exampleCib.replace('epoch="15"', 'epoch="16"');
    await untilExpired();
    expect((await get('constraint')).headers['etag']).to.match(/^"0\.16-/);
    expect(calls.filter(([tool]) => tool === 'pcs')).to.have.lengthOf(3);
  });

  it('shows no secret, not even to pcs', async () => {
    const pair = '<nvpair value="hunter2" id="p" name="passwd"/>';
    const secret = exampleCib.replace(
      'type="fence_dummy">',
      `type="fence_dummy"><instance_attributes id="i">${pair}</instance_attributes>`,
    );
    let seen = '';
    const { run } = cluster({ cib: secret });
    const watching: Run = async (command) => {
      if (command.argv[0] === 'pcs') seen = await readFile(command.argv[2] ?? '', 'utf8');
      return run(command);
    };
    const { get } = await appBench(folder.path, watching, noPaths, 'admin');
    const { body } = await get('stonith');
    expect(body).to.have.nested.property('resources[0].params.passwd', '********');
    expect(seen).to.include('value="********"').and.not.to.include('hunter2');
    expect((await get('configuration')).text).not.to.include('hunter2');
  });

  it('needs the agent of each template in the CIB for pcs, which would fail otherwise', async () => {
    const [generation] = generations;
    if (generation === undefined) throw new Error('There are no recordings.');
    const cib = recorded(generation, 'cibadmin', 'everything-query').stdout;
    let seen = '';
    const { run } = cluster({ cib });
    const watching: Run = async (command) => {
      if (command.argv[0] === 'pcs') seen = await readFile(command.argv[2] ?? '', 'utf8');
      return run(command);
    };
    const { get } = await appBench(folder.path, watching);
    expect((await get('stonith')).status).to.equal(200);
    expect(seen)
      .to.include('<primitive id="fence-template" class="stonith" type="fence_lab">')
      .and.include('<primitive id="FromTemplate" class="ocf" provider="pacemaker" type="Dummy">')
      .and.include('<primitive id="Plain" class="ocf"')
      .and.not.include(' template="');
  });

  for (const [route, code] of [
    ['resource/nothing/details', 'resource_not_found'],
    ['property/nothing/details', 'property_not_found'],
  ] as const) {
    it(`${route} answers 404 ${code}`, async () => {
      const { get } = await appBench(folder.path, cluster().run);
      const { status, body } = await get(route);
      expect(status).to.equal(404);
      expect(body).to.include({ code: code });
    });
  }

  for (const route of [
    'constraint/-x',
    'constraint?raw=maybe',
    'status?raw=maybe',
    'resource/-x/details',
    'resource/a%20b/details',
    'property/%00/details',
  ]) {
    it(`${route} answers 400, and starts no process`, async () => {
      const { run, done } = strictRun();
      const { get } = await appBench(folder.path, run);
      const { status, body } = await get(route);
      expect(status).to.equal(400);
      expect(body).to.include({ code: 'invalid_request' });
      done();
    });
  }

  it('can be requested with HEAD, but not with an unknown method', async () => {
    const { client, token } = await appBench(folder.path, cluster().run);
    const head = await client.head('/api/v2/system/ha/resource').set('token', token);
    expect([head.status, head.headers['etag']]).to.deep.equal([200, '"0.15"']);
    const post = await client.delete('/api/v2/system/ha/resource').set('token', token);
    expect([post.status, post.headers['allow']]).to.deep.equal([405, 'GET, HEAD, POST']);
  });
});

describe('an answer from the CIB of a stopped cluster', () => {
  const folder = temporaryFolder();
  const stopped: Run = ({ argv }) =>
    Promise.resolve(
      argv[0] === 'pcs'
        ? success('words')
        : { exitCode: 102, stdout: '', stderr: 'Could not connect to the CIB' },
    );

  it('comes from the disk, and a header says so', async () => {
    const cib = join(folder.path, 'cib.xml');
    await writeFile(cib, exampleCib);
    const { get } = await appBench(folder.path, stopped, { ...noPaths, cib });
    const { status, body, headers } = await get('constraint');
    expect(status).to.equal(200);
    expect(headers['x-ha-source']).to.equal('offline');
    expect(body).to.deep.equal({ ...(contractExample('constraint') as object), raw: 'words' });
  });

  it('is 503 if the disk has no CIB', async () => {
    const { get } = await appBench(folder.path, stopped);
    const { status, body } = await get('resource');
    expect(status).to.equal(503);
    expect(body).to.include({ code: 'cluster_not_running' });
  });
});

/** Waits until the cached reading expires: without a watch of changes, after half a second. */
async function untilExpired(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600));
}
