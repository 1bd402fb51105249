import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { removeCorosyncNode } from '../../src/corosync/nodelist.ts';
import { noPaths } from '../support/app-bench.ts';
import { strictRun } from '../support/strict-run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('removeCorosyncNode', () => {
  const folder = temporaryFolder();

  async function without(name: string, conf?: string) {
    const corosyncConf = join(folder.path, 'corosync.conf');
    if (conf !== undefined) await writeFile(corosyncConf, conf);
    const { run } = strictRun();
    const host = {
      run,
      paths: { ...noPaths, corosyncConf },
      readDeadlineMs: 1,
      changeDeadlineMs: 1,
    };
    return removeCorosyncNode(host, name);
  }
  const conf = (names: readonly string[], quorum: readonly string[]) =>
    [
      'totem {\n\tversion: 2\n}\n',
      'nodelist {\n',
      ...names.map((name) => `\tnode {\n\t\tring0_addr: ${name}-addr\n\t\tname: ${name}\n\t}\n`),
      '}\n',
      `quorum {\n${quorum.map((line) => `\t${line}\n`).join('')}}\n`,
    ].join('');
  const votequorum = 'provider: corosync_votequorum';

  it('takes a node out by its name, and leaves all else as it is', async () => {
    expect(await without('b', conf(['a', 'b', 'c', 'd'], [votequorum]))).to.deep.equal({
      ...{ text: conf(['a', 'c', 'd'], [votequorum]), others: 3 },
    });
  });

  it('takes a node out by its address if it has no name', async () => {
    const nodes = (...names: string[]) =>
      `nodelist {\n${names.map((name) => `\tnode {\n\t\tring0_addr: ${name}\n\t}\n`).join('')}}\n`;
    const removed = await without('192.0.2.2', nodes('192.0.2.1', '192.0.2.2'));
    expect(removed).to.deep.equal({ text: nodes('192.0.2.1'), others: 1 });
    expect(await without('a-addr', conf(['a', 'b'], []))).to.equal(undefined);
  });

  it('turns two_node on for the two that are left, and off for one', async () => {
    const two = await without('c', conf(['a', 'b', 'c'], [votequorum]));
    expect(two?.text).to.equal(conf(['a', 'b'], [votequorum, 'two_node: 1']));
    const one = await without('b', conf(['a', 'b'], [votequorum, 'two_node: 1']));
    expect(one?.text).to.equal(conf(['a'], [votequorum]));
  });

  it('leaves two_node as the administrator has it, and out where a device has a vote', async () => {
    const off = await without('c', conf(['a', 'b', 'c'], [votequorum, 'two_node: 0']));
    expect(off?.text).to.include('two_node').and.not.include('two_node: 1');
    const device = ['device {', '\tmodel: net', '}'];
    const withDevice = await without('c', conf(['a', 'b', 'c'], [votequorum, ...device]));
    expect(withDevice?.text).to.include('model: net').and.not.include('two_node');
  });

  it('lowers expected_votes to the nodes that are left, and never raises them', async () => {
    const votes = (count: number) => [votequorum, 'two_node: 0', `expected_votes: ${count}`];
    const lowered = await without('c', conf(['a', 'b', 'c'], votes(3)));
    expect(lowered?.text).to.include('expected_votes: 2');
    expect((await without('c', conf(['a', 'b', 'c'], votes(1))))?.text).to.include(
      'expected_votes: 1',
    );
  });

  it('tells that there is no such node, or no file', async () => {
    expect(await without('z', conf(['a', 'b'], []))).to.equal(undefined);
    await rm(join(folder.path, 'corosync.conf'));
    expect(await without('a')).to.equal(undefined);
  });
});
