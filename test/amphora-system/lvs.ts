import { expect } from 'chai';

import type { Driver, Step, StepResult } from '../lab/amphora/driver.ts';
import type { AmphoraNode } from '../lab/amphora/lab.ts';
import { members, tenant } from '../lab/amphora/networks.ts';
import type { Suite } from '../lab/root.ts';
import type { Bench } from './bench.ts';

const ids = {
  lb: '6a000000-aaaa-4000-8000-000000000001',
  listener: '6b000000-aaaa-4000-8000-000000000001',
  pool: '6c000000-aaaa-4000-8000-000000000001',
  monitor: '6d000000-aaaa-4000-8000-000000000001',
} as const;

const unit = `amphora-lvs@${ids.listener}.service`;
const stem = `/var/lib/octavia/lvs/octavia-keepalivedlvs-${ids.listener}`;

/** A load balancer with one listener of UDP, whose monitor is a script. */
const balancer: Step = {
  do: 'load_balancer',
  spec: {
    id: ids.lb,
    vip: tenant.vip.address,
    pools: [
      {
        id: ids.pool,
        protocol: 'UDP',
        health_monitor: { id: ids.monitor, type: 'UDP-CONNECT', delay: 5, timeout: 3 },
        members: members.slice(0, 2).map(({ address }, index) => ({
          id: `6e000000-aaaa-4000-8000-00000000000${index + 1}`,
          ip_address: address,
          protocol_port: 53,
          subnet_id: 'members',
        })),
      },
    ],
    listeners: [
      {
        id: ids.listener,
        protocol: 'UDP',
        protocol_port: 5353,
        default_pool: ids.pool,
        connection_limit: 100,
      },
    ],
  },
};

/** A listener of UDP by the real driver. It needs a namespace, and the test ends early where the kernel has IPVS. */
export function describeLvs(bench: Bench, driverSuite: Suite): void {
  describe('with a listener of UDP, on a kernel without IPVS', () => {
    let driver: Driver;
    before(async () => {
      driver = await bench().driver(driverSuite, { bodies: true });
      await driver.play(balancer);
    });
    after(() => driver.close());
    const node = (): AmphoraNode => {
      const [first] = bench().nodes;
      if (first === undefined) throw new Error('The lab has no node.');
      return first;
    };
    const request = async (method: string, path: string, body = '') => {
      const { result } = await driver.play({ do: 'request', method, path, body });
      const { status, body: text } = result as { status: number; body: string };
      return { status, text };
    };

    it('stores what the driver uploads, and says why the start failed', async () => {
      const played = await driver.attempt({ do: 'update_amphora_listeners' });
      const [upload, start] = changesOf(played);
      expect(upload?.status, upload?.body).to.equal(200);
      expect(upload?.etag).to.equal(upload?.sent_md5);
      expect(start?.path).to.match(/\/reload$/);
      expect(start?.status, start?.body).to.equal(500);
      expect(start?.body).to.include('no IPVS').and.to.include('lvs_failed');
      expect(await node().run(['cat', `${stem}.conf`])).to.equal(upload?.sent);
      const get = await request('GET', `/1.0/listeners/${ids.listener}/udp_listener`);
      expect(get).to.deep.equal({ status: 200, text: upload?.sent });
      const script = '/var/lib/octavia/lvs/check/udp_check.sh';
      const modes = await node().run(['stat', '--format=%a', `${stem}.conf`, script]);
      expect(modes).to.equal('644\n100\n');
    });

    it('had systemd start keepalived in the namespace, and leaves nothing that starts again', async () => {
      const journal = await node().run(['journalctl', `--unit=${unit}`, '--output=cat']);
      expect(journal).to.match(/Can't initialize ipvs/);
      expect(journal).to.include('Changing syslog ident to Keepalived_amphora-haproxy');
      const show = ['systemctl', 'show', '--value', '--property=ActiveState', unit] as const;
      expect(await node().run(show)).to.equal('inactive\n');
      const { stdout } = await node().exec(['systemctl', 'is-enabled', unit]);
      expect(stdout).to.equal('disabled\n');
      expect(await namesOf(node())).to.deep.equal(['check', `${nameOf(stem)}.conf`]);
    });

    it('has the actions of a listener, and its state', async () => {
      const start = await request('PUT', `/1.0/loadbalancer/${ids.listener}/start`);
      expect(start.status, start.text).to.equal(500);
      const stop = await request('PUT', `/1.0/loadbalancer/${ids.listener}/stop`);
      expect(stop.status, stop.text).to.equal(202);
      const { result } = await driver.play({ do: 'get_all_listeners' });
      const listeners = result as { uuid: string }[];
      expect(listeners.find(({ uuid }) => uuid === ids.listener)).to.deep.equal({
        status: 'STOPPED',
        uuid: ids.listener,
        type: 'UDP',
      });
    });

    it('refuses with 400 what keepalived refuses in the namespace, and keeps the former file', async () => {
      const former = await node().run(['cat', `${stem}.conf`]);
      const refused: Record<string, string> = {
        'an unknown word': former.replace(/lb_algo \w+/, 'lb_algo nonsense'),
        'a script of another': former.replace('udp_check.sh', '../../x.sh'),
        'a bad address': former.replace(members[0]?.address ?? '', '198.18.2.999'),
        'a missing brace': former.replace(/\}\s*$/, ''),
        'another namespace': former.replace('amphora-haproxy', 'other'),
      };
      for (const [what, text] of Object.entries(refused)) {
        expect(text, what).to.not.equal(former);
        const path = `/1.0/listeners/${node().id}/${ids.listener}/udp_listener`;
        const answer = await request('PUT', path, text);
        expect(answer.status, `${what}: ${answer.text}`).to.equal(400);
      }
      expect(await node().run(['cat', `${stem}.conf`])).to.equal(former);
    });

    it('leaves nothing when it is deleted', async () => {
      const { status, text } = await request('DELETE', `/1.0/listeners/${ids.listener}`);
      expect([status, text]).to.deep.equal([200, text]);
      expect(await namesOf(node())).to.deep.equal(['check']);
      const again = await request('DELETE', `/1.0/listeners/${ids.listener}`);
      expect(again.status).to.equal(404);
      const get = await request('GET', `/1.0/listeners/${ids.listener}/udp_listener`);
      expect(get.status).to.equal(404);
      const list = [
        'systemctl',
        'list-units',
        '--all',
        '--plain',
        '--no-legend',
        'amphora-lvs@*',
      ] as const;
      expect(await node().run(list)).to.equal('');
    });
  });
}

const changesOf = ({ exchanges }: StepResult) => exchanges.filter(({ method }) => method === 'PUT');

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

async function namesOf(node: AmphoraNode): Promise<string[]> {
  const names = await node.run(['ls', '/var/lib/octavia/lvs']);
  return names.split('\n').filter((name) => name !== '');
}
