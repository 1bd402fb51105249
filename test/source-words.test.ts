import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { expect } from 'chai';
import ts from 'typescript';

import { bannedIn, sentencesIn } from './support/prose.ts';

/** Parts of names, split as in camelCase and file names, for which the field has another word. */
const bannedParts = new Set([
  'most',
  'longest',
  'least',
  'anew',
  'patience',
  'stranger',
  'strangers',
  'door',
  'doors',
  'told',
  'kept',
  'words',
]);
const bannedNames = new Set(['inTurn', 'Asked', 'Made', 'Tried']);

/** These tests have to name what is banned. */
const aboutWords = /(?:-words|\/prose)\.test\.ts$/;

interface Found {
  line: number;
  text: string;
}

/** The comments of a file, without their signs; lines of `//` that follow each other are one. */
function commentsIn(source: ts.SourceFile): Found[] {
  const { text } = source;
  const ranges = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    for (const each of [
      ...(ts.getLeadingCommentRanges(text, node.pos) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.end) ?? []),
    ])
      ranges.set(each.pos, each);
    node.getChildren(source).forEach(visit);
  };
  source.getChildren().forEach(visit);
  const comments: (Found & { end: number })[] = [];
  for (const { pos, end } of [...ranges.values()].sort((a, b) => a.pos - b.pos)) {
    const plain = text
      .slice(pos, end)
      .replace(/^\/\*+|\*\/$|^\/\/+/g, '')
      .replace(/^[ \t]*\* ?/gm, '');
    const last = comments.at(-1);
    if (last && /^\n *$/.test(text.slice(last.end, pos))) {
      last.text += `\n${plain}`;
      last.end = end;
    } else comments.push({ line: lineOf(source, pos), text: plain, end });
  }
  return comments;
}

function lineOf(source: ts.SourceFile, position: number): number {
  return source.getLineAndCharacterOfPosition(position).line + 1;
}

/**
 * The names that a file declares. Names that are fixed elsewhere are not among them: keys of configuration and
 * documents, which are in snake_case or in quotes, imported names, and properties of a destructured object.
 */
function namesDeclaredIn(source: ts.SourceFile): Found[] {
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    const { name } = node as { name?: ts.Node };
    const isDeclared = !ts.isPropertyAccessExpression(node) && !isNamedElsewhere(node);
    if (
      isDeclared &&
      name &&
      ts.isIdentifier(name) &&
      !/^[a-z0-9]+_[a-z0-9_]+$/.test(name.text) &&
      !isDocumentKey(node, name.text)
    )
      found.push({ line: lineOf(source, name.getStart(source)), text: name.text });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isNamedElsewhere(node: ts.Node): boolean {
  return (
    (ts.isImportSpecifier(node) || ts.isExportSpecifier(node) || ts.isBindingElement(node)) &&
    node.propertyName === undefined &&
    // The elements of an array have no names.
    !ts.isArrayBindingPattern(node.parent)
  );
}

/** The keys of published documents. The names of properties that hold them are fixed. */
const documentKeys = new Set(
  [...readFileSync('docs/api.md', 'utf8').matchAll(/\b([a-z]\w*)\??: /g)].map(([, key]) => key),
);

function isDocumentKey(node: ts.Node, name: string): boolean {
  const isProperty =
    ts.isPropertySignature(node) ||
    ts.isPropertyAssignment(node) ||
    ts.isShorthandPropertyAssignment(node);
  return isProperty && documentKeys.has(name);
}

function isBannedName(name: string): boolean {
  return (
    bannedNames.has(name) ||
    name
      .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
      .toLowerCase()
      .split(/[^a-z0-9]/)
      .some((part) => bannedParts.has(part))
  );
}

/** Texts for people: a literal with a space in it. Titles of tests are marked. */
function textsIn(source: ts.SourceFile): (Found & { isTitle: boolean })[] {
  const found: (Found & { isTitle: boolean })[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || isTemplateTail(node)) {
      const whole = ts.isTemplateHead(node) ? node.parent : node;
      const call = whole.parent;
      const isTitle =
        ts.isCallExpression(call) &&
        call.arguments[0] === whole &&
        /^(?:describe|it)$/.test(call.expression.getText(source));
      if (node.text.includes(' '))
        found.push({ line: lineOf(source, node.getStart(source)), text: node.text, isTitle });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTemplateTail(node: ts.Node): node is ts.TemplateMiddle | ts.TemplateTail {
  return ts.isTemplateMiddle(node) || ts.isTemplateTail(node);
}

function offencesIn(file: string, content = readFileSync(file, 'utf8')): string[] {
  const source = ts.createSourceFile(file, content, ts.ScriptTarget.ESNext, true);
  const texts = textsIn(source);
  return [
    ...(isBannedName(basename(file)) ? [`${file}: its name`] : []),
    ...namesDeclaredIn(source)
      .filter(({ text }) => isBannedName(text))
      .map(({ line, text }) => `${file}:${line}: ${text}`),
    ...[...commentsIn(source), ...texts].flatMap(({ line, text }) => {
      const banned = sentencesIn(text).flatMap((sentence) => bannedIn(sentence) ?? []);
      return banned.map((each) => `${file}:${line}: '${each}'`);
    }),
    ...texts
      .filter(({ text, isTitle }) => isTitle && /^of\b/i.test(text))
      .map(({ line }) => `${file}:${line}: a title that begins with 'of'`),
  ];
}

describe('the words of the source', () => {
  it('are those of the field, in names, comments and messages', () => {
    const files = ['src', 'test']
      .flatMap((folder) =>
        readdirSync(folder, { encoding: 'utf8', recursive: true }).map(
          (each) => `${folder}/${each}`,
        ),
      )
      .filter((file) => file.endsWith('.ts') && !aboutWords.test(file))
      .sort();
    const offences = files.flatMap((file) => offencesIn(file));
    expect(offences, offences.join('\n')).to.deep.equal([]);
  });

  for (const [what, content, found] of [
    ['a name', 'const atMost = 1;', 'atMost'],
    ['a property', 'interface A { longest: number }', 'longest'],
    ['a name taken from an array', 'const [kept] = a;', 'kept'],
    ['a comment', '// It begins\n// anew.', "'anew'"],
    ['a docstring', 'const a = {\n  /**\n   * One. Of two, one.\n   */\n};', "'Of'"],
    ['a message', 'f(`It hangs on ${a} alone`);', "'hangs on'"],
    ['a title', "it('of two takes one', f);", "a title that begins with 'of'"],
    ['a title with a value', 'it(`of ${two} takes one`, f);', "a title that begins with 'of'"],
  ] as const) {
    it(`are found in ${what} if they are banned`, () => {
      const [offence = ''] = offencesIn('a.ts', content);
      expect(offence.replace(/^a.ts:\d+: /, '')).to.equal(found);
    });
  }

  it('may be those of a document, and of a module that declares them', () => {
    const content = `const a = { liferaft_most_bytes: 1, 'kept': b };
      const { kept } = c; import { keptOf } from './d.ts'; expect(e).to.be.at.least(1);`;
    expect(offencesIn('a.ts', content)).to.deep.equal([]);
  });
});
