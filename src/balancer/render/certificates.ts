import type { WantedListener } from '../deploying.ts';
import { certificatePath } from './places.ts';

/** The name under which the list of a listener's certificates is uploaded. Agents know it by this name. */
export function crtListName(listener: string): string {
  return `${listener}.pem`;
}

/**
 * The name under which a certificate is uploaded. The word in front keeps it apart from the lists: clients choose the ids of
 * listeners and of secrets, and may choose one for both.
 * @param secret the id of the secret
 */
export function certificateName(secret: string): string {
  return `secret-${secret}.pem`;
}

/**
 * The list of a listener's certificates: one path a line. haproxy takes the first for clients that send no name, or one that
 * no certificate has (configuration.txt, `crt-list`).
 */
export function renderCrtList(
  balancer: string,
  { certificates }: Pick<WantedListener, 'certificates'>,
): string {
  const names = [...new Set(certificates.map(({ id }) => certificateName(id)))];
  return names.map((name) => `${certificatePath(balancer, name)}\n`).join('');
}
