import type { NodeAnswer, NodeTextRequest } from '../../controller/nodes/nodes.ts';
import { Fault } from '../../kit/fault.ts';

/** The words of an agent by which it refused a request. */
export class AgentRefused extends Fault {
  /** Whether the file itself is wrong, so that another node refuses it as well. */
  readonly isOfContent: boolean;

  constructor(sentence: string, isOfContent: boolean) {
    super('node_refused', sentence);
    this.isOfContent = isOfContent;
  }
}

/** An agent that is busy or stops answers so, whatever it was asked. */
export function refuseBusy(node: number, request: NodeTextRequest, answer: NodeAnswer): void {
  if (answer.status >= 500 || answer.status === 401 || answer.status === 403) {
    throw refusal(node, request, answer);
  }
}

/** Statuses by which an agent says that the file itself is wrong. */
const ofContent = 400;
/** It does nothing now, and later it does. */
const laterStatus = 503;

/** Texts of agents come from another host, so their length is bounded. */
const maxReasonLength = 1000;

export function refusal(
  node: number,
  { method, path }: NodeTextRequest,
  answer: NodeAnswer,
): Fault {
  const { status, text } = answer;
  const reason = reasonIn(text);
  if (status === laterStatus) {
    return new Fault(
      'node_unreachable',
      `Node ${node} takes no changes now${reason === '' ? '' : ` (${reason})`}. It is asked again.`,
    );
  }
  const what = `${method} ${path}`;
  return new AgentRefused(
    reason === ''
      ? `Node ${node} answers ${status} to ${what}. 'journalctl -u ha-amphora' on that host may say why.`
      : `Node ${node} refuses it: ${reason}`,
    status === ofContent,
  );
}

function reasonIn(text: string): string {
  let fields: Record<string, unknown>;
  try {
    const json: unknown = JSON.parse(text);
    fields = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return '';
  }
  const [title, details] = [fields['message'] ?? fields['error'], fields['details']].map((each) =>
    typeof each === 'string' ? each.trim() : '',
  );
  return [title, details]
    .filter((each) => each !== '' && each !== undefined)
    .join(': ')
    .slice(0, maxReasonLength);
}
