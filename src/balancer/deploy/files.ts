import type { WantedBalancer, WantedListener } from '../deploying.ts';
import { md5Of, sha256Of } from './digests.ts';

/** How the files of a load balancer are written. */
export interface Renderer {
  /** The haproxy.cfg of a node. It names the list of certificates of each listener that terminates TLS. */
  haproxy: (wanted: WantedBalancer, node: number) => string;
  /** The name of the list of a listener's certificates, such as `ID.pem`. */
  crtListName: (listener: string) => string;
  /** The list of a listener's certificates. */
  crtList: (balancer: string, listener: WantedListener) => string;
  /** The name of a certificate's file, by the id of its secret. */
  certificateName: (secret: string) => string;
}

export interface WantedFile {
  file: string;
  text: string;
  md5: string;
}

/** What a node is to have of a load balancer. */
export interface WantedFiles {
  /** The haproxy.cfg; undefined if nothing is to run, because haproxy does not start without a listener. */
  text: string | undefined;
  /** SHA-256 of it; empty if there is none. */
  sha256: string;
  /** Certificates, and then the lists that name them. */
  certificates: readonly WantedFile[];
}

/** @returns the files of a load balancer on one node */
export function filesOf(render: Renderer, wanted: WantedBalancer, node: number): WantedFiles {
  if (wanted.listeners.length === 0) return { text: undefined, sha256: '', certificates: [] };
  const certificates = certificatesOf(render, wanted);
  const text = withComments(render.haproxy(wanted, node), certificates);
  return { text, sha256: sha256Of(text), certificates };
}

function certificatesOf(render: Renderer, { id, listeners }: WantedBalancer): WantedFile[] {
  const secured = listeners.filter((each) => each.certificates.length > 0);
  const pems = secured.flatMap((listener) =>
    listener.certificates.map((each) => fileOf(render.certificateName(each.id), each.pem)),
  );
  const lists = secured.map((listener) =>
    fileOf(render.crtListName(listener.id), render.crtList(id, listener)),
  );
  return [...new Map([...pems, ...lists].map((each) => [each.file, each])).values()];
}

function fileOf(file: string, text: string): WantedFile {
  return { file, text, md5: md5Of(text) };
}

const comment = /^# certificate (\S+) [0-9a-f]{32}$/gm;

/**
 * A comment for each certificate. A new certificate under the same name makes another haproxy.cfg by that, so one digest
 * tells whether a node has all of it; and the file says which certificates belong to it.
 */
function withComments(text: string, certificates: readonly WantedFile[]): string {
  return text + certificates.map(({ file, md5 }) => `# certificate ${file} ${md5}\n`).join('');
}

/** The names of the certificates that belong to a file which was made here. */
export function certificatesIn(text: string): string[] {
  return [...text.matchAll(comment)].flatMap(([, file]) => (file === undefined ? [] : [file]));
}
