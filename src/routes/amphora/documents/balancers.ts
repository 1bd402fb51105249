import type { BalancerState } from '../../../amphora/amphora.ts';
import {
  described,
  enumOf,
  listOf,
  orNull,
  part,
  record,
  text,
} from '../../../server/table/schema.ts';

export const balancerState = part(
  'AmphoraBalancerState',
  record({
    uuid: text,
    sha256: described(
      'SHA-256 of the configuration as it was uploaded last; null if there is none.',
      orNull(text),
    ),
    process: described(
      'Whether the process runs that configuration, or a former one, or does not run.',
      enumOf('current', 'former', 'stopped'),
    ),
    certificates: described(
      'The names of its certificates and lists, each with its MD5.',
      listOf(record({ file: text, md5sum: text })),
    ),
  }),
);

export function balancerDocument({ id, sha256, process, certificates }: BalancerState): object {
  return {
    uuid: id,
    sha256: sha256 ?? null,
    process,
    certificates: certificates.map(({ file, md5 }) => ({ file, md5sum: md5 })),
  };
}
