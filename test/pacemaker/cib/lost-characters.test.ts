import { readdir } from 'node:fs/promises';

import { expect } from 'chai';

import { Fault } from '../../../src/kit/fault.ts';
import type { Host } from '../../../src/kit/host.ts';
import type { Paths } from '../../../src/bin/wiring/paths.ts';
import { lostIn, makeLostCharactersReader } from '../../../src/pacemaker/cib/lost-characters.ts';
import { noPaths } from '../../support/app-bench.ts';
import { storageCib } from '../../support/changes-bench.ts';
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

describe('the dry run for characters that Pacemaker damages', () => {
  const folder = temporaryFolder();
  const readerOf = (cluster: FakeCluster) => {
    const deadlines = { readDeadlineMs: 1000, changeDeadlineMs: 1000 };
    const host: Host<Paths> = { run: cluster.run, paths: noPaths, ...deadlines };
    return makeLostCharactersReader(host, folder.path);
  };

  /** The damage that was observed on real clusters (test/system/characters.ts). */
  const generations: readonly [string, Escaping, Record<string, string[]>][] = [
    [
      'Pacemaker 2.0',
      writesOctal,
      {
        'a & "b" <c>': [],
        'a\tb': ['\t'],
        'Büro "é"': ['ü', 'é'],
        '日 😀 &': ['日', '😀'],
        '& é\t': ['é', '\t'],
      },
    ],
    [
      'Pacemaker 2.1',
      stopsBeyondAscii,
      {
        'a & "b" <c>': [],
        'a\tb': ['\t'],
        Büro: [],
        '"q" é': [],
        'é > x': [],
        "é 'x'": [],
        'é "q"': ['"'],
        'Schl\u00fcssel<1>&"x': ['<', '&', '"'],
        'é\t': ['\t'],
      },
    ],
    ['Pacemaker 3.0', keepsAll, { 'é\t<&>"\'': [], '\u202e😀 & e\u0301"': [] }],
  ];
  for (const [name, escaping, texts] of generations) {
    it(`finds the characters that ${name} damages`, async () => {
      const lostCharacters = await readerOf(fakeCluster(storageCib, escaping))();
      for (const [text, characters] of Object.entries(texts)) {
        expect(lostIn(text, lostCharacters).characters, text).to.deep.equal(characters);
      }
    });
  }

  it('names a character outside ASCII only if it is the reason why another character is lost', async () => {
    const twoOne = await readerOf(fakeCluster(storageCib, stopsBeyondAscii))();
    expect(lostIn('aßé"', twoOne).first).to.equal('ß');
    expect(lostIn('é\t', twoOne).first).to.equal(undefined);
    const twoZero = await readerOf(fakeCluster(storageCib, writesOctal))();
    expect(lostIn('é"', twoZero).first).to.equal(undefined);
  });

  it('changes nothing in the cluster, starts two processes, and runs once', async () => {
    const cluster = fakeCluster(storageCib);
    const read = readerOf(cluster);
    await Promise.all([read(), read()]);
    await read();
    expect(cluster.cibs).to.deep.equal([storageCib]);
    expect(cluster.changes()).to.deep.equal([]);
    expect(cluster.calls).to.have.lengthOf(2);
  });

  it('counts a value as damaged if it is lost together with an earlier one', async () => {
    // Simulates a parser that stops at the first unreadable element.
    const cut: Escaping = (patch) =>
      patch.replace(/<change (?:(?!<change).)*é&lt;.*<\/change>/s, '');
    const lostCharacters = await readerOf(fakeCluster(storageCib, cut))();
    expect(lostIn('é&', lostCharacters).characters).to.deep.equal([]);
    expect(lostIn('é<"', lostCharacters).characters).to.deep.equal(['<', '"']);
  });

  for (const [what, answer] of [
    ['fails', { exitCode: 78, stdout: '', stderr: 'no\n' }],
    ['does not even keep plain text', success('<cib epoch="1"/>')],
  ] as const) {
    it(`fails, and is tried again later, if cibadmin ${what}`, async () => {
      const cluster = fakeCluster(storageCib);
      cluster.answers.set('cibadmin', () => answer);
      const read = readerOf(cluster);
      const fault = await read().then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(fault).to.be.instanceOf(Fault).and.to.include({ code: 'tool_failed' });
      cluster.answers.delete('cibadmin');
      expect((await read()).anywhere.size).to.equal(0);
    });
  }

  it('leaves no file behind', async () => {
    await readerOf(fakeCluster(storageCib))();
    expect(await readdir(folder.path)).to.deep.equal([]);
  });
});
