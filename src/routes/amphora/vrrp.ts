import type { AmphoraDomain, ApiVersion } from '../../amphora/amphora.ts';
import { inPath } from '../../server/table/field.ts';
import type { Row } from '../../server/table/row.ts';
import type { MakeChange } from './change.ts';
import {
  accepted,
  maxOtherBytes,
  md5Header,
  ok,
  okWithDetails,
  uploaded,
  pastOf,
} from './documents/reply.ts';
import { actionName, actionOf } from './fields.ts';
import { baseOf } from './versions.ts';

/** The routes of the keepalived of the VIP. */
export function vrrpRows(
  { vrrp }: AmphoraDomain,
  version: ApiVersion,
  changing: MakeChange,
): Row[] {
  const base = `${baseOf[version]}/vrrp`;
  return [
    changing({
      methods: ['PUT'],
      path: `${base}/upload`,
      summary: 'Uploads the configuration of keepalived.',
      fields: {},
      body: { maxBytes: maxOtherBytes },
      answers: { 200: { json: ok } },
      headers: { answer: md5Header },
      codes: ['keepalived_config_refused', 'vrrp_upload_failed'],
      carryOut: async (_values, call) => uploaded(200, await vrrp.upload(call.raw())),
    }),
    changing({
      methods: ['PUT'],
      path: `${base}/:action`,
      summary: 'Starts, stops or reloads keepalived.',
      fields: { action: inPath(actionName) },
      answers: { 202: { json: okWithDetails } },
      codes: [
        'action_unknown',
        'keepalived_not_started',
        'keepalived_not_stopped',
        'keepalived_not_reloaded',
      ],
      refuse({ action }) {
        actionOf(action);
      },
      carryOut: async ({ action }) =>
        accepted(`keepalived ${pastOf[await vrrp.act(actionOf(action))]}`),
    }),
  ];
}
