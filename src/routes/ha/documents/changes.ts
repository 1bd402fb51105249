// The documented answers of changes, for rows that neither repeat their fields nor return a value of the domain.

export const emptyText = () => '';
export const nullAnswer = () => null;

export const nameOf = (_result: unknown, { name }: { name: string }) => ({ name });

export const nodeAndName = (
  _result: unknown,
  { node, name }: Readonly<Record<'node' | 'name', string>>,
) => ({ node, name });

export const stoppedText = (_result: unknown, { name }: { name: string }) =>
  `Attempting to stop: ${name}... Stopped\n`;

/** The text of pcs depends on its version, so the answer has the documented text. */
export const destroyedText = () =>
  'Shutting down pacemaker/corosync services...\nKilling any remaining services...\nRemoving all cluster configuration files...\n';
