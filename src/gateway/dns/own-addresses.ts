import type { NodeLinks, NodeRegistry } from '../../controller/nodes/nodes.ts';
import type { Log } from '../../kit/log.ts';
import type { Publisher } from './publisher.ts';

/**
 * Publishes again when a node has other addresses, because its own may be published too.
 * @returns an end
 */
export function followOwnAddresses({
  registry,
  links,
  publisher,
  log,
}: {
  registry: NodeRegistry;
  links: Pick<NodeLinks, 'onWord'>;
  publisher: Publisher;
  log: Log;
}): () => void {
  const seen = new Map<number, string>();

  async function look(id: number): Promise<void> {
    const node = await registry.find(id);
    const text = JSON.stringify(node?.interfaces);
    if (seen.get(id) === text) return;
    if (node === undefined) seen.delete(id);
    else seen.set(id, text);
    await publisher.refresh();
  }

  return links.onWord((id) => {
    look(id).catch((error: unknown) => {
      log.warn({ node: id, error: String(error) }, 'the addresses of a node were not read');
    });
  });
}
