import type { ClusterState } from '../../../cluster/model.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { stateAsJson } from './status.ts';

/** The fencing actions that Pacemaker knows, as in the documented status, in crm_mon's order. */
export function listFencingHistory(state: ClusterState): readonly JsonValue[] {
  const history = stateAsJson(state)['fence_history'];
  // Without any, the converter returns "".
  if (typeof history !== 'object') return [];
  const events = (history as JsonObject)['fence_event'];
  return Array.isArray(events) ? (events as readonly JsonValue[]) : [];
}
