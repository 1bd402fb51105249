import type { Run } from '../kit/exec.ts';
import { runToSuccess } from '../kit/exec.ts';

const deadlineMs = 15_000;

/**
 * Replaces a table of nftables in one step of the kernel (nft(8)).
 * @param table such as `inet ha_node`
 * @param content what is in its braces; empty removes the table
 * Faults: `tool_failed`, `tool_missing`, those of Run
 */
export async function replaceTable(run: Run, table: string, content: string): Promise<void> {
  // A table that is not there cannot be deleted, so it is added first.
  const cleared = `add table ${table}\ndelete table ${table}\n`;
  const commands = content === '' ? cleared : `${cleared}table ${table} {\n${content}}\n`;
  await runToSuccess(
    run,
    // As an argument, because nft 0.9.8 of Debian 11 opens /dev/stdin, and a pipe of Node.js cannot be opened.
    { argv: ['nft', commands], deadlineMs },
    `The table ${table} of nftables could not be replaced. The reason of nft is in 'stderr'.`,
  );
}
