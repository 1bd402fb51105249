import { readFileSync } from 'node:fs';

/** The documents of the API by the version in their paths. */
export const documentVersions = ['v0.1', '1.0'] as const;
export type DocumentVersion = (typeof documentVersions)[number];

/** An example as a document prints it. Python literals are JSON here, without what is cut for brevity. */
export interface DocumentExample {
  /** The heading of its route. */
  section: string;
  /** Such as `Success code 200`. */
  heading: string;
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** The path of the example; that of its route, with parameters, if the example has none. */
  path: string;
  status: number;
  /** What the request has to be for this answer. */
  note?: string;
  request?: Readonly<Record<string, unknown>>;
  /** JSON, or a text. */
  body: unknown;
}

/** The examples of a document, in its order. */
export function examplesOf(version: DocumentVersion): DocumentExample[] {
  const file = new URL(`../../fixtures/amphora/document-${version}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as DocumentExample[];
}

/** The number of each difference in the table of docs/amphora.md. */
export function numberedDifferences(): number[] {
  const text = readFileSync(new URL('../../../docs/amphora.md', import.meta.url), 'utf8');
  const [, chapter = ''] = text.split('## Differences from the documents');
  const [table = ''] = chapter.split('\n## ');
  return [...table.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number));
}
