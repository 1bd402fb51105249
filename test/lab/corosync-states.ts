// The states of corosync that test/record-fixtures.ts records, and how each one is reached.
import type { Lab, LabNode } from './lab.ts';
import { nodeInterface } from './network.ts';
import type { Argv } from './run.ts';
import { waitUntil } from './wait.ts';

const confFile = '/etc/corosync/corosync.conf';
const links: Argv = ['corosync-cfgtool', '-s'];
const quorum: Argv = ['corosync-quorumtool', '-s'];
const verify: Argv = ['corosync', '-t'];

export interface CorosyncState {
  name: string;
  enter: (lab: Lab) => Promise<void>;
  /** The command that is run on the first node in this state. */
  calls: readonly Argv[];
}

/** The states in their order, beginning with a stopped cluster; Pacemaker is not started. */
export const corosyncStates: readonly CorosyncState[] = [
  { name: 'stopped', enter: () => Promise.resolve(), calls: [links, quorum] },
  { name: 'running', enter: (lab) => restart(lab, lab.nodes), calls: [links, quorum, verify] },
  {
    name: 'alone',
    enter: async ({ nodes }) => {
      await nodes[1]?.run(['systemctl', 'stop', 'corosync']);
      await untilMembers(nodes[0], 1);
      // knet gives up on a link later than totem gives up on the node.
      await waitUntil('the link to be down', async () =>
        /\bdisconnected\b/.test((await nodes[0]?.run(links)) ?? ''),
      );
    },
    calls: [links, quorum],
  },
  {
    name: 'inquorate',
    enter: async (lab) => {
      await reconfigure(lab, (conf) => conf.replace('two_node: 1', 'expected_votes: 3'));
      await restart(lab, lab.nodes.slice(0, 1));
    },
    calls: [quorum],
  },
  {
    name: 'qdevice-silent',
    enter: async (lab) => {
      const device = 'device {\n model: net\n net {\n host: 127.0.0.1\n algorithm: ffsplit\n }\n }';
      await reconfigure(lab, (conf) => conf.replace('expected_votes: 3', device));
      await restart(lab, lab.nodes);
      await beQdevice(lab.nodes[0], '');
    },
    calls: [quorum],
  },
  { name: 'qdevice', enter: ({ nodes }) => beQdevice(nodes[0], 'vote'), calls: [quorum] },
  {
    name: 'two-links',
    enter: async (lab) => {
      const second = (address: string) => address.replace(/^\d+\.\d+/, '10.1');
      for (const node of lab.nodes) {
        await node.run([
          'ip',
          'address',
          'add',
          `${second(node.address)}/24`,
          'dev',
          nodeInterface,
        ]);
      }
      await reconfigure(lab, (conf) =>
        conf.replace(/ring0_addr: (.*)/g, (line, address: string) =>
          [line, `ring1_addr: ${second(address)}`].join('\n'),
        ),
      );
      await restart(lab, lab.nodes);
    },
    calls: [links],
  },
  {
    name: 'udpu-without-votequorum',
    enter: async (lab) => {
      await reconfigure(lab, (conf) =>
        conf
          .replace('transport: knet', 'transport: udpu')
          .replace(/crypto_.*|ring1_addr.*|provider: corosync_votequorum/g, ''),
      );
      await restart(lab, lab.nodes);
    },
    calls: [links, quorum],
  },
  {
    name: 'invalid',
    enter: (lab) => reconfigure(lab, (conf) => conf.replace('version: 2', 'version')),
    calls: [verify],
  },
];

async function reconfigure({ nodes }: Lab, change: (conf: string) => string): Promise<void> {
  for (const node of nodes)
    await node.writeFile(confFile, change(await node.run(['cat', confFile])));
}

async function restart({ nodes }: Lab, wanted: readonly LabNode[]): Promise<void> {
  for (const node of nodes) await node.run(['systemctl', 'stop', 'corosync']);
  for (const node of wanted) await node.run(['systemctl', 'start', 'corosync']);
  await untilMembers(wanted[0], wanted.length);
}

async function untilMembers(node: LabNode | undefined, count: number): Promise<void> {
  await waitUntil(`${count} members`, async () => {
    const map = (await node?.run(['corosync-cmapctl', 'runtime.members'])) ?? '';
    return map.split('status (str) = joined').length - 1 === count;
  });
}

/** Simulates corosync-qdevice with its library, because the real one needs a server that the lab does not have. */
async function beQdevice(node: LabNode | undefined, vote: 'vote' | ''): Promise<void> {
  await node?.run(['python3', '-c', qdevice, vote]);
}

const qdevice = `
import ctypes, re, subprocess, sys

class RingId(ctypes.Structure):
    _fields_ = [('nodeid', ctypes.c_uint32), ('seq', ctypes.c_uint64)]

def check(result):
    assert result == 1, result  # CS_OK

votequorum = ctypes.CDLL('libvotequorum.so.8')
handle, callbacks = ctypes.c_uint64(), (ctypes.c_void_p * 8)()
check(votequorum.votequorum_initialize(ctypes.byref(handle), callbacks))
if sys.argv[1] == '':
    check(votequorum.votequorum_qdevice_register(handle, b'Qdevice'))
else:
    text = subprocess.run(['corosync-quorumtool', '-s'], capture_output=True, text=True).stdout
    ring = RingId(*(int(part, 16) for part in re.search(r'Ring ID: +(\\w+)\\.(\\w+)', text).groups()))
    votequorum.votequorum_qdevice_poll.argtypes = [ctypes.c_uint64, ctypes.c_char_p, ctypes.c_uint, RingId]
    check(votequorum.votequorum_qdevice_poll(handle, b'Qdevice', 1, ring))
`;
