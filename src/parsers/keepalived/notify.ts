/** What keepalived says of one instance in its FIFO. */
export interface NotifyLine {
  name: string;
  /** Such as MASTER, BACKUP, FAULT or STOP. */
  state: string;
}

/**
 * Reads the lines of `vrrp_notify_fifo` (keepalived.conf(5)), such as `INSTANCE "vg_1" STOP 150`.
 * @returns those of instances; lines of groups and pieces of lines are left out
 */
export function readNotifyLines(text: string): NotifyLine[] {
  return text.split('\n').flatMap((line) => {
    const [, name, state] = /^INSTANCE "([^"]{1,255})" ([A-Z_]{1,30}) \d{1,3}$/.exec(line) ?? [];
    return name === undefined || state === undefined ? [] : [{ name, state }];
  });
}
