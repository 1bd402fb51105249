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
} from './prose.ts';

const texts = (prose: string) => sentencesIn(prose).map(({ text }) => text);
const banned = (text: string) => bannedIn({ line: 1, text });

describe('the prose in a text', () => {
  it('is split at full stops, question and exclamation marks before a space', () => {
    expect(texts('Is it? It is! Node 24.1 (or later.) "So."\nEnd')).to.deep.equal([
      'Is it?',
      'It is!',
      'Node 24.1 (or later.)',
      '"So."',
      'End',
    ]);
  });

  it('is not split at colons, semicolons, abbreviations, or dots in code', () => {
    for (const sentence of [
      'One: two; three.',
      'A tool, e.g. pcs, or (i.e. this) another.',
      'See `a. b` for it.',
      'Names … and more.',
    ])
      expect(texts(sentence)).to.deep.equal([sentence]);
  });

  it('is split at blank lines, items of lists and rows of tables', () => {
    expect(texts('One:\n- two\n  goes on\n- three\n\nfour\n| a |\n| b |')).to.deep.equal([
      'One:',
      'two goes on',
      'three',
      'four',
      '| a |',
      '| b |',
    ]);
  });

  it('knows the line on which each sentence begins', () => {
    const found: Sentence[] = sentencesIn('\nOne goes\non. Two.\nThree.');
    expect(found.map(({ line }) => line)).to.deep.equal([2, 3, 4]);
  });

  it('is counted in words, without signs between them', () => {
    expect(wordCount({ line: 1, text: 'Run `npm test` – or not … *all* of it.' })).to.equal(8);
  });

  it('is searched for banned phrases and openings, even across line breaks', () => {
    const [wrapped] = sentencesIn('It hangs\non it.');
    expect(wrapped && bannedIn(wrapped)).to.equal('hangs on');
    expect(banned('All but for one.')).to.equal('but for');
    expect(banned('Anew, it begins.')).to.equal('Anew');
    expect(banned('Of all, one.')).to.equal('Of');
    expect(banned('One of all is renewed; it hangs.')).to.equal(undefined);
  });

  it('leaves out code, tables and headings of Markdown, and keeps the lines', () => {
    const markdown = '# Head\n\nText.\n```sh\ncode\n```\n<!-- table -->\n| cell |';
    expect(withoutCode(markdown)).to.equal('# Head\n\nText.\n\n\n\n\n| cell |');
    expect(runningText(markdown)).to.equal('\n\nText.\n\n\n\n\n');
  });

  it('is the comments of a unit', () => {
    expect(commentsOfUnit('[Unit]\n# Why.\nAfter=a')).to.equal('\nWhy.\n');
  });

  it('leaves out requests and examples of a manual page', () => {
    const page = '.SH NAME\n.B hactl\nruns ha\\-agent.\n.nf\nhactl x\n.fi\nEnd.';
    expect(textOfManPage(page)).to.equal('\nhactl\nruns ha-agent.\n\n\n\nEnd.');
  });
});
