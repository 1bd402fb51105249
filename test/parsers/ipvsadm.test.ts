import { expect } from 'chai';

import { parseLvsServices, parseLvsStats } from '../../src/parsers/ipvsadm.ts';

// The kernel of the lab has no IPVS. These texts were made with the format strings of print_title, print_service_entry,
// print_largenum and addrport_to_anyname in ipvsadm.c of 1.31, which Debian 11, 12 and 13 all have.

type Counters = readonly [number, number, number, number, number];

const head = 'IP Virtual Server version 1.2.1 (size=4096)\n';
const title = `${head}Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`;
const statsTitle = `${head}${'Prot LocalAddress:Port'.padEnd(33)} ${['Conns', 'InPkts', 'OutPkts', 'InBytes', 'OutBytes'].map((name) => name.padStart(8)).join(' ')}
  -> RemoteAddress:Port
`;

/** `%-4s %s %s` */
function service(protocol: string, place: string, scheduler: string, more = ''): string {
  return `${protocol.padEnd(4)} ${place} ${scheduler}${more}\n`;
}

/** `  -> %-28s %-7s %-6d %-10u %-10u` */
function server(
  place: string,
  forward: string,
  numbers: readonly [number, number, number],
): string {
  const [weight, active, inactive] = numbers.map(String);
  const columns = [place.padEnd(28), forward.padEnd(7), weight?.padEnd(6), active?.padEnd(10)];
  return `  -> ${columns.join(' ')} ${inactive?.padEnd(10)}\n`;
}

/** With `--exact`: `%*llu`, of at least nine characters and one blank. */
function counters(numbers: Counters): string {
  return numbers
    .map((each) => String(each).padStart(Math.max(9, String(each).length + 1)))
    .join('');
}

const none: Counters = [0, 0, 0, 0, 0];

describe('ipvsadm -Ln', () => {
  it('shows services and their servers', () => {
    const text =
      title +
      service('UDP', '10.0.0.2:80', 'wrr', ' persistent 33 mask 255.0.0.0') +
      server('10.0.0.98:82', 'Masq', [13, 0, 5]) +
      server('10.0.0.99:82', 'Masq', [0, 1, 0]) +
      service('SCTP', '[2001:db8::2]:80', 'sh', ' (sh-fallback,sh-port) ops') +
      server('[2001:db8:1111:2222:3333:4444:5555:6666]:65535', 'Tunnel', [1, 2, 3]);
    expect(parseLvsServices(text)).to.deep.equal([
      {
        protocol: 'UDP',
        address: '10.0.0.2',
        port: 80,
        scheduler: 'wrr',
        servers: [
          { address: '10.0.0.98', port: 82, forward: 'Masq', weight: 13, active: 0, inactive: 5 },
          { address: '10.0.0.99', port: 82, forward: 'Masq', weight: 0, active: 1, inactive: 0 },
        ],
      },
      {
        protocol: 'SCTP',
        address: '2001:db8::2',
        port: 80,
        scheduler: 'sh',
        servers: [
          {
            address: '2001:db8:1111:2222:3333:4444:5555:6666',
            port: 65_535,
            forward: 'Tunnel',
            weight: 1,
            active: 2,
            inactive: 3,
          },
        ],
      },
    ]);
  });

  it('shows services by firewall mark, of both families', () => {
    const text = `${title}FWM  1 rr\nFWM  2 IPv6 lc\n${server('[2001:db8::1]:0', 'Route', [1, 0, 0])}`;
    expect(parseLvsServices(text)).to.deep.equal([
      { protocol: 'FWM', mark: 1, address: '', port: 0, scheduler: 'rr', servers: [] },
      {
        protocol: 'FWM',
        mark: 2,
        address: '',
        port: 0,
        scheduler: 'lc',
        servers: [
          { address: '2001:db8::1', port: 0, forward: 'Route', weight: 1, active: 0, inactive: 0 },
        ],
      },
    ]);
  });

  it('shows a service without servers', () => {
    expect(parseLvsServices(title + service('TCP', '10.0.0.2:80', 'wlc'))).to.deep.equal([
      { protocol: 'TCP', address: '10.0.0.2', port: 80, scheduler: 'wlc', servers: [] },
    ]);
  });

  it('shows nothing without services, and nothing in other texts', () => {
    for (const text of ['', title, 'UDP\n  ->\n', '  -> 10.0.0.1:80 Masq 1 0 0\n', 'UDP x:y z\n']) {
      expect(parseLvsServices(text), text).to.deep.equal([]);
    }
  });

  it('gives the servers of an unreadable service to no other one', () => {
    const text =
      service('UDP', '10.0.0.2:80', 'rr') +
      'UDP  broken rr\n' +
      server('10.0.0.9:82', 'Masq', [1, 0, 0]);
    expect(parseLvsServices(text).map(({ servers }) => servers)).to.deep.equal([[]]);
  });
});

describe('ipvsadm -Ln --stats --exact', () => {
  it('shows counters of services and servers, however large', () => {
    const text =
      statsTitle +
      `${'UDP  10.0.0.2:80'.padEnd(33)}${counters([12_345_678_901, 2, 3, 4, 5_000_000_000])}\n` +
      `  -> ${'10.0.0.99:82'.padEnd(28)}${counters([1, 2, 3, 4, 5])}\n` +
      `${'FWM  7 IPv6'.padEnd(33)}${counters(none)}\n`;
    expect(parseLvsStats(text)).to.deep.equal([
      {
        protocol: 'UDP',
        address: '10.0.0.2',
        port: 80,
        conns: 12_345_678_901,
        inPackets: 2,
        outPackets: 3,
        inBytes: 4,
        outBytes: 5_000_000_000,
        servers: [
          {
            address: '10.0.0.99',
            port: 82,
            conns: 1,
            inPackets: 2,
            outPackets: 3,
            inBytes: 4,
            outBytes: 5,
          },
        ],
      },
      {
        protocol: 'FWM',
        mark: 7,
        address: '',
        port: 0,
        conns: 0,
        inPackets: 0,
        outPackets: 0,
        inBytes: 0,
        outBytes: 0,
        servers: [],
      },
    ]);
  });

  it('ignores numbers that are rounded, as they are without --exact', () => {
    const text = `${'UDP  10.0.0.2:80'.padEnd(33)}   12345K        2        3        4        5\n`;
    expect(parseLvsStats(text)).to.deep.equal([]);
  });
});
