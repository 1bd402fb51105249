import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import { checkKeepalivedConfig } from '../../src/keepalived/check.ts';
import { digestOf } from '../../src/keepalived/digest.ts';
import { renderKeepalived, type RenderOptions } from '../../src/keepalived/render.ts';
import { readWanted } from '../../src/keepalived/wanted-schema.ts';
import type { WantedCheck, WantedInstance } from '../../src/keepalived/wanted.ts';
import { memoryFolder } from '../../src/kit/paths.ts';
import { installPackages } from '../lab/host.ts';
import { run } from '../lab/run.ts';
import { faultOf } from '../support/faults.ts';
import { type KeepalivedHost, makeKeepalivedHost, realRun } from '../support/keepalived-host.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tcpCheck, wantedInstance, wantedInstance6 } from '../support/wanted.ts';

const probe = new URL('../../packaging/node/vrrp-probe', import.meta.url).pathname;
const httpCheck: WantedCheck = { ...tcpCheck, type: 'http', path: '/health?a=1&b="{#!$}' };

describe('the configuration of keepalived that a node renders', () => {
  const folder = temporaryFolder();
  let host: KeepalivedHost;
  let options: RenderOptions;
  before(() => installPackages(['keepalived', 'iproute2'], () => undefined));
  beforeEach(async () => {
    host = await makeKeepalivedHost(folder.path);
    await run(['env', ...host.inNamespace, 'ip', 'address', 'add', 'fd77::11/64', 'dev', 'eth1']);
    const copy = join(folder.path, 'vrrp-probe');
    await copyFile(probe, copy);
    options = { version: '2.2.7', node: 'node-1', fifo: join(folder.path, 'fifo'), probe: copy };
  });
  afterEach(() => host.remove());

  const check = async (instances: readonly WantedInstance[], more: Partial<RenderOptions> = {}) => {
    const text = renderKeepalived(readWanted({ instances }), { ...options, ...more });
    const file = join(folder.path, 'k.conf');
    await writeFile(file, text);
    const { inNamespace } = host;
    await checkKeepalivedConfig({ run: realRun, memory: memoryFolder, inNamespace }, file);
    return text;
  };

  const pair = (check: WantedCheck | null, preempt = true) => [
    wantedInstance({ syncGroup: 'vg_1', check, preempt }),
    wantedInstance6({ syncGroup: 'vg_1', check, preempt }),
  ];
  const accepted: [what: string, instances: readonly WantedInstance[]][] = [
    ['nothing', []],
    ['an instance of IPv4', [wantedInstance()]],
    ['an instance of IPv6', [wantedInstance6()]],
    ['multicast', [wantedInstance({ peers: null, source: null })]],
    ['multicast of IPv6', [wantedInstance6({ peers: null, source: null })]],
    ['a sync group', pair(null)],
    ['a sync group without preemption', pair(null, false)],
    ['a check', [wantedInstance({ check: tcpCheck })]],
    ['a check without preemption', [wantedInstance({ check: tcpCheck, preempt: false })]],
    ['a check of a sync group', pair(tcpCheck)],
    ['a check of HTTP with signs that keepalived reads', pair(httpCheck)],
    ['the shortest interval', [wantedInstance({ interval: 0.01 })]],
    ['the longest interval', [wantedInstance({ interval: 40.95 })]],
    [
      'many instances',
      Array.from({ length: 255 }, (_, at) =>
        wantedInstance({ name: `v_${at}`, routerId: at + 1, addresses: [`10.78.${at}.1/32`] }),
      ),
    ],
    [
      'many addresses',
      [wantedInstance({ addresses: Array.from({ length: 200 }, (_, at) => `10.79.0.${at}/24`) })],
    ],
  ];
  for (const [what, instances] of accepted) {
    it(`is taken by keepalived with ${what}`, async () => {
      await check(instances);
    });
  }

  it('is taken by keepalived with a file of the administrator', async () => {
    const include = join(folder.path, 'own.conf');
    await writeFile(
      include,
      'vrrp_instance own {\n interface eth1\n virtual_router_id 9\n priority 9\n virtual_ipaddress {\n 10.77.0.9\n }\n}\n',
    );
    const text = await check([wantedInstance()], { include });
    expect(text).to.match(new RegExp(`^include ${include}$`, 'm'));
    // Its instance would speak another version than its peers.
    expect(text).not.to.match(/^ *vrrp_version/m);
    expect(text).to.match(/^ {2}version 3$/m);
  });

  it('has unicast before a file of the administrator and multicast after it, without which a reload of 2.1.5 crashes', () => {
    const instances = [
      wantedInstance({ name: 'vg_1', routerId: 1, peers: null }),
      wantedInstance({ name: 'vg_2', routerId: 2, peers: ['10.77.0.12'] }),
      wantedInstance({ name: 'vg_3', routerId: 3, peers: [] }),
      wantedInstance({ name: 'vg_4', routerId: 4, peers: ['10.77.0.12'] }),
    ];
    const text = renderKeepalived({ instances }, { ...options, include: '/etc/own.conf' });
    const order = [...text.matchAll(/^(?:vrrp_instance|include) (.*?)(?: \{)?$/gm)];
    expect(order.map(([, name]) => name)).to.deep.equal([
      ...['vg_2', 'vg_4', '/etc/own.conf', 'vg_1', 'vg_3'],
    ]);
  });

  it('is refused by keepalived if the interface is not there', async () => {
    await faultOf('keepalived_config_refused', check([wantedInstance({ interface: 'eth9' })]));
  });

  it('has the same bytes for the same input', () => {
    const render = () => renderKeepalived({ instances: pair(tcpCheck) }, options);
    expect(render()).to.equal(render());
  });

  it('names no word that keepalived 2.1.5 does not know', () => {
    const text = renderKeepalived({ instances: [] }, { ...options, version: '2.1.5' });
    expect(text).not.to.include('reload_check_config');
    expect(renderKeepalived({ instances: [] }, options)).to.include('reload_check_config');
  });

  it('lets a lesser master contradict the better one before it yields, so that this one announces its addresses', () => {
    const text = renderKeepalived({ instances: [] }, options);
    expect(text).to.match(/^ *vrrp_higher_prio_send_advert$/m);
  });

  it('names the user of scripts before the FIFO, without which a reload of 2.2.7 crashes', () => {
    const text = renderKeepalived({ instances: [] }, options);
    expect(text.indexOf('script_user')).to.be.within(0, text.indexOf('vrrp_notify_fifo'));
  });

  it('begins the addresses of IPv6 with a link-local one', () => {
    const text = renderKeepalived({ instances: [wantedInstance6({ routerId: 200 })] }, options);
    expect(text).to.match(/virtual_ipaddress \{\n +fe80::200:5eff:fe00:2c8\/64\n +fd77::100\/64/);
    const own = wantedInstance6({ addresses: ['fd77::100/64', 'fe80::1/64'] });
    expect(renderKeepalived({ instances: [own] }, options)).to.match(
      /virtual_ipaddress \{\n +fe80::1\/64\n +fd77::100\/64\n +\}/,
    );
  });

  it('lets a failing check cost priority, and be a fault only without preemption', () => {
    const weighted = renderKeepalived({ instances: pair(tcpCheck) }, options);
    expect(weighted).to.include('weight -253');
    expect(weighted).to.include('sync_group_tracking_weight');
    const fault = renderKeepalived({ instances: pair(tcpCheck, false) }, options);
    expect(fault).not.to.include('weight');
    // keepalived 2.1.5 ignores it in an instance of a group.
    expect(fault.match(/^ {2}track_script/gm)).to.have.length(1);
    expect(fault.indexOf('track_script')).to.be.below(fault.indexOf('vrrp_instance'));
  });

  it('has one check for all instances of a sync group', () => {
    const text = renderKeepalived({ instances: pair(tcpCheck) }, options);
    expect(text.match(/^vrrp_script/gm)).to.have.length(1);
    expect(text.match(/^ {2}track_script/gm)).to.have.length(2);
    expect(text).to.include('tcp 8080 1 127.0.0.1 10.77.0.11 ::1 fd77::11"');
  });
});

describe('what a node accepts for keepalived', () => {
  const refused: [what: string, value: unknown][] = [
    ['no object', []],
    ['no instances', {}],
    ['an unknown key', { instances: [], other: 1 }],
    ...(
      [
        ['a name with a line break', { name: 'a\nb' }],
        ['a name of 33 characters', { name: 'a'.repeat(33) }],
        ['an interface with a slash', { interface: 'a/b' }],
        ['an interface with a brace', { interface: 'a}' }],
        ['router id 0', { routerId: 0 }],
        ['router id 256', { routerId: 256 }],
        ['priority 0', { priority: 0 }],
        ['priority 255', { priority: 255 }],
        ['a priority in text', { priority: '1' }],
        ['interval 0', { interval: 0 }],
        ['interval 41', { interval: 41 }],
        ['an interval of thousandths', { interval: 0.015 }],
        ['no address', { addresses: [] }],
        ['an address without a prefix', { addresses: ['10.0.0.1'] }],
        ['an address with prefix 33', { addresses: ['10.0.0.1/33'] }],
        ['an address with a word behind it', { addresses: ['10.0.0.1/24 dev eth0'] }],
        ['an address of the other family', { addresses: ['fd00::1/64'] }],
        ['a peer of the other family', { peers: ['fd00::1'] }],
        ['a peer with a zone', { peers: ['fe80::1%eth0'] }],
        ['unicast without a source', { source: null }],
        ['a sync group with a blank', { syncGroup: 'a b' }],
        ['a path without a slash', { check: { ...tcpCheck, type: 'http', path: 'a' } }],
        ['a path with a line break', { check: { ...tcpCheck, type: 'http', path: '/a\n' } }],
        ['a path of TCP', { check: { ...tcpCheck, path: '/' } }],
        ['port 0', { check: { ...tcpCheck, port: 0 } }],
      ] as [string, object][]
    ).map(([what, more]): [string, unknown] => [
      what,
      { instances: [{ ...wantedInstance(), ...more }] },
    ]),
    ['a name twice', { instances: [wantedInstance(), wantedInstance6({ name: 'vg_1' })] }],
    [
      'a router id twice on an interface',
      { instances: [wantedInstance(), wantedInstance({ name: 'b', addresses: ['10.0.0.1/8'] })] },
    ],
    [
      'an address twice',
      { instances: [wantedInstance(), wantedInstance({ name: 'b', routerId: 2 })] },
    ],
  ];
  for (const [what, value] of refused) {
    it(`is not ${what}`, async () => {
      const fault = await faultOf(
        'invalid_request',
        Promise.resolve().then(() => readWanted(value)),
      );
      expect(fault.errors).to.have.length.above(0);
    });
  }

  it('has the same digest in whatever order the keys come', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(Object.entries(wantedInstance()), { minLength: 12 }),
        (all) => {
          const mixed = Object.fromEntries(all) as unknown as WantedInstance;
          expect(digestOf({ instances: [mixed] })).to.equal(
            digestOf({ instances: [wantedInstance()] }),
          );
        },
      ),
    );
  });

  it('has a digest of the canonical JSON', () => {
    // printf '{"instances":[]}' | sha256sum
    expect(digestOf({ instances: [] })).to.equal(
      'bc3457aa472a1be801c5152e4ee2b58ee96ebf37cb184a6c06e75ee32d9e7e4d',
    );
  });
});
