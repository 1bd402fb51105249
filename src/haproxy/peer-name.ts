import { createHash } from 'node:crypto';

/**
 * The name by which an amphora's haproxy finds itself among the peers (`-L`), as controllers make it:
 * `generate_base64_peer_name` and its successors in octavia/amphorae/backends/utils/haproxy and
 * octavia/common/jinja/haproxy. haproxy takes no name that begins with a hyphen.
 * @param amphoraId the UUID, as in amphora-agent.conf
 */
export function peerName(amphoraId: string): string {
  const hash = createHash('sha1').update(amphoraId, 'utf8').digest('base64');
  return hash.replaceAll('+', '_').replaceAll('/', '-').replaceAll('=', '').replace(/^-/, 'x');
}
