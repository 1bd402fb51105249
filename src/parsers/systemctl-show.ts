/**
 * Reads the output of `systemctl show UNIT… --property=…`: one block of `Key=value` lines for each unit, with a blank line
 * between blocks.
 */
export function parseSystemctlShow(text: string): Readonly<Record<string, string>>[] {
  return text
    .split(/\n{2,}/)
    .filter((block) => block.trim() !== '')
    .map((block) =>
      Object.fromEntries(
        block
          .split('\n')
          .filter((line) => line.includes('='))
          .map((line) => {
            const equals = line.indexOf('=');
            return [line.slice(0, equals), line.slice(equals + 1)];
          }),
      ),
    );
}
