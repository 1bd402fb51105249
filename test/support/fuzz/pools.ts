import { versionOfCib } from '../../../src/parsers/cib/text.ts';
import { nodes } from '../changes-bench.ts';
import { cibs } from './hosts.ts';
import type { Pools } from './values.ts';

/** The ids of elements in the fake clusters. @param start a pattern for the beginning of their tags */
function idsOf(start: string): string[] {
  const tags = new RegExp(`<(?:${start})[^>]*?\\bid="([^"]+)"`, 'g');
  return [...new Set(cibs.flatMap((xml) => [...xml.matchAll(tags)].map(([, id = '']) => id)))];
}

const devices = idsOf('primitive [^>]*class="stonith"|primitive (?=[^>]*class="stonith")');

/** The names in the fake clusters, and some new ones. */
export const pools: Pools = {
  byRule: {
    'an XML id': [
      ...idsOf('primitive |group |clone |bundle |template |rsc_\\w+ '),
      'new-1',
      'new-2',
      'new-3',
    ],
    'a node name': [...Object.values(nodes), ...Object.values(nodes), 'remote1', 'guest1', 'none'],
    'a property name': [
      'batch-limit',
      'stonith-enabled',
      'cluster-delay',
      'no-quorum-policy',
      'dc-version',
      'mine',
    ],
    'a provider of agents': ['ocf:heartbeat', 'ocf:pacemaker', 'systemd', 'stonith', 'lsb'],
    'the name of an agent': [
      'ocf:heartbeat:Dummy',
      'ocf:pacemaker:Dummy',
      'ocf:heartbeat:IPaddr2',
      'systemd:smbd',
      'ocf:pacemaker:Stateful',
      'fence_dummy',
      'fence_ipmilan',
      'stonith:fence_dummy',
      'none',
    ],
  },
  byWord: {
    stonith: [...devices, 'fence_dummy', 'fence_ipmilan'],
    groupName: idsOf('group '),
    'group/': idsOf('group '),
    'constraint/:': idsOf('rsc_\\w+ '),
    unclone: idsOf('clone '),
    resource: idsOf('primitive '),
  },
};

/** Values for `If-Match`: the version of each fake cluster, and others. */
export const versions: readonly string[] = [
  ...cibs.map((xml) => `"${versionOfCib(xml)}"`),
  '*',
  '"0.1"',
];
