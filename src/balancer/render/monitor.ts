import type { WantedPool } from '../deploying.ts';
import { pingWrapper } from './places.ts';
import { host, line } from './lines.ts';

type Monitor = NonNullable<WantedPool['monitor']>;
type Member = WantedPool['members'][number];

/** How a pool's members are checked. */
export function monitorLines(monitor: Monitor): string[] {
  return [line('timeout', 'check', `${monitor.timeout}s`), ...checkLines(monitor)];
}

function checkLines({ type, httpMethod, urlPath, expectedCodes }: Monitor): string[] {
  switch (type) {
    case 'HTTP':
    case 'HTTPS':
      return [
        line('option', 'httpchk', httpMethod, urlPath),
        // A list of codes is `status` from haproxy 2.4 on; 2.2 has one code or an expression.
        line('http-check', 'expect', 'rstatus', codesIn(expectedCodes).join('|')),
      ];
    case 'TLS-HELLO':
      return [line('option', 'ssl-hello-chk')];
    case 'PING':
      return [line('option', 'external-check'), line('external-check', 'command', pingWrapper)];
    case 'TCP':
      return [];
  }
}

/** The options of a member's line that concern its check. */
export function monitorOptions(
  { type, delay, fallThreshold, riseThreshold }: Monitor,
  { monitorAddress, monitorPort }: Member,
): (string | number)[] {
  return [
    'check',
    ...(type === 'HTTPS' ? ['check-ssl', 'verify', 'none'] : []),
    ...['inter', `${delay}s`, 'fall', fallThreshold, 'rise', riseThreshold],
    ...(monitorAddress === null ? [] : ['addr', host(monitorAddress)]),
    ...(monitorPort === null ? [] : ['port', monitorPort]),
  ];
}

/** Each status of a list such as `200,202-204`, once. */
function codesIn(list: string): number[] {
  const codes = list.split(',').flatMap((part) => {
    const [first = NaN, last = first] = part.split('-').map(Number);
    // NaN makes an empty range.
    return Array.from({ length: Math.max(0, last - first + 1) || 0 }, (_, index) => first + index);
  });
  return [...new Set(codes)];
}
