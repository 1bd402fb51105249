import type { Suite } from '../../lab/root.ts';
import type { Report } from '../report.ts';
import type { RoundKind, RoundResult } from './rounds.ts';

const titles: Readonly<Record<RoundKind, string>> = {
  calm: 'nothing happens',
  reloads: 'reloads by the driver, each with another configuration',
  kills: 'SIGKILLs of the agent',
  stops: 'stops and starts of haproxy by the API',
  restarts: 'restarts of haproxy by systemd',
  all: 'all of these in turn',
};

const maxLostInReloads = 0.005;
/** What is wrong with a round; empty if its bar is held. */
export function problemsOf(round: RoundResult): string[] {
  const { kind, counted, tcp, http, haproxyHttp, events, intervalBytes } = round;
  const lost = lostOf(round);
  const cut = counted.tcp.cut + counted.http.cut + counted.tcp.refused + counted.http.refused;
  // A connection that was cut may have bytes that haproxy counted and its client did not get.
  const isMore = lost.bytes < -counted.tcp.bytesOfCut || lost.connections < -cut;
  const wrong = [isMore ? `more was reported than counted: ${JSON.stringify(lost)}` : ''];
  if (kind === 'calm' || kind === 'reloads' || kind === 'kills') {
    wrong.push(cut === 0 ? '' : `${cut} connections were cut or refused`);
  }
  if (kind === 'calm') {
    const found = [tcp.bytes_in, tcp.bytes_out, tcp.total_connections, http.total_connections];
    const { sent, received, connections } = counted.tcp;
    const right = [sent, received, connections, counted.http.connections];
    wrong.push(found.join() === right.join() ? '' : `${found.join()} instead of ${right.join()}`);
    const isSame = JSON.stringify(haproxyHttp) === JSON.stringify(http);
    wrong.push(isSame ? '' : `haproxy has counted ${JSON.stringify(haproxyHttp)} by HTTP`);
  } else if (kind === 'reloads') {
    wrong.push(lost.share <= maxLostInReloads ? '' : `${percent(lost.share)} are lost`);
  } else {
    wrong.push(
      lost.bytes <= events * intervalBytes + counted.tcp.bytesOfCut
        ? ''
        : `${lost.bytes} bytes are lost in ${events} events. An interval has ${intervalBytes}, and cut connections had ${counted.tcp.bytesOfCut}`,
    );
  }
  return wrong.filter((text) => text !== '');
}

/** What clients counted by TCP and heartbeats did not report: bytes of both directions, and connections. */
function lostOf({ counted, tcp }: Pick<RoundResult, 'counted' | 'tcp'>) {
  const right = counted.tcp.sent + counted.tcp.received;
  const bytes = right - tcp.bytes_in - tcp.bytes_out;
  const connections = counted.tcp.connections - tcp.total_connections;
  return { bytes, connections, share: bytes / right };
}

const percent = (share: number): string => `${(100 * share).toFixed(3)} %`;

/** What heartbeats lost in each kind of round, as Markdown. */
export function sumsReport(suite: Suite, rounds: readonly RoundResult[]): Report {
  const kinds = [...new Set(rounds.map(({ kind }) => kind))];
  const rows = kinds.map((kind) => {
    const all = rounds.filter((round) => round.kind === kind);
    const problems = all.flatMap(problemsOf);
    const sum = (value: (round: RoundResult) => number) =>
      all.reduce((total, round) => total + value(round), 0);
    const bytes = sum((round) => lostOf(round).bytes);
    const right = sum(({ counted }) => counted.tcp.sent + counted.tcp.received);
    const cells = [
      titles[kind],
      `${(sum(({ seconds }) => seconds) / 60).toFixed(0)} min, ${sum(({ events }) => events)}`,
      sum(({ counted }) => counted.tcp.connections + counted.http.connections),
      `${(right / 1e6).toFixed(1)} MB`,
      `${bytes} bytes (${percent(bytes / right)}), ${sum((round) => lostOf(round).connections)} connections`,
      `${sum(({ counted }) => counted.tcp.cut)}, ${(sum(({ counted }) => counted.tcp.bytesOfCut) / 1e6).toFixed(1)} MB`,
      problems.length === 0 ? 'held' : 'MISSED',
    ];
    return { line: `| ${cells.join(' | ')} |`, problems };
  });
  const head = [
    `### ${suite}`,
    '',
    '| While | Time, events | Connections | Bytes by TCP | Not in the sum of the heartbeats | Cut connections by TCP | Bar |',
    '|---|---|---|---|---|---|---|',
  ];
  const problems = rows.flatMap((row) => row.problems.map((problem) => `- ${problem}`));
  return {
    text: [...head, ...rows.map(({ line }) => line), '', ...problems].join('\n'),
    areHeld: problems.length === 0,
  };
}
