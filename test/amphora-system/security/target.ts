import type { Identity } from '../../lab/amphora/certificates.ts';
import type { AmphoraLab, AmphoraNode } from '../../lab/amphora/lab.ts';
import { textOf } from '../../lab/amphora/lab.ts';
import type { Target } from '../../support/amphora/asking.ts';
import type { Bench } from '../bench.ts';

/** The first amphora. What one refuses, the other refuses too. */
export function firstOf(bench: Bench): AmphoraNode {
  const [node] = bench().nodes;
  if (node === undefined) throw new Error('The lab has no node.');
  return node;
}

/** The agent of a node as a client with a certificate sees it; by default with that of the controller. */
export async function targetOf(
  lab: AmphoraLab,
  node: AmphoraNode,
  { pem }: Pick<Identity, 'pem'> = lab.trust.client,
): Promise<Target> {
  const ca = await textOf(lab.trust.authority.certificate);
  const both = await textOf(pem);
  const credentials = { ca, cert: both, key: both };
  return { host: node.address, port: 9443, servername: node.id, credentials };
}
