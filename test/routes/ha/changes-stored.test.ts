import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'chai';

import { changesBench, outcomeOf, storageCib } from '../../support/changes-bench.ts';
import {
  type Escaping,
  type FakeCluster,
  fakeCluster,
  keepsAll,
  stopsBeyondAscii,
  success,
  writesOctal,
} from '../../support/fake-cluster.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const injection = 'ü"/><nvpair id="inj" name="op_sleep" value="7';
const refused = [422, 'value_not_allowed'];

/** Everywhere a caller may send a value. */
const places: readonly (readonly [
  what: string,
  path: string,
  bodyOf: (value: string) => object,
])[] = [
  ['a parameter', 'resource/SMB/update', (value) => ({ meta: { note: value } })],
  [
    'a new resource',
    'resource',
    (value) => ({ name: 'A', resource_agent: 'ocf:heartbeat:Dummy', meta: { note: value } }),
  ],
  ['an option of a clone', 'resource/SMB/clone', (value) => ({ meta: { note: value } })],
  [
    'an operation',
    'resource/SMB/update',
    (value) => ({ operations: { monitor: { interval: '7s', description: value } } }),
  ],
  [
    'the password of a fence device',
    'stonith/create',
    (value) => ({
      name: 'F',
      agent: 'fence_ipmilan',
      params: { ip: '192.0.2.9', password: value },
    }),
  ],
  [
    'a rule',
    'constraint/location',
    (value) => ({
      resource: 'SMB',
      rule: { score: '1', expression: [{ attribute: 'a', operation: 'eq', value }] },
    }),
  ],
];

describe('a value', () => {
  const folder = temporaryFolder();
  let benches = 0;
  const bench = (escaping: Escaping = keepsAll) => {
    benches += 1;
    const cluster = fakeCluster(storageCib, escaping);
    return changesBench(join(folder.path, String(benches)), { cluster });
  };

  for (const [what, path, bodyOf] of places) {
    it(`is neither sent nor stored if Pacemaker would damage it, as ${what}`, async () => {
      for (const [escaping, value] of [
        [stopsBeyondAscii, injection],
        [stopsBeyondAscii, 'Schlüssel<1>&"x'],
        [writesOctal, 'Büro'],
      ] as const) {
        const { call, cluster } = await bench(escaping);
        for (const asked of [`${path}?dry_run=true`, path]) {
          const answer = await call('POST', asked, bodyOf(value));
          expect(outcomeOf(answer), answer.text).to.deep.equal(refused);
        }
        expect(cluster.changes()).to.deep.equal([]);
        expect(cluster.xml()).to.equal(storageCib);
      }
    });

    it(`is stored unchanged if Pacemaker does not damage it, as ${what}`, async () => {
      for (const [escaping, value] of [
        [keepsAll, injection],
        [keepsAll, '\u202e😀e\u0301 ]]> &amp;#233; \t日'],
        [stopsBeyondAscii, '"<&>" 日 \'>'],
        [writesOctal, `a "b" 'c' <d> &amp; ]]> \\303`],
      ] as const) {
        const { call, cluster } = await bench(escaping);
        const answer = await call('POST', path, bodyOf(value));
        expect(answer.status, answer.text).to.equal(200);
        const values = [...cluster.xml().matchAll(/="([^"]*)"/g)].map(([, text]) => text);
        expect(values).to.include(written(value));
        expect(cluster.xml()).not.to.include('<nvpair id="inj"');
      }
    });
  }

  it('has at most 4096 characters of any kind', async () => {
    for (const sign of ['x', '&', 'é', '😀']) {
      const { call, cluster } = await bench();
      const update = (length: number) =>
        call('POST', 'resource/SMB/update', { meta: { note: sign.repeat(length) } });
      expect((await update(4097)).status).to.equal(400);
      expect(cluster.cibs).to.have.lengthOf(1);
      expect((await update(4096)).status).to.equal(200);
      expect(cluster.xml()).to.include(`value="${written(sign.repeat(4096))}"`);
    }
  });

  it('is a bad request if XML cannot contain it, and is not allowed with a control character', async () => {
    const { call, cluster } = await bench();
    const update = async (value: string) =>
      outcomeOf(await call('POST', 'resource/SMB/update', { meta: { note: value } }));
    for (const sign of ['\0', '\u0008', '\u001f', '\ud800', '\udc00x', '\ufffe', '\uffff']) {
      expect(await update(`a${sign}`)).to.deep.equal([400, 'invalid_request']);
    }
    for (const sign of ['\n', '\r', '\u007f', '\u0080', '\u0085', '\u009f']) {
      expect(await update(`a${sign}b`)).to.deep.equal(refused);
    }
    expect(cluster.cibs).to.have.lengthOf(1);
    expect(await update('a\tb')).to.deep.equal([200]);
    expect(cluster.xml()).to.include('value="a&#9;b"');
  });

  it('is refused with its name and the bad characters, but without the whole value', async () => {
    const { call } = await bench(stopsBeyondAscii);
    const { body } = await call('POST', 'resource/SMB/update', { meta: { note: 'Größe "x"' } });
    expect(body).to.include({
      detail:
        "Pacemaker on this node would not store the value of 'note' as it is: it damages '\"' (U+0022) after a character beyond ASCII such as 'ö' (U+00F6). Nothing was changed. Write the value without these characters.",
    });
  });

  it('does not prevent changes next to it if others stored it', async () => {
    const lines = 'name="note" value="a&#10;b"';
    const cib = storageCib.replace(
      /(<primitive[^>]* id="SMB"[^>]*>)/,
      `$1<meta_attributes id="by-hand"><nvpair id="by-hand-note" ${lines}/></meta_attributes>`,
    );
    expect(cib).to.include(lines);
    const { call, cluster } = await changesBench(folder.path, { cluster: fakeCluster(cib) });
    const answer = await call('POST', 'resource/SMB/clone', { meta: { 'clone-max': '2' } });
    expect(answer.status, answer.text).to.equal(200);
    expect(cluster.xml()).to.include(lines);
  });

  it('is a bad request if its bytes are not UTF-8', async () => {
    const { app, cluster } = await bench();
    const body = Buffer.concat([
      Buffer.from('{"meta":{"note":"a'),
      Buffer.from([0xe9]),
      Buffer.from('"}}'),
    ]);
    const answer = await app.client
      .post('/api/v2/system/ha/resource/SMB/update')
      .set({ token: app.token, 'Content-Type': 'application/json' })
      .serialize((sent: unknown) => sent as string)
      .send(body);
    expect(outcomeOf(answer)).to.deep.equal([400, 'invalid_request']);
    expect(cluster.cibs).to.have.lengthOf(1);
  });

  it('is a bad request with half of a surrogate pair, also for a file', async () => {
    const { call, paths } = await bench();
    for (const conf of ['totem {\n}\n# \ud800', 'totem {\n}\n# \udc00x']) {
      expect(outcomeOf(await call('POST', 'corosync/raw', { conf }))).to.deep.equal([
        400,
        'invalid_request',
      ]);
    }
    expect(existsSync(paths.corosyncConf)).to.equal(false);
  });

  it('is shown as it is, with one warning, if it is damaged already', async () => {
    // A damaged secret gets no warning, because its mask hides the damage.
    const pair =
      '<nvpair id="office" name="office" value="B\\37777777703\\37777777674ro"/><nvpair id="secret" name="password" value="\\37777777703\\37777777651"/>';
    const cib = storageCib.replace(
      '</cluster_property_set>',
      () => `${pair}</cluster_property_set>`,
    );
    const { call, app } = await changesBench(folder.path, { cluster: fakeCluster(cib) });
    const shown = () => call('GET', 'property/office/details');
    const first = await shown();
    expect(first.body).to.deep.equal({
      office: { default: '', value: 'B\\37777777703\\37777777674ro' },
    });
    expect(first.headers['x-ha-warnings'])
      .to.be.a('string')
      .that.includes('value of nvpair office');
    expect((await shown()).headers).not.to.have.property('x-ha-warnings');
    const logged = app.lines.filter((line) => 'damaged' in line);
    expect(logged).to.have.lengthOf(1);
    expect(logged[0]).to.deep.include({
      damaged: ['value of nvpair office', 'value of nvpair secret'],
    });
  });
});

describe('a change that cibadmin reports as made', () => {
  const folder = temporaryFolder();
  const own = storageCib;
  const ofOther = storageCib.replace('dc-uuid="2"', 'dc-uuid="1"');

  /** A cluster that makes something else of the first patch. */
  function storing(cib: string, instead: (patch: string) => string | undefined): FakeCluster {
    const cluster = fakeCluster(cib);
    cluster.answers.set('cibadmin', (command) => {
      if (!command.argv.includes('--patch') || command.env) return undefined;
      cluster.answers.delete('cibadmin');
      const input = instead(command.input ?? '');
      return input === undefined ? success('') : cluster.run({ ...command, input });
    });
    return cluster;
  }

  for (const [where, cib] of [
    ['this node', own],
    ['another node', ofOther],
  ] as const) {
    for (const [what, path, body, damage] of [
      [
        'another value',
        'resource/SMB/update',
        { meta: { note: 'one' } },
        (patch: string) => patch.replaceAll('value="one"', 'value="two"'),
      ],
      [
        'an element more',
        'resource',
        { name: 'A', resource_agent: 'ocf:heartbeat:Dummy', meta: { note: 'one' } },
        (patch: string) => patch.replace(/<nvpair [^>]*one"\/>/, '$&<nvpair id="inj" name="x"/>'),
      ],
      [
        'another value in a new resource',
        'resource',
        { name: 'A', resource_agent: 'ocf:heartbeat:Dummy', meta: { note: 'one' } },
        (patch: string) => patch.replaceAll('value="one"', 'value="two"'),
      ],
      [
        'another value of a property',
        'property/batch-limit/set',
        { value: '77' },
        (patch: string) => patch.replaceAll('"77"', '"78"'),
      ],
    ] as const) {
      it(`is undone if the CIB has ${what}, and the coordinator is ${where}`, async () => {
        const cluster = storing(cib, damage);
        const { call } = await changesBench(folder.path, { cluster });
        const answer = await call('POST', path, body);
        expect(outcomeOf(answer), answer.text).to.deep.equal([422, 'stored_otherwise']);
        expect((answer.body as { detail: string }).detail).to.include('The change was undone');
        expect(cluster.cibs).to.have.lengthOf(3);
        expect(cluster.cibChanges()).to.deep.equal([]);
        const [entry] = (await call('GET', 'audit')).body as object[];
        expect(entry).to.include({ outcome: 'stored_otherwise' });
      });
    }

    it(`has an unknown outcome if the CIB does not show it, and the coordinator is ${where}`, async () => {
      const cluster = storing(cib, () => undefined);
      const { call } = await changesBench(folder.path, { cluster });
      const answer = await call('POST', 'resource/SMB/update', { meta: { note: 'one' } });
      expect(outcomeOf(answer)).to.deep.equal([409, 'outcome_unknown']);
      expect(cluster.cibs).to.have.lengthOf(1);
    });
  }

  it('has an unknown outcome if what was stored instead cannot be undone', async () => {
    const cluster = fakeCluster(own);
    const { call } = await changesBench(folder.path, { cluster });
    cluster.answers.set('cibadmin', (command) => {
      if (!command.argv.includes('--patch')) return undefined;
      cluster.answers.set('cibadmin', ({ argv }) =>
        argv.includes('--patch') ? { exitCode: 103, stdout: '', stderr: 'old' } : undefined,
      );
      cluster.cibs.push(nextOf(cluster.xml().replace('</constraints>', '<rsc_ticket id="x"/>$&')));
      return success('');
    });
    const answer = await call('POST', 'constraint/ticket', {
      name: 'x',
      ticket: 'T',
      resource: 'SMB',
    });
    expect(outcomeOf(answer)).to.deep.equal([409, 'outcome_unknown']);
    expect((answer.body as { detail: string }).detail).to.include('could not be undone');
  });

  it("is not undone if others changed it since, nor is another's change of the same version", async () => {
    const cluster = fakeCluster(own);
    const { call } = await changesBench(folder.path, { cluster });
    cluster.answers.set('cibadmin', (command) => {
      if (!command.argv.includes('--patch')) return undefined;
      cluster.answers.delete('cibadmin');
      return cluster.run(command).then((made) => {
        cluster.cibs.push(nextOf(cluster.xml().replace('"77"', '"78"')));
        return made;
      });
    });
    const answer = await call('POST', 'property/cluster-delay/set', { value: '77' });
    expect(answer.status, answer.text).to.equal(200);

    const raced = fakeCluster(ofOther);
    const theirs = '<rsc_ticket id="theirs" rsc="SMB" ticket="T"/></constraints>';
    const other = nextOf(ofOther.replace('</constraints>', theirs));
    raced.answers.set('cibadmin', ({ argv }) => {
      if (!argv.includes('--patch')) return undefined;
      raced.cibs.push(other);
      return success('');
    });
    const benchOfOther = await changesBench(`${folder.path}/raced`, { cluster: raced });
    const body = { ticket: 'mine', resource: 'SMB' };
    const unknown = await benchOfOther.call('POST', 'constraint/ticket', body);
    expect(outcomeOf(unknown)).to.deep.equal([409, 'outcome_unknown']);
    expect(raced.cibs).to.deep.equal([ofOther, other]);
  });
});

function nextOf(xml: string): string {
  return xml.replace(/ epoch="(\d+)"/, (_all, epoch: string) => ` epoch="${Number(epoch) + 1}"`);
}

/** A value as it is written in XML. */
function written(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\t', '&#9;');
}
