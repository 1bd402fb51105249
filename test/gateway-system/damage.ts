import { expect } from 'chai';

import type { LabNode } from '../lab/lab.ts';
import { waitUntil } from '../lab/wait.ts';
import { type Gateway, holders, postGroup } from './bench.ts';
import { masterOf, realNodes, settled } from './life.ts';

/** What happens to the node that is MASTER, which is not that of the controller. */
interface Damage {
  what: string;
  do: (node: LabNode, address: string) => Promise<unknown>;
  /** Ends the cause; nothing if it ends by itself. */
  undo?: (node: LabNode) => Promise<unknown>;
  /** Whether the API has to name a trouble while the cause lasts. */
  isSeen: boolean;
}

const unit = 'ha-keepalived.service';
const parent = ['systemctl', 'kill', '--kill-who=main', '--signal=KILL', unit] as const;
const all = ['systemctl', 'kill', '--signal=KILL', unit] as const;
/** The VRRP child is the child of the main process, which the damage before may have ended a moment ago. */
const child = `for i in $(seq 300); do
  pid=$(systemctl is-active --quiet ${unit} && pgrep -P $(systemctl show --value --property=MainPID ${unit})) && break
  sleep 0.1
done
kill -KILL $pid`;
const drop = (hook: string) =>
  `nft add table inet damage; nft add chain inet damage c '{ type filter hook ${hook} priority -300; }'; nft add rule inet damage c meta l4proto 112 drop`;

const damages: readonly Damage[] = [
  { what: 'its keepalived is killed', do: (node) => node.run([...parent]), isSeen: false },
  { what: 'all of its keepalived is killed', do: (node) => node.run([...all]), isSeen: false },
  {
    what: "keepalived's own process for VRRP is killed",
    do: (node) => node.run(['sh', '-c', child]),
    isSeen: false,
  },
  {
    what: 'its keepalived stands still',
    do: (node) => node.run(['systemctl', 'kill', '--signal=STOP', unit]),
    undo: (node) => node.run(['systemctl', 'kill', '--signal=CONT', unit]),
    isSeen: true,
  },
  {
    what: 'its interface is down',
    do: (node) => node.run(['ip', 'link', 'set', 'mgmt0', 'down']),
    undo: (node) => node.run(['ip', 'link', 'set', 'mgmt0', 'up']),
    isSeen: true,
  },
  {
    what: 'its adverts are filtered',
    do: (node) => node.run(['sh', '-c', drop('output')]),
    undo: (node) => node.run(['nft', 'delete', 'table', 'inet', 'damage']),
    isSeen: true,
  },
  {
    what: 'the address is taken off by hand',
    do: (node, address) => node.run(['ip', 'address', 'del', `${address}/24`, 'dev', 'mgmt0']),
    isSeen: false,
  },
  {
    what: 'its file is replaced by hand',
    do: (node) =>
      node.run([
        'sh',
        '-c',
        'echo > /var/lib/ha-node/keepalived/keepalived.conf; systemctl reload ha-keepalived',
      ]),
    isSeen: false,
  },
  {
    what: 'its agent is killed',
    do: (node) => node.run(['systemctl', 'kill', '--signal=KILL', 'ha-amphora']),
    isSeen: false,
  },
];

/** The API says what is so, and all is well again by itself when the cause has gone. */
export function testDamage(at: () => Gateway): void {
  describe('a group whose MASTER is damaged', () => {
    const address = () => at().lab.address(3);
    let id = 0;

    before(async () => {
      // The second node is the best, because the first one has the controller.
      const real_nodes = realNodes(at(), 1);
      id = await postGroup(at(), { name: 'damaged', virtual_ip: address(), real_nodes });
    });

    for (const { what, do: damage, undo, isSeen } of damages) {
      it(`is healthy again after ${what}`, async () => {
        const node = at().lab.nodes[1] as LabNode;
        const best = at().ids[1];
        await waitUntil('the best node to be MASTER', async () => {
          return masterOf(await settled(at(), id, address())) === best;
        });
        await damage(node, address());
        try {
          if (isSeen) {
            await waitUntil('the API to say so', async () => {
              const group = await at().group(id);
              const status = group?.real_nodes.find((each) => each.node === best)?.status;
              return group?.is_healthy === false || status !== 1;
            });
          }
        } finally {
          await undo?.(node);
        }
        await waitUntil('the best node to be MASTER again', async () => {
          return masterOf(await settled(at(), id, address())) === best;
        });
        expect(await holders(at().lab, address())).to.deep.equal([node.name]);
      });
    }
  });
}
