import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';

import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'chai';

import { Fault } from '../../../src/kit/fault.ts';
import { withoutStatus } from '../../../src/parsers/cib/text.ts';
import { changesBench, nodes, outcomeOf, storageCib } from '../../support/changes-bench.ts';
import { type FakeCluster, fakeCluster, success } from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { local, other } = nodes;

describe('migrate', () => {
  const folder = temporaryFolder();

  /**
   * A cluster in which SMB runs on this node.
   * @param plans what the scheduler prints for each CIB, one after another
   */
  function cluster(
    ...plans: readonly (readonly string[])[]
  ): FakeCluster & { move: (node: string) => void } {
    const fake = fakeCluster(storageCib);
    let where: string = local;
    const left = [...plans];
    fake.answers.set('crm_mon', () =>
      success(
        `<crm_mon version="2"><nodes/><resources><resource id="SMB" role="Started"><node name="${where}"/></resource></resources></crm_mon>`,
      ),
    );
    fake.answers.set('crm_simulate', async ({ argv }) => {
      if (argv.includes('--live-check')) return success(scores);
      await writeFile(argv.at(-1) ?? '', await readFile(argv.at(-3) ?? '', 'utf8'));
      const lines = (left.shift() ?? []).map((line) => `  * ${line}\n`);
      return success(`Transition Summary:\n${lines.join('')}`);
    });
    return { ...fake, move: (node) => (where = node) };
  }
  const moves = `Move       SMB     ( ${local} -> ${other} )`;
  const movesBack = `Move       SMB     ( ${other} -> ${local} )`;
  const scores = `pcmk__primitive_assign: SMB allocation score on ${local}: 100\npcmk__primitive_assign: SMB allocation score on ${other}: -INFINITY\n`;
  const body = { node: other };
  /** The preference of the agent of a host. */
  const preferenceUntil = (end: string, host = hostname(), rsc = 'SMB') =>
    `<rsc_location id="cli-prefer-${rsc}" rsc="${rsc}" role="Started"><rule id="cli-prefer-rule-${rsc}" score="INFINITY" boolean-op="and"><expression id="cli-prefer-expr-${rsc}" attribute="#uname" operation="eq" value="${other}"/><date_expression id="ha-agent-move-by-${host}" operation="lt" end="${end}"/></rule></rsc_location>`;
  const withConstraint = (xml: string) =>
    storageCib.replace('</constraints>', `${xml}</constraints>`);

  it('prefers the node, waits until the resource is there, and leaves no constraint behind', async () => {
    const moving = cluster([moves], []);
    const seen: boolean[] = [];
    moving.answers.set('crm_resource', () => {
      const [, end = ''] = / operation="lt" end="([^"]*)"/.exec(moving.xml()) ?? [];
      seen.push(moving.xml().includes(preferenceUntil(end)));
      // The preference ends by itself, but not before the agent would give up the change.
      expect(Date.parse(end) - Date.now()).to.be.within(120_000, 3_600_000);
      moving.move(other);
      return success('');
    });
    const { call } = await changesBench(folder.path, { cluster: moving });
    const answer = await call('POST', 'resource/SMB/migrate', body);
    expect([answer.status, answer.body]).to.deep.equal([200, { node: other, name: 'SMB' }]);
    expect(seen).to.deep.equal([true]);
    expect(moving.cibs).to.have.lengthOf(3);
    expect(moving.cibChanges()).to.deep.equal([]);
  });

  it('is made completely with If-Match, although its first step changes the version', async () => {
    const moving = cluster([moves], []);
    moving.move(other);
    const { call } = await changesBench(folder.path, { cluster: moving });
    const answer = await call('POST', 'resource/SMB/migrate', body, { 'If-Match': '"0.8"' });
    expect([answer.status, answer.headers['etag']]).to.deep.equal([200, '"0.10"']);
    expect(moving.cibChanges()).to.deep.equal([]);
  });

  it('is refused if the resource would not move to the node or would not stay there', async () => {
    for (const [plans, why] of [
      [[[], []], 'the scheduler gives SMB the score -INFINITY there'],
      [[[`Stop       SMB     ( ${local} )`], []], 'the score -INFINITY there'],
      [[[moves], [movesBack]], `would move back to ${local} at once`],
    ] as const) {
      const fake = cluster(...plans);
      const { call } = await changesBench(`${folder.path}/${why.length}${plans[0].length}`, {
        cluster: fake,
      });
      const answer = await call('POST', 'resource/SMB/migrate', body);
      expect(outcomeOf(answer)).to.deep.equal([409, 'would_not_move']);
      expect(answer.body).to.have.property('detail').that.includes(why);
      expect(fake.cibs).to.have.lengthOf(1);
    }
  });

  it('answers 202 if the resource did not start there, and leaves no constraint behind', async () => {
    const moving = cluster([moves], []);
    const { call } = await changesBench(folder.path, { cluster: moving });
    const answer = await call('POST', 'resource/SMB/migrate', body);
    expect([answer.status, answer.body]).to.deep.equal([202, { node: other, name: 'SMB' }]);
    expect(answer.headers['x-ha-warnings']).to.include(
      `199 ha-agent "SMB is not on ${other} but on ${local}`,
    );
    expect(moving.cibChanges()).to.deep.equal([]);
  });

  it('leaves no constraint behind if the wait fails or times out', async () => {
    for (const [ending, outcome] of [
      ['late', [202]],
      ['hangs', [504, 'tool_timeout']],
    ] as const) {
      const moving = cluster([moves], []);
      moving.answers.set('crm_resource', () => {
        if (ending === 'late') return { exitCode: 124, stdout: '', stderr: '' };
        throw new Fault('tool_timeout', 'It hangs.');
      });
      const { call } = await changesBench(`${folder.path}/${ending}`, { cluster: moving });
      expect(outcomeOf(await call('POST', 'resource/SMB/migrate', body))).to.deep.equal(outcome);
      expect(moving.cibs).to.have.lengthOf(3);
      expect(moving.cibChanges()).to.deep.equal([]);
    }
  });

  describe('for the promoted role', () => {
    const clone =
      '<clone id="Db-clone"><primitive id="Db" class="ocf" provider="pacemaker" type="Stateful"/><meta_attributes id="Db-m"><nvpair id="Db-m-p" name="promotable" value="true"/></meta_attributes></clone><clone id="Plain-clone"><primitive id="Plain" class="ocf" provider="pacemaker" type="Stateful"/></clone>';
    const cib = (role: string) =>
      storageCib
        .replace('</resources>', `${clone}</resources>`)
        .replace(
          /validate-with="[^"]*"/,
          `validate-with="pacemaker-${role === 'Master' ? '3.5' : '3.9'}"`,
        );
    const promotes = (role: string, id = 'Db') => [
      `Demote     ${id}:0     ( ${role} -> Un ${local} )`,
      `Promote    ${id}:1     ( Un -> ${role} ${other} )`,
    ];
    /** A cluster in which Db is promoted on this node, until `promote` names another. */
    function promotable(role: string, ...plans: readonly (readonly string[])[]) {
      const moving = cluster(...plans);
      moving.cibs[0] = cib(role);
      let where: string = local;
      moving.answers.set('crm_mon', () => {
        const instance = (node: string) =>
          `<resource id="Db" role="${node === where ? role : 'Started'}"><node name="${node}"/></resource>`;
        return success(
          `<crm_mon version="2"><nodes/><resources><clone id="Db-clone">${instance(local)}${instance(other)}</clone></resources></crm_mon>`,
        );
      });
      return { ...moving, promote: (node: string) => (where = node) };
    }
    const asked = { node: other, role: 'Promoted' };

    for (const role of ['Promoted', 'Master']) {
      it(`prefers the node for the role ${role}, and leaves no constraint behind`, async () => {
        const moving = promotable(role, promotes(role), promotes(role));
        let seen = '';
        moving.answers.set('crm_resource', () => {
          seen ||= /<rsc_location id="cli-prefer-Db-clone"[^>]*>/.exec(moving.xml())?.[0] ?? '';
          moving.promote(other);
          return success('');
        });
        const { call } = await changesBench(`${folder.path}/${role}`, { cluster: moving });
        const answer = await call('POST', 'resource/Db-clone/migrate', asked);
        expect([answer.status, answer.body]).to.deep.equal([
          200,
          { node: other, name: 'Db-clone' },
        ]);
        expect(seen).to.equal(
          `<rsc_location id="cli-prefer-Db-clone" rsc="Db-clone" role="${role}">`,
        );
        expect(moving.xml()).not.to.include('cli-prefer');
      });
    }

    it('is refused if the node would not be promoted, and warns if another one is promoted afterwards', async () => {
      const none = promotable('Promoted', [`Start      Db:1     ( ${other} )`], []);
      const { call } = await changesBench(`${folder.path}/none`, { cluster: none });
      const refused = await call('POST', 'resource/Db-clone/migrate', asked);
      expect(outcomeOf(refused)).to.deep.equal([409, 'would_not_move']);
      expect(none.cibs).to.have.lengthOf(1);

      const back = promotable('Promoted', promotes('Promoted'), []);
      back.answers.set('crm_resource', () => {
        back.promote(back.xml().includes('cli-prefer') ? other : local);
        return success('');
      });
      const second = await changesBench(`${folder.path}/back`, { cluster: back });
      const gone = await second.call('POST', 'resource/Db-clone/migrate', asked);
      expect(gone.status).to.equal(202);
      expect(gone.headers['x-ha-warnings']).to.include(
        `Db-clone is not promoted on ${other} but on ${local}`,
      );
      expect(back.xml()).not.to.include('cli-prefer');
    });

    it('succeeds if the node is promoted already', async () => {
      const there = promotable('Promoted', [], []);
      const { call } = await changesBench(folder.path, { cluster: there });
      const answer = await call('POST', 'resource/Db-clone/migrate', { ...asked, node: local });
      expect(answer.status).to.equal(200);
      expect(there.cibs).to.have.lengthOf(1);
    });

    it('is refused for a resource without such a role', async () => {
      for (const [name, reason] of [
        ['Db', 'Name Db-clone instead'],
        ['SMB', 'is not a promotable clone'],
        ['Plain-clone', 'is not a promotable clone'],
      ] as const) {
        for (const query of ['', '?dry_run=true']) {
          const { call, cluster: same } = await changesBench(
            `${folder.path}/${name}${query.length}`,
            {
              cluster: promotable('Promoted', [], []),
            },
          );
          const answer = await call('POST', `resource/${name}/migrate${query}`, asked);
          expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
          expect(answer.body).to.have.property('detail').that.includes(reason);
          expect(same.cibs).to.have.lengthOf(1);
        }
      }
    });

    it('takes no other role', async () => {
      const { call } = await changesBench(folder.path, { cluster: promotable('Promoted') });
      for (const role of ['Started', 'promoted', '', null, 1]) {
        const answer = await call('POST', 'resource/Db-clone/migrate', { node: other, role });
        expect(outcomeOf(answer)).to.deep.equal([400, 'invalid_request']);
      }
    });
  });

  it("leaves somebody else's preference when it is refused or fails", async () => {
    const theirs = `<rsc_location id="cli-prefer-SMB" rsc="SMB" role="Started" node="${local}" score="INFINITY"/>`;
    for (const failing of ['wait', 'patch']) {
      const moving = cluster([moves], []);
      moving.cibs[0] = withConstraint(theirs);
      let patches = 0;
      moving.answers.set('cibadmin', ({ argv }) => {
        if (!argv.includes('--patch')) return undefined;
        patches += 1;
        return failing === 'patch' && patches === 2
          ? { exitCode: 78, stdout: '', stderr: 'no' }
          : undefined;
      });
      moving.answers.set('crm_resource', () => {
        if (failing === 'wait') throw new Fault('tool_timeout', 'It hangs.');
        if (failing === 'patch') moving.move(other);
        return success('');
      });
      const { call } = await changesBench(`${folder.path}/${failing}`, { cluster: moving });
      expect((await call('POST', 'resource/SMB/migrate', body)).status).to.be.oneOf([504, 422]);
      expect(moving.cibs, failing).to.have.lengthOf(3);
      expect(moving.xml()).to.include(theirs);
      expect(moving.xml()).not.to.include('ha-agent-move-by');
    }
  });

  it('replaces the preference that an older migrate left behind', async () => {
    const left = `<rsc_location id="cli-prefer-SMB" rsc="SMB" role="Started" node="${local}" score="INFINITY"/>`;
    const moving = cluster([moves], []);
    moving.cibs[0] = withConstraint(left);
    moving.move(other);
    const { call } = await changesBench(folder.path, { cluster: moving });
    expect((await call('POST', 'resource/SMB/migrate', body)).status).to.equal(200);
    expect(moving.xml()).not.to.include('cli-prefer');
  });

  it('removes the preference of an earlier migrate of another resource that the agent could not finish', async () => {
    const moving = cluster([moves], []);
    moving.cibs[0] = withConstraint(preferenceUntil('2999-01-01 00:00:00Z', hostname(), 'NFS'));
    moving.move(other);
    const { call } = await changesBench(folder.path, { cluster: moving });
    expect((await call('POST', 'resource/SMB/migrate', body)).status).to.equal(200);
    expect(moving.xml()).not.to.include('cli-prefer');
  });

  describe('that the end of the agent interrupted', () => {
    async function startedOver(xml: string, within = folder.path) {
      const left = cluster();
      left.cibs[0] = xml;
      const { app, call } = await changesBench(within, { cluster: left });
      await app.finishUnfinished(new AbortController().signal);
      return { left, call };
    }

    it('is finished at the next start: the preference is removed, and the audit log has it', async () => {
      const { left, call } = await startedOver(
        withConstraint(preferenceUntil('2999-01-01 00:00:00Z')),
      );
      expect(left.xml()).not.to.include('cli-prefer');
      const [entry] = (await call('GET', 'audit')).body as object[];
      expect(entry).to.include({
        caller: 'ha-agent',
        route: '/api/v2/system/ha/resource/SMB/migrate',
        outcome: 'success',
      });
    });

    it("is finished for another host's agent once its preference has ended", async () => {
      const { left } = await startedOver(
        withConstraint(preferenceUntil('2020-01-01 00:00:00Z', 'elsewhere')),
      );
      expect(left.xml()).not.to.include('cli-prefer');
    });

    it("is left to another host's agent before that, as are preferences of other tools", async () => {
      const others = [
        preferenceUntil('2999-01-01 00:00:00Z', 'elsewhere'),
        preferenceUntil('2020-01-01 00:00:00Z').replace('ha-agent-move-by-', 'cli-prefer-'),
        `<rsc_location id="cli-prefer-SMB" rsc="SMB" role="Started" node="${other}" score="INFINITY"/>`,
      ];
      for (const [index, xml] of others.entries()) {
        const { left } = await startedOver(withConstraint(xml), `${folder.path}/${index}`);
        expect(left.cibs).to.have.lengthOf(1);
      }
    });

    it('is not searched for if Pacemaker is not installed', async () => {
      const without = fakeCluster(storageCib);
      without.answers.set('cibadmin', () => {
        throw new Fault('tool_missing', 'There is no cibadmin.');
      });
      const { app } = await changesBench(folder.path, { cluster: without });
      await app.finishUnfinished(new AbortController().signal);
      expect(without.calls).to.have.lengthOf(1);
    });

    it('is finished later if the cluster is stopped, unless the agent stops first', async () => {
      const stopped = fakeCluster(storageCib);
      stopped.answers.set('cibadmin', () => ({ exitCode: 102, stdout: '', stderr: '' }));
      const { app } = await changesBench(folder.path, { cluster: stopped });
      const stopping = new AbortController();
      const waiting = app.finishUnfinished(stopping.signal);
      expect(await Promise.race([waiting.then(() => 'ended'), sleep(100, 'waits')])).to.equal(
        'waits',
      );
      stopping.abort();
      await waiting;
    });
  });

  it('is refused if the cluster would stop the resource or may not start it', async () => {
    for (const [index, plan] of [
      `Stop       SMB     ( ${other} )  due to no quorum`,
      `Start      SMB     ( ${other} )  due to no quorum (blocked)`,
    ].entries()) {
      const fake = cluster([plan], []);
      if (index === 0) fake.move(other);
      const { call } = await changesBench(`${folder.path}/${index}`, { cluster: fake });
      const answer = await call('POST', 'resource/SMB/migrate', body);
      expect(outcomeOf(answer)).to.deep.equal([409, 'would_not_move']);
      expect(fake.cibs).to.have.lengthOf(1);
    }
  });

  it('shows the move in a dry run', async () => {
    const moving = cluster([moves]);
    const { call } = await changesBench(folder.path, { cluster: moving });
    const { body: tried } = await call('POST', 'resource/SMB/migrate?dry_run=true', body);
    expect(tried).to.deep.include({
      dry_run: true,
      actions: [{ action: 'move', resource: 'SMB', node: other, from: local }],
    });
    expect(moving.cibs).to.have.lengthOf(1);
  });

  it('is also refused as a dry run', async () => {
    const refused = [
      [[], []],
      [[moves], [movesBack]],
    ];
    for (const [index, plans] of refused.entries()) {
      const fake = cluster(...plans);
      const { call } = await changesBench(`${folder.path}/${index}`, { cluster: fake });
      const answer = await call('POST', 'resource/SMB/migrate?dry_run=true', body);
      expect(outcomeOf(answer)).to.deep.equal([409, 'would_not_move']);
    }
  });
});

describe('a change of a CIB that others also change', () => {
  const folder = temporaryFolder();

  /** A cluster in which somebody else changes the CIB first. @param times how often */
  async function bench(times: number) {
    const cluster = fakeCluster(storageCib);
    let left = times;
    const patches: string[] = [];
    const cibs = cluster.cibs;
    cluster.answers.set('cibadmin', ({ argv, input = '' }) => {
      if (argv.includes('--query')) return success(cibs.at(-1) ?? '');
      patches.push(input);
      if (left === 0) return undefined;
      left -= 1;
      const now = cibs.at(-1) ?? '';
      cibs.push(
        now.replace(/ epoch="(\d+)"/, (_all, epoch: string) => ` epoch="${Number(epoch) + 1}"`),
      );
      return { exitCode: 103, stdout: '', stderr: 'Update was older than existing configuration' };
    });
    return { ...(await changesBench(folder.path, { cluster })), patches };
  }

  it('names the version of its configuration, but not how often the status has changed', async () => {
    const { call, patches } = await bench(0);
    await call('GET', 'resource/SMB/stop');
    const [patch = ''] = patches;
    expect(/<version>.*<\/version>/.exec(patch)?.[0]).to.equal(
      '<version><source admin_epoch="0" epoch="8"/><target admin_epoch="0" epoch="9"/></version>',
    );
  });

  it('is made again from the new CIB', async () => {
    const { call, patches } = await bench(4);
    expect((await call('GET', 'resource/SMB/stop')).status).to.equal(200);
    expect(patches).to.have.lengthOf(5);
    expect(new Set(patches).size).to.equal(5);
  });

  it('is given up after five tries, and the answer says so', async () => {
    const { call, patches } = await bench(9);
    const answer = await call('GET', 'resource/SMB/stop');
    expect(outcomeOf(answer)).to.deep.equal([409, 'changed_meanwhile']);
    expect(patches).to.have.lengthOf(5);
  });

  const busy = 'Update was older than existing configuration';
  for (const [why, exitCode, stderr, outcome] of [
    ['given up', 103, busy, [409, 'changed_meanwhile']],
    ['refused', 78, 'does not conform to the schema', [422, 'cluster_refused']],
  ] as const) {
    it(`says that its first part was made, when only the second is ${why}`, async () => {
      const cluster = fakeCluster(storageCib);
      const { cibs } = cluster;
      let patches = 0;
      cluster.answers.set('cibadmin', ({ argv }) => {
        if (!argv.includes('--patch')) return undefined;
        patches += 1;
        if (patches === 1) return undefined;
        const now = cibs.at(-1) ?? '';
        cibs.push(now.replace(/ epoch="\d+"/, ` epoch="${100 + patches}"`));
        return { exitCode, stdout: '', stderr };
      });
      const { call } = await changesBench(folder.path, { cluster });
      const answer = await call('GET', 'resource/SMB/delete');
      expect(outcomeOf(answer)).to.deep.equal(outcome);
      expect((answer.body as { detail: string }).detail).to.match(
        /^The first part of this change was made, and the audit log has it\. About the rest: \S/,
      );
      if (exitCode === 78) expect(answer.body).to.include({ exitCode, stderr });
      expect(cluster.xml()).to.include('id="SMB-meta_attributes-target-role"');
      expect(cluster.xml()).to.include('<primitive id="SMB"');
    });
  }

  it('is not made again if its If-Match names the former version', async () => {
    const { call, patches } = await bench(1);
    const answer = await call('GET', 'resource/SMB/stop', {}, { 'If-Match': '"0.8"' });
    expect(outcomeOf(answer)).to.deep.equal([412, 'version_changed']);
    expect(patches).to.have.lengthOf(1);
  });

  it('is refused on a node that has not joined yet, because it would be lost', async () => {
    const cluster = fakeCluster(withoutStatus(storageCib));
    const { call } = await changesBench(folder.path, { cluster });
    const answer = await call('GET', 'resource/SMB/stop');
    expect(outcomeOf(answer)).to.deep.equal([503, 'node_joining']);
    expect(answer.headers['retry-after']).to.equal('5');
    expect(cluster.changes()).to.deep.equal([]);
  });

  it('is refused with the error of Pacemaker', async () => {
    const cluster = fakeCluster(storageCib);
    cluster.answers.set('cibadmin', ({ argv }) =>
      argv.includes('--query')
        ? success(storageCib)
        : { exitCode: 78, stdout: '', stderr: 'does not conform to the schema' },
    );
    const { call } = await changesBench(folder.path, { cluster });
    const answer = await call('GET', 'resource/SMB/stop');
    expect(outcomeOf(answer)).to.deep.equal([422, 'cluster_refused']);
    expect(answer.body).to.include({ exitCode: 78, stderr: 'does not conform to the schema' });
  });
});
