import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeIdentity } from '../amphora/certificates.ts';
import { endProcesses, processesOf } from '../groups.ts';
import { network6 } from '../hosts.ts';
import { inPlace, makePlace, startInPlace } from '../places.ts';
import type { LabRecord } from '../record.ts';
import { run } from '../run.ts';
import { waitUntil } from '../wait.ts';

// Each backend server is a host of its own, so that one of them can vanish from the network.

/** A backend server: HTTP on 80, with the PROXY protocol on 81, HTTPS on 443 and an echo on 7, by both families. */
export interface Member {
  readonly name: string;
  readonly address: string;
  readonly address6: string;
}

/**
 * What a member can be: `down` fails its health check and serves, `refuse` closes each connection, `dead` has no process
 * that listens, and `silent` has no network.
 */
export type MemberState = 'up' | 'down' | 'refuse' | 'dead' | 'silent';

const count = 4;
const server = join(import.meta.dirname, '../amphora/member-server.ts');

export const membersOf = (lab: LabRecord): Member[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `member${index + 1}`,
    address: `${lab.network}.${index + 31}`,
    address6: `${network6(lab)}::${index + 31}`,
  }));

const vethOf = (lab: LabRecord, { name }: Member): string =>
  `${lab.bridge}nm${name.replace('member', '')}`;
const folderOf = (lab: LabRecord): string => join(lab.folder, 'members');
const fileOf = (lab: LabRecord, { name }: Member, state: MemberState): string =>
  join(folderOf(lab), `${name}.${state}`);

/** The certificate that a member shows on port 443, which it signed itself: a file with the certificate. */
export const memberCertificate = (lab: LabRecord, { name }: Member): string =>
  join(folderOf(lab), `${name}.crt`);

/** Makes the members of a lab whose bridge is there, and waits until they serve. */
export async function makeMembers(lab: LabRecord): Promise<void> {
  for (const member of membersOf(lab)) {
    const { name, address, address6 } = member;
    const addresses = [`${address}/24`, `${address6}/64`];
    await makePlace(lab, name, { bridge: lab.bridge, veth: vethOf(lab, member), addresses });
    const alternativeNames = [`DNS:${name}`];
    await makeIdentity(folderOf(lab), { name, commonName: name, alternativeNames });
  }
  await Promise.all(membersOf(lab).map((member) => start(lab, member)));
}

async function start(lab: LabRecord, member: Member): Promise<void> {
  const { name, address, address6 } = member;
  const pem = join(folderOf(lab), `${name}.pem`);
  await startInPlace(lab, name, name, [
    ...([process.execPath, '--import', import.meta.resolve('tsx'), server] as const),
    ...[folderOf(lab), pem, `${name}=${address}=${address6}`],
  ]);
  await waitUntil(`${name} to listen`, async () => {
    const argv = ['curl', '-s', '-o', '/dev/null', `http://${address}/health`] as const;
    return (await inPlace(lab, name, argv)).exitCode === 0;
  });
}

/** Changes what a member is. It returns when the member is so. */
export async function setMember(lab: LabRecord, member: Member, state: MemberState): Promise<void> {
  const veth = vethOf(lab, member);
  for (const each of ['down', 'refuse'] as const) {
    if (each === state) await writeFile(fileOf(lab, member, each), '');
    else await rm(fileOf(lab, member, each), { force: true });
  }
  if (state === 'dead') await endProcesses(lab.name, member.name);
  else if ((await processesOf(lab.name, member.name)).length === 0) await start(lab, member);
  const plug = state === 'silent' ? ['nomaster'] : ['master', lab.bridge];
  await run(['ip', 'link', 'set', veth, ...plug]);
}
