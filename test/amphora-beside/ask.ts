import { agentConfigurationText } from '../lab/amphora/agent-configuration.ts';
import { type Identity, makeIdentity, serverOf } from '../lab/amphora/certificates.ts';
import type { Driver, Exchange, Step, StepResult } from '../lab/amphora/driver.ts';
import type { AmphoraLab, AmphoraNode } from '../lab/amphora/lab.ts';
import { textOf } from '../lab/amphora/lab.ts';
import {
  bringServiceUp,
  changeAndRemove,
  ids,
  type LifeCycleOptions,
} from '../lab/amphora/life-cycle.ts';
import { type Exchanged, type OwnNames, pairsOf, type Recorded } from './exchanges.ts';
import {
  ofEmptiedAgent,
  ofFreshAgent,
  ofServingAgent,
  type PlainRequest,
  type Subject,
} from './requests.ts';

/** The agent of Debian 12 speaks 1.0 only. Requests of the others go to it by the corresponding paths of 1.0. */
export const versions = ['1.0', '0.5', 'v0.1'] as const;
export type BesideVersion = (typeof versions)[number];

/** Plays a life cycle and plain requests with both agents of a lab. */
export async function askBoth(lab: AmphoraLab, version: BesideVersion): Promise<Exchanged[]> {
  const [real, ours] = lab.nodes;
  if (real === undefined || ours === undefined) throw new Error('Both agents need a node each.');
  const translated = version === '1.0' ? [] : [real.address];
  const driver = await lab.driver('bookworm', { bodies: true, translated });
  const recorded: Recorded[] = [];
  const options: LifeCycleOptions = {
    mode: 'attempt',
    tls: version !== 'v0.1',
    ...(version !== '1.0' && { version }),
  };
  const recording = recordInto(recorded, driver);
  const wish = serverOf('www.example.com');
  const identity = await makeIdentity(`${lab.folder}/beside`, wish, lab.trust.authority);
  const asking: Asking = { lab, driver: recording, recorded, identity };
  const isPlain = version === '1.0';
  if (isPlain) await askPlainly(asking, 'fresh', ofFreshAgent);
  await bringServiceUp(lab, recording, options);
  if (isPlain) await askPlainly(asking, 'serving', ofServingAgent);
  await changeAndRemove(lab, recording, options);
  if (isPlain) await askPlainly(asking, 'emptied', ofEmptiedAgent);
  await driver.close();
  const of = ({ address }: AmphoraNode) =>
    recorded.filter(({ exchange }) => exchange.host === address);
  return pairsOf(of(real), of(ours), { real: namesOf(real), ours: namesOf(ours) });
}

interface Recorder extends Driver {
  /** Plays a step of another name. */
  record(moment: string, step: Step): Promise<StepResult>;
}

/** The driver, with all of its exchanges recorded. */
function recordInto(recorded: Recorded[], driver: Driver): Recorder {
  const record = async (moment: string, step: Step) => {
    const result = await driver.attempt(step);
    recorded.push(...result.exchanges.map((exchange) => ({ moment, exchange })));
    return result;
  };
  return { ...driver, record, attempt: (step) => record(step.do, step) };
}

/** What one agent says of its own host. */
const namesOf = (node: AmphoraNode): OwnNames => [
  [node.id, 'AMPHORA'],
  [node.name, 'NODE'],
  [node.vrrpAddress, 'VRRP'],
  [node.memberAddress, 'MEMBER'],
  [node.address, 'HOST'],
];

/** As the driver of Debian 12 writes it. */
const lvsFile = new URL('../fixtures/keepalived-conf/11.0.0/lvs-tcp-monitor.conf', import.meta.url)
  .pathname;

const serverFile = '/etc/octavia/certs/server.pem';

interface Asking {
  lab: AmphoraLab;
  driver: Recorder;
  recorded: readonly Recorded[];
  /** A server's certificate, as tenants have it. */
  identity: Identity;
}

async function askPlainly(
  { lab, driver, recorded, identity }: Asking,
  when: string,
  requestsOf: (subject: Subject) => readonly PlainRequest[],
): Promise<void> {
  for (const [amphora, node] of lab.nodes.entries()) {
    const server = await textOf(lab.trust.servers.get(node.id)?.pem ?? '');
    const subject = await subjectOf(lab, node, recorded, identity);
    for (const { name, method, path, body } of requestsOf(subject)) {
      const sent =
        typeof body === 'object'
          ? { body: JSON.stringify(body), content_type: 'application/json' }
          : { body };
      const moment = `${when}: ${name}`;
      // One agent reads its certificate for each connection, and takes any file for one.
      if (path === '/1.0/certificate') await node.writeFile(serverFile, server, 0o600);
      await driver.record(moment, { do: 'request', method, path, ...sent, amphora });
    }
  }
}

async function subjectOf(
  lab: AmphoraLab,
  node: AmphoraNode,
  recorded: readonly Recorded[],
  identity: Identity,
): Promise<Subject> {
  const own = recorded.map(({ exchange }) => exchange).filter(({ host }) => host === node.address);
  const sentTo = (fits: (path: string) => boolean): Exchange | undefined =>
    own.findLast(({ method, path, sent }) => method === 'PUT' && fits(path) && sent !== '');
  const uploads = own.filter(
    ({ method, path }) => method === 'PUT' && path.includes('/certificates/'),
  );
  return {
    node,
    lb: ids.lb,
    listener: ids.http,
    config: sentTo((path) => path.endsWith('/haproxy'))?.sent ?? '',
    keepalived: sentTo((path) => path.endsWith('/vrrp/upload'))?.sent ?? '',
    lvsConfig: (await textOf(lvsFile)).replaceAll('sample_listener_id_1', ids.http),
    certificate: await textOf(identity.certificate),
    key: await textOf(identity.key),
    otherKey: await textOf(lab.trust.client.key),
    uploaded: uploads.map(({ path }) => path.split('/').at(-1) ?? '').slice(-3),
    agentConfig: agentConfigurationText({
      amphoraId: node.id,
      controllers: [`${lab.controller}:5555`],
      heartbeatKey: lab.heartbeatKey,
      heartbeatInterval: 4,
      topology: lab.topology,
    }),
    macs: (await node.ports()).map(({ mac }) => mac),
  };
}
