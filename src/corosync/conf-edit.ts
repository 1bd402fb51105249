import { isSection, type LocatedSection, type LocatedSetting } from '../parsers/corosync/conf.ts';

/** An edit of a text, line by line. */
export interface Editing {
  remove: (from: number, to?: number) => void;
  setValue: (setting: LocatedSetting, value: string) => void;
  /** Adds a line after that of a setting, with the same indentation. */
  addBehind: (setting: LocatedSetting, line: string) => void;
  text: () => string;
}

export function sectionsIn(sections: readonly LocatedSection[], name: string): LocatedSection[] {
  return sections
    .flatMap(({ content }) => content.filter(isSection))
    .filter((each) => each.name === name);
}

/** The settings of that name in file order. Corosync uses the last one. */
export function settingsIn(sections: readonly LocatedSection[], key: string): LocatedSetting[] {
  return sections
    .flatMap(({ content }) => content.filter((each): each is LocatedSetting => !isSection(each)))
    .filter((each) => each.key === key);
}

export function edit(text: string): Editing {
  const lines = text.split('\n');
  const edited = lines.map((line) => [line]);
  const at = (line: number) => lines[line] ?? '';
  const lineEnd = (line: string) => (line.endsWith('\r') ? '\r' : '');
  return {
    remove(from, to = from) {
      for (let line = from; line <= to; line += 1) edited[line] = [];
    },
    setValue({ line }, value) {
      const raw = at(line);
      const [start = ''] = /^[^:]*:[ \t]*/.exec(raw) ?? [];
      edited[line] = [`${start}${value}${lineEnd(raw)}`];
    },
    addBehind({ line }, added) {
      const raw = at(line);
      const [indent = ''] = /^[ \t]*/.exec(raw) ?? [];
      edited[line] = [raw, `${indent}${added}${lineEnd(raw)}`];
    },
    text: () => edited.flat().join('\n'),
  };
}
