import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { expect } from 'chai';
import ts from 'typescript';

import { families } from '../packaging/reference/families.ts';

const root = new URL('..', import.meta.url).pathname;
const { rows, bases } = families.ha;

/** Rooms that speak HTTP. Alphorn uses it between hosts, with its own protocol. */
const withHttp = /^src\/(?:routes|server|bin|alphorn\/(?:sending|receiving|peers))\//;

/** The lines of the audit log have had this key from the beginning. They are passed on as they are in the file. */
const keyOfFile = 'src/changes/audit/audit.ts: request_id';

/** The headers of the rows, and the base of their paths. A name without a hyphen may be a common word. */
const headers = rows.flatMap(({ headers = {} }) =>
  Object.keys({ ...headers.request, ...headers.answer }).filter((name) => name.includes('-')),
);
const namesOfHttp = new Set([...headers, ...bases]);

/** The keys of the documented answers that are in snake_case, and therefore are not our own names. */
const documentedKeys = new Set<string>();
JSON.parse(JSON.stringify(rows.map(({ answers }) => answers)), (keyword, value: unknown) => {
  if (keyword === 'properties') Object.keys(value as object).forEach(add);
  return value;
});
function add(key: string): void {
  if (key.includes('_')) documentedKeys.add(key);
}

function httpIn(text: string): string[] {
  const lower = text.toLowerCase();
  return [...namesOfHttp].filter((word) => lower.includes(word.toLowerCase()));
}

/**
 * The documented keys in the types and objects that a file declares. Keys that it reads from others may be the same.
 */
function keysIn(text: string): string[] {
  const keys: string[] = [];
  const visit = (node: ts.Node): void => {
    const isKey =
      ts.isPropertySignature(node) ||
      ts.isPropertyAssignment(node) ||
      ts.isShorthandPropertyAssignment(node);
    if (isKey && (ts.isIdentifier(node.name) || ts.isStringLiteral(node.name))) {
      if (documentedKeys.has(node.name.text)) keys.push(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('a.ts', text, ts.ScriptTarget.Latest));
  return keys;
}

/** The findings in the files below the routes. */
function found(find: (text: string) => string[]): string[] {
  return readdirSync(join(root, 'src'), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)))
    .filter((file) => !withHttp.test(file))
    .flatMap((file) =>
      find(readFileSync(join(root, file), 'utf8')).map((word) => `${file}: ${word}`),
    );
}

describe('the code below the routes', () => {
  it('has no path and no header of the API', () => {
    expect(found(httpIn)).to.deep.equal([]);
    expect(httpIn("throw new Fault('x', 'Ask with if-match.')")).to.deep.equal(['If-Match']);
    expect(httpIn('/** See /api/v2/system/ha/node. */')).to.deep.equal(['/api/v2/system/ha']);
  });

  it('declares no key of the documented JSON', () => {
    expect(found(keysIn)).to.deep.equal([keyOfFile]);
    expect(keysIn('const a = { cluster_name: b, x: { node_history } };')).to.deep.equal([
      'cluster_name',
      'node_history',
    ]);
    expect(keysIn("interface A { 'ring_id'?: string }")).to.deep.equal(['ring_id']);
    expect(keysIn("const { cluster_name: name } = a['cluster_name'];")).to.deep.equal([]);
  });
});
