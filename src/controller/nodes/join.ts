import { makeSerializer } from '../../kit/concurrency/serialize.ts';
import { Fault } from '../../kit/fault.ts';
import type { JoinTokens } from '../certificates/join-tokens.ts';
import { nodeCommonName } from '../certificates/own.ts';
import type { KeyPair, Signer } from '../certificates/signer.ts';
import type { Store } from '../store/store.ts';
import type { NodeInterface } from './nodes.ts';
import type { Registrations } from './registry.ts';

/** What a host says when it joins. All of it was checked for its form. */
export interface JoinRequest {
  /** The secret of its join token. */
  secret: string;
  name: string;
  machine: string;
  /** Where its agent will answer. */
  host: string;
  port: number;
  interfaces: readonly NodeInterface[];
  /** A certificate request as PEM, for a key that stays on the host. */
  request: string;
}

/** What a host gets when it has joined. */
export interface Joined {
  id: number;
  certificate: string;
  /** The certificate of the authority, which signs those of the controller too. */
  authority: string;
  /** The identity of the store. */
  store: string;
}

export interface JoinParts {
  store: Store;
  registrations: Registrations;
  tokens: JoinTokens;
  signer: Signer;
  authority: KeyPair;
  /** Called after a host has joined. */
  onJoined: (id: number) => void;
}

/** Max number of hosts that join at once. Each of them starts openssl. */
const maxWaiting = 32;

/**
 * Takes a host in: a token counts once, and the certificate is signed before the row is written. A host that does not get
 * the answer is a node without a certificate; removing it and joining again sets that right.
 * @returns a function. Faults: `join_refused`, `join_invalid`, `node_exists`, `overloaded`, those of Signer and Store
 */
export function makeJoin(parts: JoinParts): (request: JoinRequest) => Promise<Joined> {
  const serialize = makeSerializer();
  let waiting = 0;
  return async (request) => {
    // A caller without a valid token costs no process and no number.
    await parts.tokens.check(request.secret);
    if (waiting >= maxWaiting) {
      throw new Fault('overloaded', 'Too many hosts join at once. Try again in a few seconds.', {
        retryAfterSeconds: 5,
      });
    }
    waiting += 1;
    try {
      return await serialize(() => join(parts, request));
    } finally {
      waiting -= 1;
    }
  };
}

async function join(parts: JoinParts, request: JoinRequest): Promise<Joined> {
  const { store, registrations, tokens, signer, authority } = parts;
  const { secret, name, machine, host, port, interfaces } = request;
  await tokens.check(secret);
  await registrations.checkFree({ name, machine });
  const id = await store.write((transaction) => transaction.nextNumber('node'));
  const common = nodeCommonName(id);
  const certificate = await signer.sign(authority, request.request, {
    common,
    names: [`${common}.ha-agent.internal`],
    addresses: [],
    usage: 'serverAuth',
  });
  await store.write(async (transaction) => {
    await tokens.use(secret, name, transaction);
    const node = { id, name, machine, host, port, interfaces, certificate };
    await registrations.add(node, transaction);
  });
  parts.onJoined(id);
  return { id, certificate, authority: authority.certificate, store: store.identity.id };
}
