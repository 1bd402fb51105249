// The running sentences of a text, and the phrases that no text of this project uses. All functions are pure. A text
// keeps its line breaks, so that each finding has a line.

/** A sentence, or a part of one, with the line on which it begins (from 1). */
export interface Sentence {
  line: number;
  text: string;
}

/** Phrases that many readers stumble over. "Depends on", "except" and "again" say the same. */
export const bannedPhrases: readonly RegExp[] = [/\bhangs on\b/i, /\bbut for\b/i, /\banew\b/i];

/** The subject of a sentence that begins with "Of" comes too late. */
export const bannedOpenings: readonly RegExp[] = [/^Of\b/];

/** Full stops that do not end a sentence. */
const abbreviations = /(?:^|[\s(])(?:e\.g|i\.e|cf|vs|approx)\.$/i;

/** The first line of a list item or a table row. It does not continue the line before. */
const blockStart = /^\s*(?:[-*]|\d+\.)\s|^\s*\|/;

/** @returns the Markdown without code blocks and HTML comments, with the same lines */
export function withoutCode(markdown: string): string {
  let fenced = false;
  return mapLines(markdown, (line) => {
    const isFence = line.trimStart().startsWith('```');
    if (isFence) fenced = !fenced;
    return isFence || fenced || line.startsWith('<!--') ? '' : line;
  });
}

/** @returns only the paragraphs and lists of the Markdown, with the same lines */
export function runningText(markdown: string): string {
  return mapLines(withoutCode(markdown), (line) => (/^\s*\||^#/.test(line) ? '' : line));
}

/** @returns the comments of a systemd unit without their signs, with the same lines */
export function commentsOfUnit(unit: string): string {
  return mapLines(unit, (line) => (line.startsWith('#') ? line.slice(1).trim() : ''));
}

/**
 * @returns the text of a manual page without the requests and escapes of man(7) and without examples, with the same
 * lines
 */
export function textOfManPage(roff: string): string {
  let isExample = false;
  return mapLines(roff, (line) => {
    if (/^\.(?:nf|fi)\b/.test(line)) isExample = line.startsWith('.nf');
    if (isExample || /^\.(?:SH|SS|PP|TP|IP|TH|fi|br)\b/.test(line)) return '';
    return line.replace(/^\.[A-Z]+ /, '').replaceAll('\\-', '-');
  });
}

/**
 * Splits prose into sentences. A sentence ends with a full stop, an exclamation mark or a question mark before a space,
 * or with its paragraph, its item of a list or its row of a table. Dots in code spans do not end it.
 */
export function sentencesIn(prose: string): Sentence[] {
  return blocksIn(prose).flatMap(sentencesOfBlock);
}

/** @returns the number of words in a sentence, including its code spans */
export function wordCount({ text }: Sentence): number {
  return text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

/** @returns the first banned phrase or opening of a sentence; undefined if it has none */
export function bannedIn({ text }: Sentence): string | undefined {
  const [match] = [...bannedPhrases, ...bannedOpenings].flatMap((each) => each.exec(text) ?? []);
  return match;
}

function blocksIn(prose: string): Sentence[] {
  const blocks: Sentence[] = [];
  let open = false;
  for (const [index, line] of prose.split('\n').entries()) {
    const last = blocks.at(-1);
    if (line.trim() === '') open = false;
    else if (open && last && !blockStart.test(line)) last.text += `\n${line}`;
    else {
      blocks.push({ line: index + 1, text: line });
      open = true;
    }
  }
  return blocks;
}

function sentencesOfBlock(block: Sentence): Sentence[] {
  const masked = block.text.replace(/`[^`]*`/g, (code) => code.replace(/[.!?]/g, '_'));
  const sentences: Sentence[] = [];
  let start = 0;
  const add = (end: number) => {
    const text = block.text.slice(start, end);
    const before = block.text.slice(0, start + text.search(/\S|$/));
    if (text.trim() !== '')
      sentences.push({
        line: block.line + before.split('\n').length - 1,
        text: text
          .replace(/^\s*(?:[-*]|\d+\.)\s/, '')
          .replace(/\s+/g, ' ')
          .trim(),
      });
    start = end;
  };
  for (const { 0: mark, index } of masked.matchAll(/[.!?]["'*_)\]]*(?=\s|$)/g)) {
    if (!abbreviations.test(masked.slice(0, index + 1))) add(index + mark.length);
  }
  add(block.text.length);
  return sentences;
}

function mapLines(text: string, change: (line: string) => string): string {
  return text.split('\n').map(change).join('\n');
}
