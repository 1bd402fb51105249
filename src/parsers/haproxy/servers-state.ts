/** The columns of `show servers state` in version 1 of the format (haproxy's management.txt, section 9.3). */
const columns = { operation: 5, administration: 6, weight: 7, weightOfFile: 8 };

/** `srv_op_state` of a server that runs. */
const running = '2';
/** `srv_admin_state`: maintenance by a command (1) or by `disabled` in the file (4). */
const maintenance = 1 | 4;

/**
 * The states of servers for the process that a reload starts, so that it takes over which servers are down, and nothing that
 * its own file says. As haproxy prints them, they surprise in three ways (measured on 2.2, 2.6 and 3.0):
 *
 * - A weight that was set by a command wins over the file if the file has the weight with which the process began. So a
 *   weight that was set and then taken back in the file comes back with the reload.
 * - A server that was set to maintenance by a command stays in it, although the file does not have `disabled`. One that was
 *   taken out of it by a command runs on, although the file has `disabled`.
 * - A server in maintenance counts as down. If nobody checks it, it stays down for ever once the file has enabled it.
 *
 * @param text the answer to `show servers state`; a row of another form stays as it is
 */
export function statesForReload(text: string): string {
  return text.split('\n').map(rowForReload).join('\n');
}

function rowForReload(row: string): string {
  const cells = row.split(' ');
  const administration = cells[columns.administration] ?? '';
  if (row.startsWith('#') || !/^\d{1,9}$/.test(administration)) return row;
  if ((Number(administration) & maintenance) !== 0) cells[columns.operation] = running;
  cells[columns.administration] = '0';
  cells[columns.weight] = cells[columns.weightOfFile] ?? '';
  return cells.join(' ');
}
