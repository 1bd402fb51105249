import { readdir, readFile } from 'node:fs/promises';

import { expect } from 'chai';

import {
  bannedIn,
  commentsOfUnit,
  runningText,
  type Sentence,
  sentencesIn,
  textOfManPage,
  withoutCode,
  wordCount,
} from './support/prose.ts';

const maxWords = 35;

const root = new URL('../', import.meta.url);

/** The files for readers, and how to find their prose: all of it, and the part outside of tables and headings. */
const documents = [
  { folder: '.', extension: '.md', proseOf: withoutCode, runningOf: runningText },
  { folder: 'docs', extension: '.md', proseOf: withoutCode, runningOf: runningText },
  { folder: 'packaging/man', extension: '.in', proseOf: textOfManPage, runningOf: textOfManPage },
  { folder: 'systemd', extension: '.service', proseOf: commentsOfUnit, runningOf: commentsOfUnit },
];

/** @returns each document with all of its sentences, and with those of its running text */
async function readDocuments() {
  const read = documents.map(async ({ folder, extension, proseOf, runningOf }) => {
    const files = await readdir(new URL(folder, root));
    const names = files
      .filter((file) => file.endsWith(extension))
      .map((file) => (folder === '.' ? file : `${folder}/${file}`));
    return Promise.all(
      names.map(async (name) => {
        const text = await readFile(new URL(name, root), 'utf8');
        return {
          name,
          sentences: sentencesIn(proseOf(text)),
          running: sentencesIn(runningOf(text)),
        };
      }),
    );
  });
  return (await Promise.all(read)).flat();
}

const place = (name: string, { line, text }: Sentence) => `${name}:${line}: ${text}`;

describe('the English of the documents', () => {
  let texts: Awaited<ReturnType<typeof readDocuments>> = [];

  before(async () => {
    texts = await readDocuments();
  });

  it('is checked in the README, the documents, the manual pages and the units', () => {
    const empty = texts.filter(({ running }) => running.length === 0);
    expect(empty).to.deep.equal([]);
    expect(texts.map(({ name }) => name)).to.include.members([
      'README.md',
      'CHANGELOG.md',
      'docs/contract.md',
      'packaging/man/hactl.8.in',
      'systemd/ha-agent.service',
    ]);
  });

  it('has no banned phrase or opening', () => {
    const found = texts.flatMap(({ name, sentences }) =>
      sentences.flatMap((sentence) => {
        const phrase = bannedIn(sentence);
        return phrase === undefined ? [] : [`"${phrase}" in ${place(name, sentence)}`];
      }),
    );
    expect(found, found.join('\n')).to.deep.equal([]);
  });

  it(`has no sentence over ${maxWords} words outside of tables and code`, () => {
    const found = texts.flatMap(({ name, running }) =>
      running
        .filter((sentence) => wordCount(sentence) > maxWords)
        .map((sentence) => `${wordCount(sentence)} words in ${place(name, sentence)}`),
    );
    expect(found, found.join('\n')).to.deep.equal([]);
  });
});
