import type { LabNode } from '../lab/lab.ts';

/** A call of pcsd's HTTPS API. */
export interface PcsdCall {
  /** Its name in the document. */
  name: string;
  path: string;
  body?: object;
}

/** The calls by which other nodes and the web UI read from pcsd, in Ruby. */
export const remote = (path: string): PcsdCall => ({
  name: `/remote/${path.replace(/\?.*/, '')}`,
  path: `/remote/${path}`,
});

/** A command of pcs's library. */
export const v1 = (command: string, params: object = {}): PcsdCall => ({
  name: `/api/v1/${command}/v1`,
  path: `/api/v1/${command}/v1`,
  body: params,
});

/** The same command in the API that came with pcs 0.11. Most reading commands came with 0.12. */
export const v2 = (command: string, params: object = {}): PcsdCall => ({
  name: `/api/v2/task/run ${command}`,
  path: '/api/v2/task/run',
  body: { command_name: command, params, options: {} },
});

/**
 * Milliseconds that pcsd takes for a call over an open connection.
 * @returns undefined when it took longer than `deadlineMs`
 * @throws {Error} when pcsd refuses
 */
export async function timedPcsd(
  node: LabNode,
  token: string,
  { path, body }: PcsdCall,
  deadlineMs = 60_000,
): Promise<number | undefined> {
  const sent = body
    ? ['--header', 'Content-Type: application/json', '--data', JSON.stringify(body)]
    : [];
  const { exitCode, stdout } = await node.exec(
    [
      'curl',
      '--silent',
      '--insecure',
      '--max-time',
      `${deadlineMs / 1000}`,
      '--cookie',
      `token=${token}`,
      ...sent,
      `https://${node.address}:2224${path}`,
      '--write-out',
      '\n%{http_code} %{time_appconnect} %{time_total}',
    ],
    { deadlineMs: deadlineMs + 5000 },
  );
  // CURLE_OPERATION_TIMEDOUT
  if (exitCode === 28) return undefined;
  const [, answer = '', last = ''] = /^([^]*)\n(.*)$/.exec(stdout) ?? [];
  const [status, connected, total] = last.split(' ').map(Number);
  if (status !== 200 || refuses(answer)) {
    throw new Error(`pcsd answered ${path} with ${status ?? exitCode}: ${answer.slice(0, 500)}`);
  }
  return ((total ?? NaN) - (connected ?? NaN)) * 1000;
}

/** The APIs say in the body, under a status of 200, that a command is unknown or has failed. */
function refuses(answer: string): boolean {
  return /^\{"status": ?"(?!success)/.test(answer) || answer.includes('"task_finish_type": "FAIL"');
}
