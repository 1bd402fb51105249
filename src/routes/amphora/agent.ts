import type { AmphoraDomain, ApiVersion } from '../../amphora/amphora.ts';
import type { Row } from '../../server/table/row.ts';
import { ofPem } from './certificates.ts';
import type { MakeChange } from './change.ts';
import { maxCertificateBytes, maxOtherBytes, md5Header, ok, uploaded } from './documents/reply.ts';
import { baseOf } from './versions.ts';

/** The routes of the agent itself: its certificate and its configuration. */
export function agentRows(
  { agent }: AmphoraDomain,
  version: ApiVersion,
  changing: MakeChange,
): Row[] {
  const uploading = {
    methods: ['PUT'],
    fields: {},
    answers: { 202: { json: ok } },
    headers: { answer: md5Header },
  } as const;
  const certify = changing({
    ...uploading,
    path: `${baseOf[version]}/certificate`,
    summary: 'Replaces the certificate of this API. The next connection gets the new one.',
    body: { maxBytes: maxCertificateBytes },
    codes: [...ofPem, 'agent_certificate_refused'],
    carryOut: async (_values, call) => uploaded(202, await agent.certify(call.raw())),
  });
  const configure = changing({
    ...uploading,
    path: `${baseOf[version]}/config`,
    summary: 'Replaces the configuration of the agent.',
    body: { maxBytes: maxOtherBytes },
    codes: ['agent_config_refused', 'agent_config_failed'],
    carryOut: async (_values, call) => uploaded(202, await agent.configure(call.raw())),
  });
  return version === '0.1' ? [certify] : [certify, configure];
}
