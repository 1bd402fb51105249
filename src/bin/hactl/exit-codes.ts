/**
 * How `hactl` ends. Scripts depend on the numbers, so they never change. 0 to 3 are those of a monitoring plugin
 * (Monitoring Plugins Development Guidelines, "Plugin Return Codes"), 64 to 70 those of sysexits(3head).
 */
export const exitCodes = {
  ok: 0,
  warning: 1,
  failing: 2,
  unknown: 3,
  refused: 4,
  unsettled: 5,
  usage: 64,
  unreachable: 69,
  bug: 70,
  outputClosed: 141,
} as const;

export type Ending = keyof typeof exitCodes;

/** What each of them means, for the manual page and the documents. */
export const exitMeanings: Readonly<Record<Ending, string>> = {
  ok: 'All is well: what was asked for is done.',
  warning: 'Something needs attention, such as a destination that does not have the liferaft yet.',
  failing: 'Something on this host, or a destination, fails.',
  unknown: 'The state could not be determined, or nobody knows how a change ended.',
  refused:
    'It was refused: it conflicts with what is there, or names something that does not exist.',
  unsettled: 'The change was made, but its effect did not show in time.',
  usage: 'The command line is wrong. Nothing was done.',
  unreachable: 'The agent or the sender does not run on this host.',
  bug: 'This is a bug of hactl.',
  outputClosed:
    "The reader closed the output, as in 'hactl audit | head'. The command itself was carried out.",
};
