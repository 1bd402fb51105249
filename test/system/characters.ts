import { readFile } from 'node:fs/promises';

import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import type { Suite } from '../lab/root.ts';
import { escaped } from '../../src/parsers/xml-edit.ts';
import { waitUntil } from '../lab/wait.ts';
import { asking, type Bench } from './asking.ts';
import type { Answer } from './client.ts';
import { shareOf } from './share.ts';

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_none, index) => String.fromCodePoint(from + index));

/** Each character is a case of its own. It is between others, because blanks at an end are another case. */
const signs = [...range(0, 0xff), '\u2028', '\ud800', '\udfff', '\ufffd', '\ufffe', '\uffff'].map(
  (sign) => `a${sign}b`,
);

const injection = 'ü"/><nvpair id="inj" name="op_sleep" value="7';
const texts: readonly string[] = [
  range(0x20, 0x7e).join(''),
  range(0xa0, 0xff).join(''),
  'é',
  'Büro',
  'ÿ',
  '日本語',
  '😀',
  '👩‍👩‍👧‍👦',
  'e\u0301',
  'שלום',
  '\u202eabc\u202c',
  'ﷺ',
  '𠀀',
  '\ue000',
  'é "q"',
  '"q" é',
  'é & x',
  '& é',
  'é < x',
  '< é',
  'é > x',
  "é 'x'",
  '日 & "',
  '😀 <x>',
  'a & b',
  'a "q" <b>',
  "it's",
  'a\tb',
  'é\tb',
  'a\nb',
  'é\r\nb',
  'a\u007f',
  'é\u007f',
  'a]]>b',
  'ä]]>b',
  '<![CDATA[x]]>',
  '<!-- x -->',
  '<?x?>',
  '&amp;',
  '&#233;',
  '&eacute;',
  'é&amp;',
  'é&#233;',
  '&#x0;',
  '%s%n',
  '$(x)',
  '\\303\\251',
  '\\n',
  ' x ',
  'x  y',
  'é ',
  'Schlüssel<1>&"x',
  injection,
  injection.replace('ü', 'u'),
  ...['x', '&', 'é', '😀', '\u0301', '\\'].map((sign) => sign.repeat(4096)),
  `${'x'.repeat(4095)}é`,
  'x'.repeat(4097),
  '😀'.repeat(4097),
];

type Outcome = 'stored' | 422 | 400;

/**
 * The expected outcome for a value. What XML 1.0 cannot contain is a bad request, and control characters are not
 * allowed. Which values each Pacemaker damages was found with cibadmin by hand.
 */
function expected(value: string, suite: Suite): Outcome {
  const isXml = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u.test(value);
  if (!isXml || Array.from(value).length > 4096) return 400;
  if (/(?!\t)\p{Cc}/u.test(value)) return 422;
  const damaged = {
    bullseye: /[^\0-\u007f]|\t/u,
    bookworm: /[^\0-\u007f].*[&<"]|\t/su,
    trixie: /(?!)/,
  }[suite];
  return damaged.test(value) ? 422 : 'stored';
}

/** A route that stores a value, on a cluster with the resource `Chars`. */
interface Place {
  what: string;
  path: string;
  bodyOf: (value: string) => object;
  /** The path that shows the value; undefined for a secret. */
  shownBy?: string;
}

const agent = 'ocf:pacemaker:Dummy';
const stopped = { 'target-role': 'Stopped' };
const device = { name: 'fence-chars', agent: 'fence_ipmilan' };

const places: readonly Place[] = [
  {
    what: 'a meta attribute of a resource',
    path: 'resource/Chars/update',
    bodyOf: (value) => ({ meta: { note: value } }),
    shownBy: 'resource/Chars/details',
  },
  {
    what: 'a parameter of a resource',
    path: 'resource/Chars/update',
    bodyOf: (value) => ({ params: { fake: value } }),
    shownBy: 'resource/Chars/details',
  },
  {
    what: 'a parameter of a new resource',
    path: 'resource',
    bodyOf: (value) => ({
      name: 'New',
      resource_agent: agent,
      params: { fake: value },
      meta: stopped,
    }),
    shownBy: 'resource/New/details',
  },
  {
    what: 'an operation',
    path: 'resource/Chars/update',
    bodyOf: (value) => ({ operations: { monitor: { interval: '7s', description: value } } }),
    shownBy: 'resource/Chars/details',
  },
  {
    what: 'an option of a clone',
    path: 'resource/Chars/clone',
    bodyOf: (value) => ({ meta: { note: value } }),
    shownBy: 'configuration',
  },
  {
    what: 'a rule',
    path: 'constraint/location',
    bodyOf: (value) => ({
      resource: 'Chars',
      rule: { score: '1', expression: [{ attribute: 'a', operation: 'eq', value }] },
    }),
    shownBy: 'constraint?raw=false',
  },
  {
    what: 'a parameter of a new fence device',
    path: 'stonith/create',
    bodyOf: (value) => ({
      ...device,
      params: { ip: '192.0.2.9', username: value },
      meta: stopped,
    }),
    shownBy: 'stonith?raw=false',
  },
  {
    what: 'the password of a new fence device',
    path: 'stonith/create',
    bodyOf: (value) => ({
      ...device,
      params: { ip: '192.0.2.9', username: 'admin', password: value },
      meta: stopped,
    }),
  },
  {
    what: 'a meta attribute of a fence device',
    path: 'stonith/failoverMeasure_ipmi_bitcoin/update',
    bodyOf: (value) => ({ meta: { note: value } }),
    shownBy: 'configuration',
  },
];

/** Values with all characters, on each route that stores a value. */
export function describeCharacters(bench: Bench, suite: Suite): void {
  describe('a value of any characters', () => {
    const { node, ask, change, configuration, restore } = asking(bench);
    let former = '';
    let saved = '';

    before(async () => {
      former = await configuration();
      await change('POST', 'resource', {
        name: 'Chars',
        resource_agent: agent,
        params: { fake: 'start' },
        meta: { ...stopped, note: 'start' },
      });
      saved = await configuration();
    });
    after(() => restore(former));

    for (const place of places) {
      const all = place === places[0] ? [...signs, ...texts] : texts;
      it(`is stored unchanged or refused, as ${place.what}`, async function () {
        this.timeout(600_000);
        const marker = 'a marker that is nowhere else';
        const before = await shapeOf(node());
        await change('POST', place.path, place.bodyOf(marker));
        const shape = await shapeOf(node());
        await restore(saved);
        for (const value of shareOf(all, 6, suite)) {
          const what = JSON.stringify(value).slice(0, 100);
          const answer = await ask('POST', place.path, place.bodyOf(value));
          const outcome = answer.status === 200 ? 'stored' : answer.status;
          expect(outcome, `${what}: ${answer.text}`).to.equal(expected(value, suite));
          const now = await shapeOf(node());
          if (outcome !== 'stored') {
            expect(now, what).to.deep.equal(before);
            continue;
          }
          expect(now, what).to.deep.equal(withValue(shape, marker, value));
          if (place.shownBy !== undefined) {
            const { json } = await ask('GET', place.shownBy);
            expect(stringsIn(json).includes(value), what).to.equal(true);
          }
          await restore(saved);
        }
      });
    }

    it('is refused exactly if Pacemaker would damage it', async function () {
      this.timeout(600_000);
      // Control characters are never allowed, even if Pacemaker stores them.
      const candidates = [...signs, ...texts].filter(
        (value) => expected(value, suite) !== 400 && !/(?!\t)\p{Cc}/u.test(value),
      );
      for (const value of shareOf(candidates, 15, suite)) {
        const what = JSON.stringify(value).slice(0, 100);
        const body = { meta: { note: value } };
        const { status, text } = await ask('POST', 'resource/Chars/update?dry_run=true', body);
        expect(status, `${what}: ${text}`).to.be.oneOf([200, 422]);
        const before = await shapeOf(node());
        // cibadmin refuses some of them.
        await node().exec(['cibadmin', '--modify', '--xml-pipe'], { input: byHand(value) });
        const isStored = same(await shapeOf(node()), withNote(before, value));
        expect(isStored ? 200 : 422, what).to.equal(status);
        await restore(saved);
      }
    });

    it('is removed again if cibadmin has stored another one', async () => {
      const before = await shapeOf(node());
      await node().run(['mv', tool, `${tool}.real`]);
      await node().writeFile(tool, damaging, 0o755);
      try {
        const answer = await ask('POST', 'resource/Chars/update', { meta: { note: 'damageme' } });
        expect(answer.json).to.include({ status: 422, code: 'stored_otherwise' });
      } finally {
        await node().run(['mv', `${tool}.real`, tool]);
      }
      expect(await shapeOf(node())).to.deep.equal(before);
    });

    it('is shown as it is, with one warning, if it is damaged already', async () => {
      const octal = 'B\\37777777703\\37777777674ro';
      const input = byHand(octal);
      await node().run(['cibadmin', '--modify', '--xml-pipe'], { input });
      let first: Answer | undefined;
      await waitUntil('the agent to show it', async () => {
        first = await ask('GET', 'resource/Chars/details');
        return stringsIn(first.json).includes(octal);
      });
      expect(first?.headers['x-ha-warnings']).to.be.a('string').that.includes('Chars');
      const second = await ask('GET', 'resource/Chars/details');
      expect(second.headers).not.to.have.property('x-ha-warnings');
      await restore(saved);
    });

    describeFiles(bench, suite);
  });
}

const confFile = '/etc/corosync/corosync.conf';
const settingsFile = '/etc/alphorn/config.json';

/** Routes that store a value in a file. */
function describeFiles(bench: Bench, suite: Suite): void {
  const { node, ask } = asking(bench);
  const content = async (path: string) => (await node().exec(['cat', path])).stdout;

  it('is stored unchanged in corosync.conf, or refused', async function () {
    this.timeout(600_000);
    const before = await content(confFile);
    const { json } = await ask('GET', 'corosync');
    const conf = json as { totem: object };
    try {
      for (const value of shareOf([...signs, ...texts], 10, suite)) {
        const what = JSON.stringify(value).slice(0, 100);
        const former = await content(confFile);
        const wanted = { ...conf, totem: { ...conf.totem, cluster_name: value } };
        const answer = await ask('POST', 'corosync', wanted);
        expect(answer.status, `${what}: ${answer.text}`).to.be.oneOf([200, 400, 422]);
        if (answer.status !== 200) {
          expect(await content(confFile), what).to.equal(former);
        } else {
          expect((await ask('GET', 'corosync')).json, what).to.deep.equal(wanted);
          expect(await content(confFile), what).to.include(`\tcluster_name: ${value}\n`);
        }
        const text = `${before}# ${value}\n`;
        const raw = await ask('POST', 'corosync/raw', { conf: text });
        expect(raw.status, `${what}: ${raw.text}`).to.be.oneOf([200, 400, 422]);
        if (raw.status !== 200) continue;
        expect(await content(confFile), what).to.equal(text);
        expect((await ask('GET', 'corosync/raw')).json, what).to.equal(text);
      }
    } finally {
      await node().writeFile(confFile, before);
      await node().run(['rm', '-f', `${confFile}.previous`]);
    }
  });

  it('is refused as a destination of Alphorn and as a name of a token', async function () {
    this.timeout(600_000);
    const before = await content(settingsFile);
    const sent = (destination: string) => ({
      config: { interval: 30_000, sync: { enabled: false, destinations: [destination] } },
    });
    const tokens = await node().run(['hactl', 'token', 'list', '--json']);
    for (const value of shareOf([...signs, ...texts], 10, suite)) {
      const what = JSON.stringify(value).slice(0, 100);
      const isName = /^[A-Za-z0-9.-]+$/.test(value) && value.length <= 64;
      if (isName || value === 'a:b') continue;
      const answer = await ask('POST', 'alphorn', sent(value));
      expect(answer.status, `${what}: ${answer.text}`).to.equal(400);
      if (value.includes('\0') || /\p{Cs}/u.test(value) || value === 'a_b') continue;
      const made = await node().exec(['hactl', 'token', 'create', '--', value]);
      expect(made.exitCode, what).not.to.equal(0);
    }
    expect(await content(settingsFile)).to.equal(before);
    expect(await node().run(['hactl', 'token', 'list', '--json'])).to.equal(tokens);
  });
}

const tool = '/usr/sbin/cibadmin';
/** A cibadmin that damages one value, once. */
const damaging = `#!/bin/sh
case "$*" in
*--patch*) sed 's/damageme/damaged/g' | ${tool}.real "$@" ;;
*) exec ${tool}.real "$@" ;;
esac
`;

type Shape = [tag: string, attributes: Record<string, string>][];

async function shapeOf(node: LabNode): Promise<Shape> {
  const script = await readFile(new URL('shape-of-cib.py', import.meta.url), 'utf8');
  return JSON.parse(await node.run(['python3', '-c', script])) as Shape;
}

function withValue(shape: Shape, former: string, value: string): Shape {
  return shape.map(([tag, attributes]) => [
    tag,
    Object.fromEntries(
      Object.entries(attributes).map(([name, each]) => [name, each === former ? value : each]),
    ),
  ]);
}

function withNote(shape: Shape, value: string): Shape {
  return shape.map(([tag, attributes]) =>
    attributes['id'] === noteId ? [tag, { ...attributes, value }] : [tag, attributes],
  );
}

function same(one: Shape, other: Shape): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const noteId = 'Chars-meta_attributes-note';

function byHand(value: string): string {
  return `<nvpair id="${noteId}" name="note" value="${escaped(value)}"/>`;
}

/** All texts in an answer. */
function stringsIn(json: unknown): string[] {
  if (typeof json === 'string') return [json];
  return typeof json === 'object' && json !== null ? Object.values(json).flatMap(stringsIn) : [];
}
