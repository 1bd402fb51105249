import type { Row } from '../../controller/store/store.ts';
import type { Statistics } from '../objects.ts';

/** The sum of rows of `balancer_statistics`. */
export function sumOf(rows: readonly Row[]): Statistics {
  const sum = (column: string) => rows.reduce((total, row) => total + Number(row[column]), 0);
  return {
    bytesIn: sum('bytes_in'),
    bytesOut: sum('bytes_out'),
    activeConnections: sum('active_connections'),
    totalConnections: sum('total_connections'),
    requestErrors: sum('request_errors'),
  };
}
