import { X509Certificate } from 'node:crypto';

import type { OwnCertificates } from '../../../controller/certificates/own.ts';
import type { OwnLinks } from '../../../controller/nodes/links.ts';
import type { Registration, Registrations } from '../../../controller/nodes/registry.ts';
import type { StoreIdentity } from '../../../controller/store/store.ts';
import type { LocalNode, LocalStatus } from '../../../routes/controller/local.ts';

const yearMs = 365 * 24 * 3600 * 1000;

export interface StatusParts {
  folder: string;
  identity: StoreIdentity;
  certificates: OwnCertificates;
  registrations: Registrations;
  links: OwnLinks;
  /** Why a node that answers does not run its part, by its families. */
  trouble: (node: number) => string | undefined;
}

/** What `hactl controller status` and `hactl node list` show. */
export function makeLocalStatus({
  folder,
  identity,
  certificates,
  registrations,
  links,
  trouble,
}: StatusParts): () => Promise<LocalStatus> {
  return async () => {
    const endsAt = new Date(new X509Certificate(certificates.authority.certificate).validTo);
    const endsSoon = endsAt.getTime() - Date.now() < yearMs;
    return {
      store: { ...identity, folder },
      authority: certificates.fingerprint,
      authority_ends_at: endsAt.toISOString(),
      nodes: (await registrations.all()).map((each) => nodeOf(each, links, trouble(each.id))),
      problems: endsSoon
        ? [
            `The authority of the controller ends on ${endsAt.toISOString()}. Make a new store, and let all nodes join it, before then.`,
          ]
        : [],
    };
  };
}

function nodeOf(node: Registration, links: OwnLinks, ofFamilies: string | undefined): LocalNode {
  const { id, name, host, port, joinedAt, renewAt } = node;
  const report = links.word(id)?.report;
  const isReachable = links.isReachable(id);
  return {
    id,
    name,
    host,
    port,
    joined_at: joinedAt,
    is_reachable: isReachable,
    trouble: (isReachable ? (links.refusal(id) ?? ofFamilies) : links.failure(id)) ?? null,
    keepalived: report?.version ?? null,
    troubles: report?.troubles ?? [],
    certificate_renews_at: new Date(renewAt).toISOString(),
  };
}
