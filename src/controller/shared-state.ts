import { realpath } from 'node:fs/promises';

import { Fault } from '../kit/fault.ts';
import { ifThere, readTextIfThere, statIfThere } from '../kit/files/files.ts';
import { type Mount, parseMountinfo } from '../parsers/mountinfo.ts';
import type { XmlElement } from '../parsers/xml.ts';

/** File systems that several hosts have at the same time. */
const sharedTypes =
  /^(?:nfs4?|cifs|smb3|ceph|fuse\.(?:ceph(?:-fuse)?|glusterfs|sshfs|moosefs)|glusterfs|gfs2|ocfs2|lustre|beegfs|gpfs|afs)$/;

export interface SharedStateParts {
  /** The state folder of the controller. */
  folder: string;
  /** See paths.ts. */
  override: string;
  mounts: string;
  /** The element `<configuration>` of the CIB. */
  readConfiguration: () => Promise<XmlElement>;
}

/**
 * As a resource of Pacemaker, the controller moves to another host when this one fails. With a store on a local disk, it
 * would begin there with an old one, or with none.
 *
 * The folder counts as shared if its file system is one that several hosts have at once, such as NFS or GFS2, or if it is
 * mounted by a Filesystem resource of the same cluster, such as one on DRBD or on a disk of a SAN.
 * Faults: `store_not_shared`, those of reading the CIB
 */
export async function refuseUnsharedState(parts: SharedStateParts): Promise<void> {
  const { folder, override, mounts } = parts;
  // Started by systemd itself, the controller stays on this host.
  if (!(await statIfThere(override))) return;
  const place = (await ifThere(realpath(folder))) ?? folder;
  const mount = mountOf(place, parseMountinfo((await readTextIfThere(mounts)) ?? ''));
  if (mount !== undefined && sharedTypes.test(mount.type)) return;
  const managed = filesystemsIn(await parts.readConfiguration());
  if (mount !== undefined && managed.includes(mount.path)) return;
  throw new Fault(
    'store_not_shared',
    `Pacemaker runs ha-controller, and its state folder ${folder} lies on ${mount?.path ?? '/'} (${mount?.type ?? 'unknown'}), which is a disk of this host alone. Mount a shared disk there by a resource ocf:heartbeat:Filesystem that starts before the controller, or set state_directory to a folder on one.`,
  );
}

/** The mount that a folder lies on. */
function mountOf(folder: string, mounts: readonly Mount[]): Mount | undefined {
  const around = mounts.filter(
    ({ path }) => path === '/' || path === folder || folder.startsWith(`${path}/`),
  );
  return around.sort((a, b) => b.path.length - a.path.length)[0];
}

/** Where the Filesystem resources of a cluster mount (ocf_heartbeat_Filesystem(7), `directory`). */
function filesystemsIn(element: XmlElement): string[] {
  if (element.name === 'primitive' && element.attributes['type'] === 'Filesystem') {
    return pairsIn(element)
      .filter(([name]) => name === 'directory')
      .map(([, value]) => value.replace(/(?<=.)\/$/, ''));
  }
  return element.children.flatMap(filesystemsIn);
}

function pairsIn({ name, attributes, children }: XmlElement): [string, string][] {
  if (name === 'nvpair') return [[attributes['name'] ?? '', attributes['value'] ?? '']];
  return children.flatMap(pairsIn);
}
