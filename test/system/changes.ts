import { readFile } from 'node:fs/promises';
import https from 'node:https';

import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { asking, type Bench } from './asking.ts';
import { call, untilHealthy } from './client.ts';
import { describeKills } from './kills.ts';
import { describeOutcomes } from './outcomes.ts';
import { describeSecrets } from './secrets.ts';

const storage = ['ZFS', 'SMB', 'NFS', 'Alphorn', 'VIP_mgmt0'];

/** Changes of a running cluster, and their effects on each other. Leaves the cluster as it was. */
export function describeChanges(bench: Bench): void {
  describe('changes', () => {
    const { node, configuration, restore, settle } = asking(bench);
    let saved = '';

    before(async () => {
      saved = await configuration();
    });
    afterEach(async () => {
      if ((await configuration()) !== saved) await restore(saved);
      await settle();
    });
    after(async () => {
      expect(await configuration()).to.equal(saved);
      expect((await node().cluster()).online).to.have.length(2);
    });

    describeMany(bench);
    describePlan(bench);
    describeConditions(bench);
    describeOutcomes(bench);
    describeSecrets(bench);
    describeKills(bench);
    describeJoining(bench);
  });
}

const clients = 20;
const rounds = 10;
const property = 'cluster-recheck-interval';

/** One of many changes. Its label also identifies it in the record. */
interface Wanted {
  client: number;
  round: number;
  method: string;
  path: string;
  body: object;
  label: string;
}

interface Recorded {
  at: string;
  id: string;
  outcome: string;
  before: string;
  after: string;
  changes?: { operation: string }[];
}

/**
 * Many changes at once: none is lost, and they are made in the order in which they came, for each client and overall.
 */
function describeMany(bench: Bench): void {
  describe(`${clients * rounds} at once, from ${clients} clients`, () => {
    const { node, ask, cib, configuration } = asking(bench);
    const wanted = Array.from({ length: rounds }, (_none, round) => round);
    let changes: Wanted[][] = [];
    const statuses: number[] = [];
    const reads: number[] = [];
    /** The number of changes without an answer at the time of each read's answer. */
    let waiting = 0;
    let made: (Recorded & { label: string })[] = [];
    let atTheEnd = '';

    before(async () => {
      changes = wanted.map((round) =>
        Array.from({ length: clients }, (_none, client) => changeOf(client, round)),
      );
      await recordVersions(node());
      const startedAt = new Date().toISOString();
      const agents = Array.from({ length: clients }, () => new https.Agent({ keepAlive: true }));
      const answers: Promise<unknown>[] = [];
      for (const round of changes) {
        // Each client connects first, because its handshake would delay its change.
        await Promise.all(agents.map((agent) => call(node(), '/healthz', { agent })));
        for (const { client, method, path, body } of round) {
          const agent = agents[client] as https.Agent;
          const answer = ask(method, path, body, { agent });
          answers.push(answer.then(({ status }) => statuses.push(status)));
        }
      }
      for (const path of ['property', 'constraint?raw=false', 'resource', 'status', 'node']) {
        reads.push((await ask('GET', path)).status);
      }
      waiting = clients * rounds - statuses.length;
      await Promise.all(answers);
      for (const agent of agents) agent.destroy();
      atTheEnd = await configuration();
      const { json } = await ask('GET', 'audit?limit=1000');
      made = (json as Recorded[])
        .map((each) => ({ ...each, label: labelOf(each) }))
        .filter(({ at, label }) => at >= startedAt && label !== '')
        .toReversed();
    });
    after(() => forgetVersions(node()));

    it('are all made and answered', () => {
      expect(statuses).to.deep.equal(Array.from({ length: clients * rounds }, () => 200));
      const labels = changes.flat().map(({ label }) => label);
      expect(made.map(({ label }) => label).toSorted()).to.deep.equal(labels.toSorted());
      expect(made.every(({ outcome }) => outcome === 'success')).to.equal(true);
    });

    it('do not delay reads', () => {
      expect(reads).to.deep.equal([200, 200, 200, 200, 200]);
      expect(waiting).to.be.greaterThan((clients * rounds) / 4);
    });

    it('are made one after another, in the order in which they came', async () => {
      const byLabel = new Map(changes.flat().map((each) => [each.label, each]));
      const order = made.map(({ label }) => byLabel.get(label) as Wanted);
      const roundsMade = order.map(({ round }) => round);
      expect(roundsMade).to.deep.equal(roundsMade.toSorted((a, b) => a - b));
      for (let client = 0; client < clients; client += 1) {
        const own = order.filter((each) => each.client === client);
        expect(own.map(({ round }) => round)).to.deep.equal(wanted);
      }
      const epochs = made.map((each) => [epochOf(each.before), epochOf(each.after)]);
      const first = epochs[0]?.[0] ?? NaN;
      expect(epochs).to.deep.equal(made.map((_each, index) => [first + index, first + index + 1]));
      // Each begins after the end of the one before.
      const ids = new Set(made.map(({ id }) => id));
      const lines = (await node().run(['cat', '/var/lib/ha-agent/audit.jsonl']))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Recorded)
        .filter(({ id }) => ids.has(id))
        .map(({ id, outcome }) => `${id} ${outcome}`);
      expect(lines).to.deep.equal(made.flatMap(({ id }) => [`${id} begun`, `${id} success`]));
    });

    it('leave a CIB that Pacemaker finds valid after each one', async () => {
      const epochs = made.map((each) => `${epochOf(each.after)}.xml`);
      // Only these versions, because other tests made invalid ones before.
      const check =
        'cd "$1" && shift && for f; do crm_verify --xml-file "$f" || echo "bad $f" $(crm_verify -V --xml-file "$f" 2>&1); done';
      const deadline = { deadlineMs: 300_000 };
      const argv = ['sh', '-c', check, 'sh', versionsFolder, ...epochs] as const;
      const printed = (await node().run(argv, deadline)).split('\n');
      expect(printed.filter((line) => line.startsWith('bad'))).to.deep.equal([]);
    });

    it('end with what was requested last', async () => {
      const ids = [...atTheEnd.matchAll(/ id="(many-\d\d-\d\d)"/g)].map(([, id]) => id);
      const remaining = Array.from({ length: clients }, (_none, client) =>
        [5, 7, 9].map((round) => idOf(client, round)),
      );
      expect(ids.toSorted()).to.deep.equal(remaining.flat());
      const value = / name="cluster-recheck-interval" value="([^"]*)"/.exec(atTheEnd)?.[1];
      const set = made.filter(({ label }) => label.startsWith('set')).at(-1);
      expect(`set ${value}`).to.equal(set?.label);
      // The configuration was restored meanwhile.
      expect(await cib("//*[starts-with(@id,'many-')]")).to.equal('');
    });
  });
}

/** The change of a client in a round: constraints are set and deleted, and all clients set one property. */
function changeOf(client: number, round: number): Wanted {
  const base = { client, round };
  const id = idOf(client, round);
  const score = 1 + client * rounds + round;
  const post = (path: string, body: object, label: string): Wanted => ({
    ...base,
    method: 'POST',
    path,
    body,
    label,
  });
  const gone = { 2: 0, 6: 3 }[round];
  if (gone !== undefined) {
    const former = idOf(client, gone);
    const label = `delete ${former}`;
    return { ...base, method: 'DELETE', path: `constraint/${former}`, body: {}, label };
  }
  if ([1, 4, 8].includes(round)) {
    const value = `9${id.replace(/\D/g, '')}s`;
    return post(`property/${property}/set`, { value }, `set ${value}`);
  }
  // A location by a rule replaces no other, unlike a location on a node.
  const expression = [{ attribute: id, operation: 'defined' }];
  const body = { name: id, resource: 'ZFS', score: `${score}`, rule: { expression } };
  return post('constraint/location', body, `create ${id}`);
}

function idOf(client: number, round: number): string {
  return `many-${`${client}`.padStart(2, '0')}-${`${round}`.padStart(2, '0')}`;
}

/** The label of a change, read from its recorded effect on the CIB; empty for changes of others. */
function labelOf({ changes = [] }: Recorded): string {
  const text = JSON.stringify(changes);
  const id = /many-\d\d-\d\d/.exec(text)?.[0];
  if (id !== undefined) return `${changes[0]?.operation} ${id}`;
  const value = /"(9\d{4}s)"/.exec(text)?.[1];
  return value === undefined ? '' : `set ${value}`;
}

function epochOf(version: string): number {
  return Number(version.split('.')[1]);
}

const tool = '/usr/sbin/cibadmin';
// Not below /root or /usr, where the agent's commands may not write.
const versionsFolder = '/var/tmp/cib-versions';

/**
 * Saves the CIB after each change with cibadmin. Pacemaker itself may skip versions: it writes only the last of several
 * quick changes to the disk.
 */
async function recordVersions(node: LabNode): Promise<void> {
  const script = await readFile(new URL('keep-versions.sh', import.meta.url), 'utf8');
  await node.run(['mkdir', versionsFolder]);
  await node.run(['mv', tool, `${tool}.real`]);
  await node.writeFile(tool, script, 0o755);
}

async function forgetVersions(node: LabNode): Promise<void> {
  await node.run(['mv', `${tool}.real`, tool]);
  await node.run(['rm', '-r', versionsFolder]);
}

/** Dry runs compared with the changes themselves. */
function describePlan(bench: Bench): void {
  describe('and their dry runs', () => {
    const { node, change, version, settle } = asking(bench);

    it('agree on what the cluster does after a standby', async () => {
      const { resources, coordinator = '' } = await node().cluster();
      const active = resources.find(({ id }) => id === 'ZFS')?.node ?? '';
      const scheduler = bench().lab.node(coordinator);
      const state = async () => [await version(), withoutTimes(await node().run(crmMon))];
      const before = await state();
      const { json } = await change('GET', `node/${active}/standby?dry_run=true`);
      const { actions, ...plan } = json as { actions: Action[]; dry_run: boolean; version: string };
      expect(plan).to.include({ dry_run: true, version: before[0] });
      await settle();
      expect(await state()).to.deep.equal(before);

      const cursor = ['journalctl', '--lines=0', '--show-cursor'] as const;
      const [, from = ''] = /^-- cursor: (.*)$/m.exec(await scheduler.run(cursor)) ?? [];
      await change('GET', `node/${active}/standby`);
      await settle();
      const journal = await scheduler.run([
        'journalctl',
        '--output=cat',
        '--unit=pacemaker',
        `--after-cursor=${from}`,
      ]);
      const done = firstTransition(journal);
      expect(done).to.include.members(
        storage.map((id) => `move ${id} ${active} -> ${otherThan(bench, active).name}`),
      );
      expect(actions.map(textOf).toSorted()).to.deep.equal(done.toSorted());
      await change('GET', `node/${active}/online`);
    });
  });
}

const crmMon = ['crm_mon', '--as-xml'] as const;

function withoutTimes(xml: string): string {
  return xml.replace(/<last_update [^>]*>| last_updated="[^"]*"/g, '');
}

function otherThan(bench: Bench, name: string): LabNode {
  return bench().lab.nodes.find((each) => each.name !== name) as LabNode;
}

interface Action {
  action: string;
  resource?: string;
  node?: string;
  from?: string;
}

function textOf({ action, resource, node, from }: Action): string {
  return `${action} ${resource} ${from === undefined ? '' : `${from} -> `}${node}`;
}

/** The actions of the first transition with any, from the log of the scheduler, in the format of `textOf`. */
function firstTransition(journal: string): string[] {
  const actions: string[] = [];
  for (const line of journal.split('\n')) {
    // Pacemaker 2.0 begins these lines with a star.
    const found = / (?:Actions:|\*) (\w+) +(\S+) +\( *(.*?) *\)/.exec(line);
    if (found) {
      const [, action = '', resource = '', where = ''] = found;
      actions.push(`${action.toLowerCase()} ${resource} ${where}`);
    } else if (actions.length > 0 && line.includes('Calculated transition')) break;
  }
  return actions;
}

/** The conditions that a caller can set for a change. */
function describeConditions(bench: Bench): void {
  describe('with conditions', () => {
    const { node, ask, change, version, configuration } = asking(bench);

    it('are made only at the version of If-Match', async () => {
      const old = (await ask('GET', 'property')).headers['etag'] as string;
      const path = 'property/batch-limit/set';
      const first = await change('POST', path, { value: '31' }, { headers: { 'If-Match': old } });
      const etag = first.headers['etag'] as string;
      expect(etag).to.equal(`"${await version()}"`);
      const before = await configuration();

      const late = await ask('POST', path, { value: '32' }, { headers: { 'If-Match': old } });
      expect(late.json).to.include({ status: 412, code: 'version_changed' });
      expect(late.status).to.equal(412);
      expect(await configuration()).to.equal(before);

      await change('POST', path, { value: '33' }, { headers: { 'If-Match': etag } });
      expect(await configuration()).to.include('value="33"');
    });

    it('wait until the cluster is idle', async () => {
      const places = async () => {
        const { resources } = await node().cluster();
        const ours = resources.filter(({ id }) => storage.includes(id));
        return [...new Set(ours.map((each) => `${each.role} ${each.node}`))];
      };
      const [place = ''] = await places();
      const active = place.replace('Started ', '');
      await change('GET', `node/${active}/standby?wait=60s`);
      expect(await places()).to.deep.equal([`Started ${otherThan(bench, active).name}`]);
      await change('GET', `node/${active}/online?wait=60s`);
    });

    it('are made once for an Idempotency-Key, even if the agent is restarted', async () => {
      const headers = { 'Idempotency-Key': `once-${Date.now()}` };
      const body = { name: 'once', resource: 'ZFS', location: node().name, score: '1' };
      const create = () => ask('POST', 'constraint/location', body, { headers });
      const first = await create();
      expect([first.status, first.text]).to.deep.equal([200, '""']);
      await change('DELETE', 'constraint/once');
      const before = await version();
      await node().run(['systemctl', 'restart', 'ha-agent']);
      await untilHealthy(node());
      const again = await create();
      expect([again.status, again.text]).to.deep.equal([200, '""']);
      expect(again.headers['etag']).to.equal(first.headers['etag']);
      expect(await version()).to.equal(before);

      const other = await ask('POST', 'constraint/location', { ...body, score: '2' }, { headers });
      expect(other.json).to.include({ status: 409, code: 'idempotency_key_reused' });
      expect(await version()).to.equal(before);
    });

    it('do not move a resource that would move back at once', async () => {
      const { resources } = await node().cluster();
      const active = resources.find(({ id }) => id === 'ZFS')?.node ?? '';
      // Higher than the stickiness of all resources together.
      const body = { resource: 'ZFS', location: active, score: '100000' };
      await change('POST', 'constraint/location?wait=60s', body);
      const before = await configuration();
      const target = otherThan(bench, active).name;
      const { status, json } = await ask('POST', 'resource/ZFS/migrate', { node: target });
      expect(json).to.include({ status: 409, code: 'would_not_move' });
      expect(status).to.equal(409);
      expect(await configuration()).to.equal(before);
      expect((await node().cluster()).resources).to.deep.equal(resources);
    });
  });
}

/** Until a node has joined, it has its own old CIB. Then it gets the CIB of the cluster. */
function describeJoining(bench: Bench): void {
  describe('on a node that joins', () => {
    const { node, ask } = asking(bench);

    it('are refused until it has joined, and then reach each node', async () => {
      const other = otherThan(bench, node().name);
      await node().run(['systemctl', 'stop', 'pacemaker'], { deadlineMs: 100_000 });
      await other.run(['crm_attribute', '--name', 'batch-limit', '--update', '27']);
      const started = node().run(['systemctl', 'start', 'pacemaker'], { deadlineMs: 60_000 });
      const refusals = new Set<string>();
      const isMade = async () => {
        const answer = await ask('POST', `property/${property}/set`, { value: '771s' });
        if (answer.status !== 200) refusals.add((answer.json as { code: string }).code);
        return answer.status === 200;
      };
      await waitUntil('the change to be made', isMade, { everyMs: 20 });
      await started;
      expect([...refusals]).to.include('node_joining');
      expect(['cluster_not_running', 'node_joining']).to.include.members([...refusals]);
      await node().waitUntilCluster('all nodes online', ({ online }) => online.length === 2);
      for (const each of bench().lab.nodes) {
        const options = await each.run(['cibadmin', '--query', '--scope', 'crm_config']);
        expect(options, each.name).to.include('value="27"').and.include('value="771s"');
      }
    });
  });
}
