import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Gateway, holders } from './bench.ts';
import { masterOf, realNodes, settled } from './life.ts';

const file = '/etc/keepalived/keepalived.conf';
const nodeConfig = '/etc/ha-agent/node.json';
const routerId = 177;

/** A host whose administrator runs keepalived already. */
export function testHostKeepalived(at: () => Gateway): void {
  describe('a host with a keepalived.conf of its own', () => {
    const own = () => at().lab.address(50);
    const address = () => at().lab.address(5);
    const host = () => at().lab.nodes[2] as LabNode;
    let fileBefore = '';
    let id = 0;

    /** The bytes of the file, and when they were written. */
    const fileNow = async () =>
      (await host().run(['sha256sum', file])) +
      (await host().run(['stat', '-c', '%i %y %a', file]));
    const isHolder = async (virtual: string) =>
      (await holders(at().lab, virtual)).join() === host().name;
    const post = (more: object = {}) =>
      at().call('POST', '/1/virtual_groups', {
        name: 'beside',
        virtual_ip: address(),
        status: 1,
        real_nodes: realNodes(at(), 2),
        ...more,
      });
    /** The version of VRRP that an instance speaks. Throws while keepalived writes what it runs. */
    const versionOf = async (name: string) => {
      const text = await host().run(['cat', '/run/ha-keepalived/keepalived.json']);
      const instances = JSON.parse(text) as { data: { iname: string; version: number } }[];
      return instances.find(({ data }) => data.iname === name)?.data.version;
    };

    before(async () => {
      await host().run(['mkdir', '-p', '/etc/keepalived']);
      await host().writeFile(
        file,
        `vrrp_instance own {
  state BACKUP
  interface ${at().lab.interface}
  virtual_router_id ${routerId}
  priority 100
  advert_int 1
  virtual_ipaddress {
    ${own()}/24
  }
}
`,
      );
      await host().run(['systemctl', 'enable', '--now', 'keepalived']);
      await waitUntil('its own address', () => isHolder(own()));
      fileBefore = await fileNow();
    });

    after(async () => {
      await at().call('DELETE', `/1/virtual_groups/${id}`);
      await host().exec(['systemctl', 'disable', '--now', 'keepalived']);
      await host().run(['rm', file]);
      await setIncluding(false);
    });

    async function setIncluding(isIncluding: boolean): Promise<void> {
      const config = JSON.parse(await host().run(['cat', nodeConfig])) as object;
      const next = JSON.stringify({ ...config, include_keepalived: isIncluding });
      await host().writeFile(nodeConfig, next);
      await host().run(['systemctl', 'restart', 'ha-amphora']);
    }

    it('refuses a group with a sentence on what to do, and nothing on it changes', async () => {
      const show = ['systemctl', 'show', '--property=MainPID,NRestarts,ActiveState', 'keepalived'];
      const process = await host().run(show as [string, ...string[]]);
      const { status, body } = await post();
      expect(status, JSON.stringify(body)).to.equal(409);
      expect(body.code).to.equal('node_refused');
      expect(body.msg).to.include(file).and.to.include('include_keepalived');
      expect((await at().groups()).some(({ name }) => name === 'beside')).to.equal(false);
      expect(await holders(at().lab, address())).to.deep.equal([]);
      expect(await fileNow()).to.equal(fileBefore);
      expect(await host().run(show as [string, ...string[]])).to.equal(process);
      expect(await isHolder(own())).to.equal(true);
    });

    it('refuses it too while keepalived.service still runs the file', async () => {
      await setIncluding(true);
      await waitUntil('the node to answer', async () => {
        const { status, body } = await post();
        // Until the controller reaches the host again, it makes the group on the other two.
        if (status === 200) {
          await at().call('DELETE', `/1/virtual_groups/${(body.data as { id: number }).id}`);
        }
        return status === 409 && body.msg?.includes('systemctl disable --now keepalived') === true;
      });
      expect(await fileNow()).to.equal(fileBefore);
      expect(await isHolder(own())).to.equal(true);
    });

    it('runs its own instance beside that of the group with include_keepalived', async () => {
      await host().run(['systemctl', 'disable', '--now', 'keepalived']);
      const { status, body } = await post();
      expect(status, JSON.stringify(body)).to.equal(200);
      id = (body.data as { id: number }).id;
      await waitUntil('the host to be MASTER', async () => {
        return masterOf(await settled(at(), id, address())) === at().ids[2];
      });
      await waitUntil('its own address', () => isHolder(own()));
      expect(await isHolder(address())).to.equal(true);
      expect(await fileNow()).to.equal(fileBefore);
      const programs = await host().run(['systemctl', 'is-active', 'ha-keepalived']);
      expect(programs.trim()).to.equal('active');
    });

    it('speaks the same version of VRRP for its own instance as before', async () => {
      await waitUntil('version 2', async () => (await versionOf('own')) === 2);
      await waitUntil('version 3', async () => (await versionOf(`vg_${id}`)) === 3);
    });

    it('keeps its keepalived through changes of groups with unicast and multicast', async () => {
      const child = () => host().run(['cat', '/run/ha-keepalived/vrrp.pid']);
      const before = await child();
      const more: number[] = [];
      for (const [index, unicast] of [false, true].entries()) {
        const virtual = at().lab.address(6 + index);
        const { status, body } = await post({
          name: `beside${index}`,
          virtual_ip: virtual,
          unicast,
        });
        expect(status, JSON.stringify(body)).to.equal(200);
        more.push((body.data as { id: number }).id);
        await waitUntil('its address', () => isHolder(virtual));
      }
      for (const each of more) {
        expect((await at().call('DELETE', `/1/virtual_groups/${each}`)).status).to.equal(200);
      }
      expect(await child()).to.equal(before);
      expect(await isHolder(own())).to.equal(true);
    });
  });
}
