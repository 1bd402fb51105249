import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import { loadEverything, secretParts, unloadEverything } from '../lab/everything.ts';
import type { Lab, LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Answer, callHa, forgotten } from './client.ts';

type Answers = Record<string, Answer>;
type Expected = Record<string, unknown>;

const stateRoutes = ['status', 'node', 'fence_history', 'resource/SMB/locate'];
const readConfiguration = ['cibadmin', '--query', '--scope', 'configuration'] as const;

/** Compares the agent's answers with a second reading of the same CIB, in Python. */
export function describeConfiguration(bench: () => { lab: Lab; token: string }): void {
  describe('configuration', () => {
    const first = () => bench().lab.nodes[0] as LabNode;
    const second = () => bench().lab.nodes[1] as LabNode;
    const ha = (path: string, headers: Record<string, string> = {}, node = first()) =>
      callHa(node, path, { token: bench().token, headers });
    const run = (argv: readonly [string, ...string[]], input?: string) =>
      first().run(argv, { deadlineMs: 120_000, ...(input !== undefined && { input }) });
    let saved = '';

    before(async () => {
      for (const node of bench().lab.nodes) await installReaders(node);
      saved = await run(readConfiguration);
    });

    /** What holds in every topology. */
    function itIsReadRight(): void {
      let answers: Answers = {};
      let cib = '';

      it('is the same on every route as in Python', async () => {
        const moment = await atOneMoment(first(), (expected) => askAll(ha, Object.keys(expected)));
        ({ answers, cib } = moment);
        expect(different(answers, moment.expected)).to.deep.equal({});
      });

      it('loses nothing of the CIB', async () => {
        expect(await lost(first(), cib, answers)).to.deep.equal([]);
      });

      it('has the text of pcs about constraints', async () => {
        const { json } = await ha('constraint');
        expect(json).to.have.property('raw', await run(['pcs', 'constraint', '--full']));
        expect((await ha('constraint/raw')).json).to.equal((json as { raw: string }).raw);
      });
    }

    describe('in the storage topology', () => {
      itIsReadRight();

      it('has the text of pcs about fencing', async () => {
        const { json } = await ha('stonith');
        expect(json).to.have.property('raw', await run(['pcs', 'stonith', 'config']));
      });

      for (const [path, status, code] of [
        ['resource/nothing/details', 404, 'resource_not_found'],
        ['resource/toString/details', 404, 'resource_not_found'],
        ['resource/__proto__/details', 404, 'resource_not_found'],
        ['resource/nothing/locate', 404, 'resource_not_found'],
        ['property/nothing/details', 404, 'property_not_found'],
        ['property/constructor/details', 404, 'property_not_found'],
        ['node/nothing', 404, 'node_not_found'],
        ['constraint/nothing', 404, 'constraint_not_found'],
      ] as const) {
        it(`answers ${status} on ${path}`, async () => {
          const answer = await ha(path);
          expect(answer.json).to.include({ status, code });
          expect(answer.status).to.equal(status);
        });
      }
    });

    describe('in the topology with everything', () => {
      before(() => loadEverything(bench().lab, run));
      after(async () => {
        await unloadEverything(bench().lab, saved, run);
        expect(await run(readConfiguration)).to.equal(saved);
      });

      itIsReadRight();

      it('shows no password in any answer', async () => {
        const expected = await expectedAnswers(first(), await run(['cibadmin', '--query']));
        const routes = [...Object.keys(expected), 'constraint/raw', 'status'];
        const answers = await askAll(ha, routes, '');
        for (const [route, { text }] of Object.entries(answers)) {
          for (const word of secretParts) expect(text, route).not.to.include(word);
        }
        expect(answers['resource/fence-secret/details']?.text).to.include('"passwd":"********"');
      });

      it('locates a removed resource that still runs, and has no details of it', async () => {
        expect((await ha('resource/Orphan/locate')).json).to.include({ status: 'running' });
        expect((await ha('resource/Orphan/details')).json).to.include({ status: 404 });
      });

      it('has the text of pcs about fencing, even with a template at which pcs alone fails', async () => {
        const { raw } = (await ha('stonith')).json as { raw: string };
        expect(raw).to.include('Resource: fence-template (class=stonith type=fence_lab)');
        for (const id of ['FromTemplate', 'fence-template']) {
          await run(['cibadmin', '--delete', '--xml-text', `<primitive id="${id}"/>`]);
        }
        const pcsText = await run(['pcs', 'stonith', 'config']);
        const masked = pcsText.replaceAll(/"hunter2 .*? <staple5"/g, '********');
        expect(masked).to.include('passwd=********');
        await waitUntil('the same text', async () => {
          const { json } = await ha('stonith');
          return (json as { raw: string }).raw === masked;
        });
      });
    });

    describe('after a change', () => {
      afterEach(() =>
        run(['cibadmin', '--replace', '--scope', 'configuration', '--xml-pipe'], saved),
      );

      it('has its version as an ETag, and is sent again only if that changed', async () => {
        const version = async () => {
          const cib = await run(['cibadmin', '--query']);
          const attribute = (name: string) => new RegExp(`\\b${name}="(\\d+)"`).exec(cib)?.[1];
          return `"${attribute('admin_epoch')}.${attribute('epoch')}"`;
        };
        const routes = Object.keys(
          await expectedAnswers(first(), await run(['cibadmin', '--query'])),
        );
        const before = await version();
        for (const [route, { headers }] of Object.entries(await askAll(ha, routes))) {
          expect(headers['etag'], route).to.equal(before);
          const again = await ha(`${route}${withoutRaw(route)}`, { 'If-None-Match': before });
          expect([again.status, again.text], route).to.deep.equal([304, '']);
        }
        await run(['pcs', 'property', 'set', 'batch-limit=33']);
        const after = await version();
        await waitUntil('the new version', async () => {
          const { status, headers } = await ha('property', { 'If-None-Match': before });
          expect([status, headers['etag']]).to.deep.equal(
            status === 200 ? [200, after] : [304, before],
          );
          return status === 200;
        });
      });

      for (const [what, argv, path, isSeen] of [
        [
          'a property',
          ['pcs', 'property', 'set', 'batch-limit=34'],
          'property/batch-limit/details',
          (text: string) => text.includes('"value":"34"'),
        ],
        [
          'a constraint',
          ['pcs', 'constraint', 'location', 'SMB', 'prefers', '5e7638bc=51'],
          'constraint/location',
          (text: string) => text.includes('"score":"51"'),
        ],
        [
          'a meta attribute',
          ['pcs', 'resource', 'meta', 'SMB', 'priority=52'],
          'resource/SMB/details',
          (text: string) => text.includes('"priority":"52"'),
        ],
      ] as const) {
        it(`shows ${what} that pcs has set on both nodes, and never the former one again`, async () => {
          const seen: Record<string, boolean[]> = { first: [], second: [] };
          const look = async () => {
            seen['first']?.push(isSeen((await ha(path)).text));
            seen['second']?.push(isSeen((await ha(path, {}, second())).text));
          };
          await look();
          const change = run(argv);
          await waitUntil('both agents to show it', async () => {
            await look();
            return Object.values(seen).every((each) => each.at(-1));
          });
          await change;
          for (let more = 0; more < 20; more += 1) await look();
          for (const each of Object.values(seen)) {
            expect(each[0], 'before the change').to.equal(false);
            expect(each.slice(each.indexOf(true))).not.to.include(false);
          }
        });
      }
    });

    describe('on a node whose cluster is stopped', () => {
      before(() => run(['pcs', 'cluster', 'stop', second().name]));
      after(async () => {
        await run(['pcs', 'cluster', 'start', second().name]);
        await first().waitUntilCluster('all nodes online', ({ online }) => online.length === 2);
        await run(['crm_resource', '--wait', '--timeout=90']);
        await waitUntil('what is going on', async () => {
          const answers = await askAll((path) => ha(path, {}, second()), stateRoutes);
          return Object.values(answers).every(({ status }) => status === 200);
        });
        const { status, headers } = await ha('resource', {}, second());
        expect([status, headers['x-ha-source']]).to.deep.equal([200, undefined]);
      });

      it('comes from the disk, and a header says so', async () => {
        const cib = await second().run(['cat', '/var/lib/pacemaker/cib/cib.xml']);
        const expected = await expectedAnswers(second(), cib);
        const answers = await askAll((path) => ha(path, {}, second()), Object.keys(expected));
        expect(different(answers, expected)).to.deep.equal({});
        for (const [route, { headers }] of Object.entries(answers)) {
          expect(headers['x-ha-source'], route).to.equal('offline');
        }
      });

      it('has the same text of pcs as on the running node', async () => {
        for (const route of ['constraint', 'stonith']) {
          const [here, there] = await Promise.all([ha(route, {}, second()), ha(route)]);
          expect(here.json).to.deep.equal(there.json);
          expect(there.headers).not.to.have.property('x-ha-source');
        }
      });

      for (const path of [...stateRoutes, 'node/5e7638bc']) {
        it(`answers 503 on ${path}, and says why`, async () => {
          const { status, json } = await ha(path, {}, second());
          expect(json).to.include({ code: 'cluster_not_running' });
          expect(status).to.equal(503);
        });
      }

      it('still answers 404 for an unknown resource', async () => {
        const { status, json } = await ha('resource/nothing/details', {}, second());
        expect(json).to.include({ code: 'resource_not_found' });
        expect(status).to.equal(404);
      });
    });
  });
}

const folder = '/root/readers';
const daemons = ['based', 'controld', 'schedulerd'];

/** Copies the readers in Python to a node, with the metadata of the daemons. */
async function installReaders(node: LabNode): Promise<void> {
  await node.run(['mkdir', '-p', folder]);
  for (const script of ['read-cib.py', 'find-lost.py']) {
    await node.writeFile(
      `${folder}/${script}`,
      await readFile(new URL(script, import.meta.url), 'utf8'),
    );
  }
  for (const daemon of daemons) {
    const metadata = await node.run([`/usr/lib/pacemaker/pacemaker-${daemon}`, 'metadata']);
    await node.writeFile(`${folder}/${daemon}.xml`, metadata);
  }
}

/** The answers that Python expects, by route. Those about the state need a state. */
async function expectedAnswers(node: LabNode, cib: string, state?: string): Promise<Expected> {
  const options = daemons.flatMap((daemon) => ['--options', `${folder}/${daemon}.xml`]);
  if (state !== undefined) await node.writeFile(`${folder}/state.xml`, state);
  const withState = state === undefined ? [] : ['--state', `${folder}/state.xml`];
  const argv = ['python3', `${folder}/read-cib.py`, ...options, ...withState] as const;
  return JSON.parse(await node.run(argv, { input: cib })) as Expected;
}

/** The parts of the CIB that no answer has. */
async function lost(node: LabNode, cib: string, answers: Answers): Promise<unknown> {
  const json = Object.entries(answers).map(([route, answer]) => [route, answer.json] as const);
  await node.writeFile(`${folder}/answers.json`, JSON.stringify(Object.fromEntries(json)));
  const argv = ['python3', `${folder}/find-lost.py`, `${folder}/answers.json`] as const;
  return JSON.parse(await node.run(argv, { input: cib }));
}

/** pcs takes half a second, and Python does not read its text. */
const withoutRaw = (route: string) =>
  ['constraint', 'stonith'].includes(route) ? '?raw=false' : '';

async function askAll(
  ha: (path: string) => Promise<Answer>,
  routes: readonly string[],
  query?: string,
): Promise<Answers> {
  const answers: Answers = {};
  for (const route of routes) {
    const path = route.split('/').map(encodeURIComponent).join('/');
    answers[route] = await ha(`${path}${query ?? withoutRaw(route)}`);
  }
  return answers;
}

/** The routes whose answer is not as expected. */
function different(answers: Answers, expected: Expected): object {
  const differing = Object.entries(expected).flatMap(([route, wanted]) => {
    const { json } = answers[route] ?? {};
    try {
      expect(json).to.deep.equal(wanted);
      return [];
    } catch {
      return [[route, { agent: json, python: wanted }] as const];
    }
  });
  return Object.fromEntries(differing);
}

/**
 * Asks the agent while the CIB and the state are read before and after: when both are the same, nothing
 * changed in between and the answers are of that moment.
 */
async function atOneMoment(
  node: LabNode,
  ask: (expected: Expected) => Promise<Answers>,
): Promise<{ answers: Answers; expected: Expected; cib: string }> {
  const read = async () => {
    const cib = await node.run(['cibadmin', '--query']);
    const state = await node.run(['crm_mon', '--as-xml']);
    return { cib, expected: await expectedAnswers(node, cib, state) };
  };
  for (let attempt = 0; attempt < 10; attempt += 1) {
    await forgotten();
    const { cib, expected } = await read();
    const answers = await ask(expected);
    const after = await read();
    if (JSON.stringify(after.expected) === JSON.stringify(expected)) {
      return { answers, expected, cib };
    }
  }
  throw new Error('The cluster does not come to rest.');
}
