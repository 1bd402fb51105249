import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { readVrrpConfig } from '../../../src/parsers/keepalived/conf.ts';
import { readLvsConfig } from '../../../src/parsers/keepalived/lvs.ts';
import { lvsContexts, vrrpContexts } from '../../support/octavia/contexts.ts';

const versions = ['7.1.0', '11.0.0', '16.0.0'] as const;
const checkScript = '/var/lib/octavia/vrrp/check_script.sh';
const folder = '/var/lib/octavia/lvs';

function recorded(version: string, name: string): string {
  const path = `../../fixtures/keepalived-conf/${version}/${name}.conf`;
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

const vrrp = (text: string) => readVrrpConfig(text, { checkScript });
const lvs = (text: string) => readLvsConfig(text, { folder });

describe('the keepalived.conf of a load balancer', () => {
  for (const version of versions) {
    for (const name of Object.keys(vrrpContexts)) {
      it(`has no problem as driver ${version} writes it: ${name}`, () => {
        expect(vrrp(recorded(version, name)).problems).to.deep.equal([]);
      });
    }
  }

  it('is read as a typed value', () => {
    const { script, instance } = vrrp(recorded('11.0.0', 'vrrp-two-vips'));
    expect(script).to.deep.equal({
      name: 'check_script',
      script: checkScript,
      interval: 5,
      fall: 2,
      rise: 2,
    });
    expect(instance).to.deep.equal({
      name: 'b1f3a5c79d0e4a2b8c6d1e3f5a7b9c0d',
      state: 'MASTER',
      interface: 'eth1',
      routerId: 1,
      priority: 100,
      advertInt: 1,
      nopreempt: true,
      source: '10.1.0.11',
      peers: ['10.1.0.12'],
      vips: ['10.1.0.5'],
      excludedVips: ['2001:db8::5'],
      tracked: ['check_script'],
    });
  });

  it('has no state as driver 16.0.0 writes it', () => {
    expect(vrrp(recorded('16.0.0', 'vrrp-master')).instance?.state).to.equal(undefined);
  });

  /** Lines that no driver writes in that place. */
  const foreign = {
    file: [
      'global_defs {\n}',
      'include /etc/passwd',
      'includer /etc/keepalived/*.conf',
      'net_namespace other',
      'script_user root',
      'enable_script_security',
      'vrrp_sync_group x {\n}',
      'static_routes {\n}',
      'virtual_server 10.0.0.1 80 {\n}',
      '$A=b',
      '@host include x',
      '~SEQ(a, 1, 3)',
      'vrrp_script other {\nscript /bin/sh\n}',
      'vrrp_instance other {\n}',
      'nonsense',
      '}',
      '{',
      '"include" /etc/passwd',
      'vrrp_track_process x {\nprocess y\n}',
      'vrrp_track_file x {\nfile /etc/passwd\n}',
    ],
    instance: [
      'notify /bin/sh',
      'notify_master "/bin/sh -c x"',
      'notify_backup /bin/sh',
      'notify_fault /bin/sh',
      'notify_stop /bin/sh',
      'notify_deleted /bin/sh',
      'notify_priority_changes true',
      'smtp_alert',
      'use_vmac',
      'include /etc/passwd',
      'track_file {\n}',
      'track_process {\nx\n}',
      'garp_master_refresh 5; notify',
      'state FAULT',
      'priority 1000',
      'interface eth1/../x',
      'virtual_router_id 0',
      'virtual_rules {\nfrom 10.0.0.1/32 table 1 priority 100 goto 5\n}',
      'virtual_routes {\nblackhole 10.0.0.0/8\n}',
      'virtual_routes {\n10.0.0.0/8 dev\n}',
      'virtual_ipaddress {\n10.0.0.1 label x\n}',
      'unicast_peer {\nexample.com\n}',
      "notify '/bin/sh'",
      'noti\\x66y /bin/sh',
    ],
  };

  const driverText = recorded('16.0.0', 'vrrp-master');
  const withoutBlocks = driverText
    .replace(/^ {4}(?:virtual_routes|virtual_rules|virtual_ipaddress|unicast_peer)[^}]*\}\n/gm, '')
    .replace(/^ {4}(?:interface|virtual_router_id|priority|garp_master_refresh) .*\n/gm, '');

  it('has no problem without the lines that the next tests write themselves', () => {
    expect(vrrp(withoutBlocks).problems).to.deep.equal([]);
  });

  for (const line of foreign.file) {
    it(`has a problem with a line outside of its blocks: ${JSON.stringify(line)}`, () => {
      expect(vrrp(`${driverText}${line}\n`).problems).not.to.deep.equal([]);
      expect(vrrp(`${line}\n${driverText}`).problems).not.to.deep.equal([]);
    });
  }

  for (const line of foreign.instance) {
    it(`has a problem with a line in its instance: ${JSON.stringify(line)}`, () => {
      const text = withoutBlocks.replace('    nopreempt\n', `    nopreempt\n    ${line}\n`);
      expect(text).not.to.equal(withoutBlocks);
      const at = text.split('\n').indexOf('    nopreempt') + 2;
      expect(vrrp(text).problems[0]?.line).to.be.within(at, at + 1);
    });
  }

  it('has a problem with another script', () => {
    const text = driverText.replace(checkScript, `"${checkScript} ; sh"`);
    expect(vrrp(text).problems.map(({ line }) => line)).to.deep.equal([2]);
    expect(vrrp(driverText.replace(checkScript, `${checkScript} x`)).problems).to.have.length(1);
  });

  it('has a problem with a comment so long that keepalived reads its end as a line', () => {
    const text = `#${' '.repeat(1022)}include /etc/passwd\n${driverText}`;
    expect(vrrp(text).problems.map(({ line }) => line)).to.deep.equal([1]);
  });

  it('has a problem with a control character, even in a comment', () => {
    for (const character of ['\0', '\r', '\u000b', '\u001b', 'ä']) {
      expect(vrrp(`# a${character}b\n${driverText}`).problems).to.have.length(1);
    }
  });

  it('may have the line ends of Windows', () => {
    expect(vrrp(driverText.replaceAll('\n', '\r\n')).problems).to.deep.equal([]);
  });

  it('has a problem if a block is not closed, or nothing is in it', () => {
    expect(vrrp(driverText.slice(0, -2)).problems).to.have.length(1);
    expect(vrrp('').problems).to.have.length(1);
  });

  it('gives away no word of the file in its problems', () => {
    const text = driverText.replaceAll('auth_pass', 'auth_pass x').concat('secretword x\n');
    const printed = JSON.stringify(vrrp(text).problems);
    expect(printed).not.to.include('7d3e9a1').and.not.to.include('secretword');
    expect(vrrp(text).problems).to.have.length(2);
  });
});

describe('the keepalived.conf of an LVS listener', () => {
  for (const version of versions) {
    for (const name of Object.keys(lvsContexts)) {
      it(`has no problem as driver ${version} writes it: ${name}`, () => {
        expect(lvs(recorded(version, name)).problems).to.deep.equal([]);
      });
    }
  }

  it('is read as a typed value, with the ids of its comments', () => {
    expect(lvs(recorded('16.0.0', 'lvs-udp'))).to.deep.equal({
      loadBalancer: 'sample_loadbalancer_id_1',
      listener: 'sample_listener_id_1',
      isEnabled: true,
      protocol: 'UDP',
      vips: [{ address: '10.0.0.2', port: 80 }],
      pool: { id: 'sample_pool_id_1', isEnabled: true },
      monitor: 'sample_monitor_id_1',
      members: [
        { id: 'sample_member_id_1', address: '10.0.0.99', port: 82, weight: 13 },
        { id: 'sample_member_id_2', address: '10.0.0.98', port: 82, weight: 13 },
      ],
      disabledMembers: [],
      problems: [],
    });
  });

  it('has a place for each VIP', () => {
    const places = [
      { address: '10.0.0.2', port: 80 },
      { address: '2001:db8::2', port: 80 },
    ];
    expect(lvs(recorded('16.0.0', 'lvs-two-families')).vips).to.deep.equal(places);
    expect(lvs(recorded('7.1.0', 'lvs-udp')).vips).to.deep.equal(places.slice(0, 1));
  });

  it('says what is disabled', () => {
    expect(lvs(recorded('11.0.0', 'lvs-disabled-listener')).isEnabled).to.equal(false);
    expect(lvs(recorded('11.0.0', 'lvs-disabled-pool')).pool?.isEnabled).to.equal(false);
    const { members, disabledMembers } = lvs(recorded('11.0.0', 'lvs-disabled-member'));
    expect(disabledMembers).to.deep.equal(['sample_member_id_1']);
    expect(members.map(({ id }) => id)).to.deep.equal(['sample_member_id_2']);
  });

  const driverText = recorded('16.0.0', 'lvs-udp');
  const spoilt = {
    'another program': ['/var/lib/octavia/lvs/check/udp_check.sh 10', '/bin/sh 10'],
    'a program of another folder': ['lvs/check/udp_check.sh', 'lvs/check/../udp_check.sh'],
    'more after the place of a check': ['10.0.0.99 82"', '10.0.0.99 82 ; sh"'],
    'another namespace': ['net_namespace amphora-haproxy', 'net_namespace other'],
    'a quorum script': ['lb_kind NAT', 'lb_kind NAT\nquorum_up "/bin/sh"'],
    'a notify script': ['weight 13', 'weight 13\nnotify_up /bin/sh'],
    'a user of scripts': ['misc_timeout 31', 'misc_timeout 31\nuser root'],
    'an include': ['lb_algo wrr', 'include /etc/passwd'],
    'another kind': ['lb_kind NAT', 'lb_kind DR'],
    'a sorry server': ['lb_kind NAT', 'lb_kind NAT\nsorry_server 10.0.0.1 80'],
    'no id above a server': ['# Configuration for Member sample_member_id_1\n', '\n'],
  };
  for (const [name, [from, to]] of Object.entries(spoilt)) {
    it(`has a problem with ${name}`, () => {
      const text = driverText.replace(from ?? '', to ?? '');
      expect(text).not.to.equal(driverText);
      expect(lvs(text).problems).not.to.deep.equal([]);
    });
  }

  it('may name no namespace where there is none', () => {
    const inHost = (text: string) => readLvsConfig(text, { folder, namespace: null }).problems;
    expect(inHost(driverText)).to.have.length(1);
    expect(inHost(driverText.replace('net_namespace amphora-haproxy', ''))).to.deep.equal([]);
  });
});
