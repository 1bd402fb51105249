import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { type KnownNode, removeCorosyncNode } from '../../src/corosync/nodelist.ts';
import { noPaths } from '../support/app-bench.ts';
import { faultOf } from '../support/faults.ts';
import { foreignConf, foreignConfs } from '../support/foreign-confs.ts';
import { madeUp } from '../support/fixtures.ts';
import { strictRun } from '../support/strict-run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cmapctl = ['corosync-cmapctl', 'nodelist.'];

describe('removeCorosyncNode', () => {
  const folder = temporaryFolder();
  const corosyncConf = () => join(folder.path, 'corosync.conf');

  /** @param map the output of corosync-cmapctl, which is not called without it */
  async function without(
    name: string,
    conf?: string,
    { known, map }: { known?: readonly KnownNode[]; map?: string } = {},
  ) {
    if (conf !== undefined) await writeFile(corosyncConf(), conf);
    const { run, done } = strictRun(...(map === undefined ? [] : [madeUp(cmapctl, map)]));
    const host = {
      run,
      readDeadlineMs: 1,
      changeDeadlineMs: 1,
      paths: { ...noPaths, corosyncConf: corosyncConf() },
    };
    const removed = await removeCorosyncNode(host, name, known);
    done();
    return removed;
  }
  const votequorum = 'provider: corosync_votequorum';
  const quorumOf = (...lines: string[]) =>
    `quorum {\n${[votequorum, ...lines].map((line) => `\t${line}\n`).join('')}}\n`;
  const nodeOf = (name: string, ...more: string[]) =>
    `\tnode {\n\t\tring0_addr: ${name}-addr\n\t\tname: ${name}\n${more.map((line) => `\t\t${line}\n`).join('')}\t}\n`;
  const listOf = (...nodes: string[]) => `nodelist {\n${nodes.join('')}}\n`;
  const nodes = (...names: string[]) => listOf(...names.map((name) => nodeOf(name)));
  /** The section `quorum` after the last of these nodes is removed. */
  async function quorumWithout(names: string, ...lines: string[]) {
    const all = names.split('');
    const numbered = listOf(...all.map((name, index) => nodeOf(name, `nodeid: ${index + 1}`)));
    const removed = await without(all.at(-1) ?? '', `${numbered}${quorumOf(...lines)}`);
    const [, text = ''] = /^quorum \{\n([^]*)\}\n$/m.exec(removed?.text ?? '') ?? [];
    return {
      lines: text
        .split('\n')
        .slice(1, -1)
        .map((line) => line.trim()),
      warnings: removed?.votes.warnings,
      expected: removed?.votes.expected,
    };
  }

  describe('removes a node from the file of', () => {
    for (const each of foreignConfs) {
      it(each.origin, async () => {
        const letters = ['a', 'b', 'c', 'd'].slice(0, each.nodes);
        const known = letters.map((letter, index) => ({
          name: each.nameOf(`node-${letter}`),
          id: index + 1 === each.gone && each.goneId !== undefined ? each.goneId : 500 + index,
        }));
        const name = known[each.gone - 1]?.name ?? '';
        const map = letters.flatMap((_letter, index) => [
          `nodelist.node.${index}.nodeid (u32) = ${500 + index}`,
          `nodelist.node.${index}.ring0_addr (str) = 192.0.2.${index + 1}`,
        ]);
        const asksCorosync = each.name === 'puppet-without-nodeid';
        const removed = await without(name, foreignConf(each, 'before'), {
          known,
          ...(asksCorosync && { map: `${map.join('\n')}\n` }),
        });
        expect(removed?.text).to.equal(foreignConf(each, 'after'));
        expect(removed?.others).to.equal(each.nodes - 1);
        const expected = each.name === 'crmsh-qdevice' ? undefined : each.together.expected;
        expect(removed?.votes.expected).to.equal(expected);
      });
    }

    it('an editor on Windows, and keeps its line endings', async () => {
      const windows = (text: string) => text.replaceAll('\n', '\r\n');
      const conf = (names: string[], ...lines: string[]) =>
        windows(nodes(...names) + quorumOf(...lines));
      const removed = await without('c', conf(['a', 'b', 'c'], 'expected_votes: 3'));
      expect(removed?.text).to.equal(conf(['a', 'b'], 'two_node: 1', 'expected_votes: 2'));
    });

    it('a tool that writes sections twice: the last setting counts', async () => {
      const conf = (first: string, second: string, last: string) =>
        `${first}quorum {\n\texpected_votes: 9\n}\n${second}${quorumOf(last)}`;
      const removed = await without(
        'b',
        conf(nodes('a', 'b'), nodes('c', 'd'), 'expected_votes: 4'),
      );
      expect(removed?.text).to.equal(conf(nodes('a'), nodes('c', 'd'), 'expected_votes: 3'));
    });
  });

  describe('identifies the node', () => {
    const nameless = (...ids: (number | undefined)[]) =>
      listOf(
        ...ids.map(
          (id, index) =>
            `\tnode {\n\t\tring0_addr: 192.0.2.${index + 1}\n${id === undefined ? '' : `\t\tnodeid: ${id}\n`}\t}\n`,
        ),
      );
    const known = (...ids: number[]) =>
      ids.map((id, index) => ({ name: 'abcd'.charAt(index), id }));

    it('by its name', async () => {
      const removed = await without('b', nodes('a', 'b', 'c', 'd') + quorumOf());
      expect(removed?.text).to.equal(nodes('a', 'c', 'd') + quorumOf());
      expect(removed).to.include({ others: 3, called: 'b' });
    });

    it('by its address if it has no name', async () => {
      const removed = await without('192.0.2.2', nameless(1, 2, 3));
      expect(removed).to.include({ others: 2, called: '192.0.2.2' });
      expect(removed?.text).to.include('192.0.2.3').and.not.include('192.0.2.2');
      expect(await without('a-addr', nodes('a', 'b'))).to.equal(undefined);
    });

    it('by its number if it has no name, and returns its address for the other nodes', async () => {
      const removed = await without('b', nameless(7, 8, 9), { known: known(7, 8, 9) });
      expect(removed?.called).to.equal('192.0.2.2');
      expect(removed?.text).not.to.include('192.0.2.2');
    });

    it('by the number that corosync made if the file has no name and no number', async () => {
      const map = [1, 2, 3].flatMap((each) => [
        `nodelist.node.${3 - each}.nodeid (u32) = ${700 + each}`,
        `nodelist.node.${3 - each}.ring0_addr (str) = 192.0.2.${each}`,
      ]);
      const removed = await without('b', nameless(undefined, undefined, undefined), {
        known: known(701, 702, 703),
        map: map.join('\n'),
      });
      expect(removed?.called).to.equal('192.0.2.2');
    });

    it('by the number that corosync makes from its address if the map has none', async () => {
      const map = [1, 2, 3]
        .map((each) => `nodelist.node.${each - 1}.ring0_addr (str) = 192.0.2.${each}\n`)
        .join('');
      const whole = known(3221225985, 3221225986, 3221225987);
      const conf = nameless(undefined, undefined, undefined);
      expect((await without('b', conf, { known: whole, map }))?.called).to.equal('192.0.2.2');
      const cleared = known(1073742337, 1073742338, 1073742339);
      const totem = 'totem {\n\tclear_node_high_bit: yes\n}\n';
      const removed = await without('b', totem + conf, { known: cleared, map });
      expect(removed?.called).to.equal('192.0.2.2');
    });

    it('as missing if all nodes in the file belong to other names or numbers', async () => {
      const map = 'nodelist.node.0.nodeid (u32) = 1\nnodelist.node.0.ring0_addr (str) = a-addr\n';
      const four = known(1, 2, 3, 4);
      expect(await without('d', nodes('a', 'b'), { known: four, map })).to.equal(undefined);
      expect(await without('c', nameless(1, 2), { known: known(1, 2, 3) })).to.equal(undefined);
      expect(await without('z', nodes('a', 'b'))).to.equal(undefined);
      expect(await without('z', quorumOf('expected_votes: 3'))).to.equal(undefined);
      await rm(corosyncConf());
      expect(await without('a')).to.equal(undefined);
    });

    it('by the number that corosync made, if its name has changed', async () => {
      const map = 'nodelist.node.1.nodeid (u32) = 2\nnodelist.node.1.ring0_addr (str) = new-addr\n';
      const removed = await without('b', nodes('a', 'new'), { known: known(1, 2), map });
      expect(removed?.called).to.equal('new');
    });

    for (const [what, conf, nodesKnown, map] of [
      ['if one has neither a name nor a number', nameless(1, undefined), known(1, 2), ''],
      ['if two have its name', nodes('a', 'b', 'b'), known(1, 2)],
      [
        'if one node has the name, and another one the number',
        listOf(nodeOf('b', 'nodeid: 3'), nodeOf('x', 'nodeid: 2')),
        known(1, 2),
      ],
      [
        'if its number belongs to another name',
        listOf(nodeOf('a', 'nodeid: 2'), nodeOf('x', 'nodeid: 1')),
        known(1, 2),
      ],
      ['if Pacemaker knows it by another name', listOf(nodeOf('b', 'nodeid: 1')), known(1, 2)],
      ['if there is no list of nodes', quorumOf('expected_votes: 3'), known(1, 2)],
    ] as const) {
      it(`only with certainty, and refuses ${what}`, async () => {
        const { message } = await faultOf(
          'node_not_matched',
          without('b', conf, { known: nodesKnown, ...(map !== undefined && { map }) }),
        );
        expect(message).to.include('Nothing was changed');
      });
    }
  });

  describe('corrects', () => {
    const twoNode = /two_node is now on in corosync\.conf/;

    it('two_node: turns it on for two remaining nodes and off for one, and says so', async () => {
      const two = await quorumWithout('abc');
      expect(two.lines).to.deep.equal(['two_node: 1']);
      expect(two.warnings).to.have.lengthOf(1);
      expect(two.warnings?.[0]).to.match(twoNode);
      expect(await quorumWithout('ab', 'two_node: 1')).to.deep.equal({
        lines: [],
        warnings: [],
        expected: 1,
      });
    });

    it('a two_node of 0 that was set for three nodes', async () => {
      const { lines } = await quorumWithout('abc', 'two_node: 1', 'two_node: 0');
      expect(lines).to.deep.equal(['two_node: 1', 'two_node: 1']);
      expect((await quorumWithout('abcd', 'two_node: 0')).lines).to.deep.equal(['two_node: 0']);
    });

    for (const rule of [
      ['auto_tie_breaker: 1'],
      ['last_man_standing: 1'],
      ['device {', 'model: net', '}'],
      ['expected_votes: 1'],
    ]) {
      it(`two_node: never turns it on together with ${rule[0]}`, async () => {
        expect((await quorumWithout('abc', ...rule)).lines).to.deep.equal(rule);
        expect((await quorumWithout('abc', 'two_node: 0', ...rule)).lines).to.deep.equal([
          'two_node: 0',
          ...rule,
        ]);
        expect((await quorumWithout('abc', 'two_node: 1', ...rule)).lines).to.deep.equal(rule);
      });
    }

    it('two_node even next to rules that are off', async () => {
      const off = ['auto_tie_breaker: 0', 'last_man_standing: 0', 'device {', '}'];
      expect((await quorumWithout('abc', ...off)).lines).to.deep.equal(['two_node: 1', ...off]);
    });

    it('two_node: does not turn it on for two nodes unless each has one vote', async () => {
      for (const [first, second] of [
        [2, 1],
        [2, 0],
      ]) {
        const [a, b] = [
          nodeOf('a', `quorum_votes: ${first}`),
          nodeOf('b', `quorum_votes: ${second}`),
        ];
        const removed = await without('c', listOf(a, b, nodeOf('c')) + quorumOf());
        expect(removed?.text).to.equal(listOf(a, b) + quorumOf());
      }
    });

    it('nothing if no votes are counted', async () => {
      for (const provider of ['', '\tprovider: another\n']) {
        const conf = `quorum {\n${provider}\texpected_votes: 3\n}\n`;
        const removed = await without('c', nodes('a', 'b', 'c') + conf);
        expect(removed?.text).to.equal(nodes('a', 'b') + conf);
      }
    });

    it('expected_votes: lowers it to the remaining votes, and never raises it', async () => {
      for (const [before, after] of [
        [4, 3],
        [9, 3],
        [3, 3],
        [2, 2],
      ]) {
        const { lines } = await quorumWithout('abcd', `expected_votes: ${before}`);
        expect(lines, `${before}`).to.deep.equal([`expected_votes: ${after}`]);
      }
    });

    it('expected_votes that include the votes of a device', async () => {
      const device = ['device {', 'model: net', 'votes: 1', '}'];
      const { lines } = await quorumWithout('abcd', 'expected_votes: 5', ...device);
      expect(lines).to.deep.equal(['expected_votes: 4', ...device]);
      // Corosync does not start with fewer than two votes besides those of the device.
      const one = await quorumWithout('ab', 'expected_votes: 3', ...device);
      expect(one.lines).to.deep.equal(device);
    });

    it('the votes of a device, which must be one less than those of the nodes', async () => {
      const device = (votes: number, algorithm: string) => [
        'device {',
        'model: net',
        `votes: ${votes}`,
        'net {',
        `algorithm: ${algorithm}`,
        '}',
        '}',
      ];
      const { lines } = await quorumWithout('abcd', 'expected_votes: 7', ...device(3, 'lms'));
      expect(lines).to.deep.equal(['expected_votes: 5', ...device(2, 'lms')]);
      expect((await quorumWithout('abcd', ...device(1, 'ffsplit'))).lines).to.deep.equal(
        device(1, 'ffsplit'),
      );
    });

    it('tie breakers that name the removed node', async () => {
      const breaker = (which: string) => ['auto_tie_breaker: 1', `auto_tie_breaker_node: ${which}`];
      expect((await quorumWithout('abcde', ...breaker('3 5  1'))).lines).to.deep.equal(
        breaker('3 1'),
      );
      for (const remaining of ['lowest', 'highest', '1']) {
        expect((await quorumWithout('abcde', ...breaker(remaining))).lines).to.deep.equal(
          breaker(remaining),
        );
      }
      const only = await quorumWithout('abcde', ...breaker('5'));
      expect(only.lines).to.deep.equal(['auto_tie_breaker: 1']);
      expect(only.warnings?.join()).to.include('the only one in auto_tie_breaker_node');
    });
  });

  it('refuses a file with which corosync would not start', async () => {
    const both = ['auto_tie_breaker: 1', 'last_man_standing: 1'];
    const { message } = await faultOf('corosync_conf_invalid', quorumWithout('abcd', ...both));
    expect(message).to.include("Add 'wait_for_all: 1' to the section quorum");
    const waiting = await quorumWithout('abcd', ...both, 'wait_for_all: 1');
    expect(waiting.lines).to.deep.equal([...both, 'wait_for_all: 1']);
  });

  it('warns if corosync behaves in another way than the file suggests', async () => {
    const { warnings: odd } = await quorumWithout('abcd', 'auto_tie_breaker: 1');
    expect(odd?.join()).to.include('corosync turns auto_tie_breaker off');
    for (const key of ['expected_votes_tracking', 'allow_downscale']) {
      const { warnings } = await quorumWithout('abcd', `${key}: 1`);
      expect(warnings?.join()).to.include('remove the file ev_tracking');
    }
  });
});
