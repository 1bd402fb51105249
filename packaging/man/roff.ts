// man(7): a page is lines of text, with requests that begin with a dot.

/** Text as it is. A hyphen is a minus sign, so that options can be copied. */
export function plain(text: string): string {
  return text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

export function bold(text: string): string {
  return `\\fB${plain(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${plain(text)}\\fR`;
}

/** Running text. A name of a manual page, such as hactl(8), is bold. */
export function prose(text: string): string {
  return plain(text).replace(
    /\b((?:ha\\-agent|hactl)(?:\.json)?)\(([58])\)/g,
    (_all, name: string, section: string) => `\\fB${name}\\fR(${section})`,
  );
}

/** A term, and below it what it means. */
export function item(term: string, ...paragraphs: readonly string[]): string {
  return ['.TP', term, paragraphs.join('\n.IP\n')].join('\n');
}

/** A hint of an option or argument as a sentence. */
export function sentence(hint: string): string {
  return prose(`${hint.charAt(0).toUpperCase()}${hint.slice(1)}${/[.)]$/.test(hint) ? '' : '.'}`);
}
