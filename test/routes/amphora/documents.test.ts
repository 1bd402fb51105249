import { expect } from 'chai';
import request from 'supertest';

import type { FaultCode } from '../../../src/kit/fault.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { amphoraFaults } from '../../../src/routes/amphora/faults.ts';
import { amphoraFamily } from '../../../src/routes/amphora/index.ts';
import { makeApp } from '../../../src/server/table/serve.ts';
import {
  type DocumentExample,
  type DocumentVersion,
  documentVersions,
  examplesOf,
  numberedDifferences,
} from '../../support/amphora/documents.ts';
import {
  activeListener,
  certificateOf,
  standInDomain,
  type StandIn,
  stoppedListener,
  unrecordedChanges,
} from '../../support/amphora/stand-in.ts';
import { answerCheck } from '../../support/answer-check.ts';
import { keepingLog } from '../../support/keeping-log.ts';

type Json = Record<string, unknown>;
interface Answer {
  status: number;
  body: unknown;
}

/** A difference by its number in docs/amphora.md: where it applies, and what the document means by it. */
interface Difference {
  number: number;
  isHere: (example: DocumentExample, version: DocumentVersion) => boolean;
  /** The printed answer as it is here. */
  meant?: (printed: Answer, answered: Answer, version: DocumentVersion) => Answer;
  /** The printed request as it has to be sent. */
  path?: (printed: string) => string;
}

const isError = ({ status }: DocumentExample) => status >= 400;
/** A certificate that comes before the configuration of its load balancer. */
const isEarly = ({ section, status }: DocumentExample, version: DocumentVersion) =>
  version === '1.0' && section === 'Upload SSL certificate PEM file' && status === 404;
const isSection = (text: string) => (example: DocumentExample) => example.section === text;
const withFields = (printed: Answer, more: Json): Answer => ({
  status: printed.status,
  body: { ...(printed.body as Json), ...more },
});
const fieldsOf = ({ body }: Answer, ...names: string[]): Json =>
  Object.fromEntries(names.map((name) => [name, (body as Json)[name]]));

const differences: readonly Difference[] = [
  // The answers whose status is not that of the example come first.
  {
    number: 12,
    isHere: isEarly,
    meant: () => ({ status: 201, body: { message: 'OK' } }),
  },
  {
    number: 3,
    isHere: ({ path }) => path.endsWith('/interface/10.6.0.1.1'),
    meant: ({ body }) => ({ status: 400, body }),
  },
  {
    number: 4,
    isHere: ({ section, status }) => section.startsWith('Start or Stop') && status === 201,
    meant: ({ body }) => ({ status: 202, body }),
  },
  {
    number: 5,
    isHere: ({ section, status }) => section === 'Set amphora topology' && status === 200,
    meant: ({ status, body }) => ({ status, body: { message: body } }),
  },
  {
    number: 6,
    isHere: isSection('Get amphora info'),
    meant: (printed) =>
      withFields(printed, {
        api_versions: ['0.1', '0.5', '1.0'],
        keepalived_version: '2.2.7',
        ipvsadm_version: '1.31',
      }),
  },
  {
    number: 7,
    isHere: ({ section }, version) =>
      section === 'Get amphora info' || (section === 'Get amphora details' && version === '1.0'),
    meant: (printed) => withFields(printed, { api_version: '1.0' }),
  },
  {
    number: 8,
    isHere: isSection('Get amphora details'),
    meant: (printed) => withFields(printed, { active: true }),
  },
  {
    number: 9,
    isHere: isSection('Get amphora details'),
    meant({ status, body }) {
      const { tolopogy: topology, ...others } = body as Json;
      return { status, body: { ...others, topology } };
    },
  },
  {
    number: 10,
    isHere: isSection('Get amphora details'),
    meant: (printed) =>
      withFields(printed, {
        lvs_listener_process_count: 0,
        cpu_count: 2,
        active_tuned_profiles: '',
        keepalived_version: '2.2.7',
        ipvsadm_version: '1.31',
      }),
  },
  {
    number: 11,
    isHere: ({ path }) => /^\/[\w.]+\/certificates$/.test(path),
    path: (printed) => printed.replace(/s$/, ''),
  },
  { number: 13, isHere: ({ request: sent }) => String(sent?.['ha_ip']).startsWith(' ') },
  {
    number: 1,
    isHere: (example, version) => isError(example) && !isEarly(example, version),
    meant: (printed, answered) => withFields(printed, fieldsOf(answered, 'code')),
  },
  {
    number: 2,
    isHere: (example) => isError(example) && !('details' in (example.body as Json)),
    meant: (printed, answered) => withFields(printed, fieldsOf(answered, 'details')),
  },
];

/** The fault of the domain behind each printed message. Those that the routes find by themselves are not here. */
const codeOf: Readonly<Record<string, FaultCode>> = Object.fromEntries(
  Object.entries(amphoraFaults)
    .filter(([code]) => code !== 'vip_invalid' && code !== 'address_invalid')
    .map(([code, { title }]) => [title, code as FaultCode]),
);

function faultOf(example: DocumentExample): Fault | undefined {
  if (!isError(example)) return undefined;
  const { message, details = 'This says more.' } = example.body as {
    message: string;
    details?: string;
  };
  const [title = ''] = message.split(': ');
  if (title === 'Invalid request') {
    const code = example.section.includes('topology')
      ? 'topology_refused'
      : 'haproxy_config_refused';
    return new Fault(code, details);
  }
  const code = codeOf[title];
  return code && new Fault(code, details);
}

/** The domain that gives a printed answer. */
function standInOf(example: DocumentExample, version: DocumentVersion): StandIn {
  const fault = faultOf(example);
  const { section, body } = example;
  const isOwner = !(fault?.code === 'listener_not_found' && section.includes('SSL certificate'));
  const isLoadBalancer = version === '1.0' && !section.startsWith('Delete');
  const ofDetails = [
    { ...stoppedListener, id: '02d0da8d-fc65-4bc4-bc46-95cadb2315d2' },
    { ...stoppedListener, id: '98e706a7-d22c-422f-9632-499fd83e12c0' },
  ];
  return {
    ...(fault && failing(fault, { isOwner, isLoadBalancer, section })),
    ...(fault?.code === 'topology_transition' && { transition: fault }),
    owners: () =>
      Promise.resolve(
        isOwner ? [{ kind: 'listener', id: '04bff5c3-5862-4a13-b9e3-9b440d0ed50a' } as const] : [],
      ),
    listeners: section.includes('details') ? ofDetails : [activeListener, stoppedListener],
    configuration: typeof body === 'string' ? body : '',
    // The first example names the host without its domain.
    ...(section === 'Get amphora topology' && { hostname: 'octavia-haproxy-img-00328' }),
  };
}

function failing(
  fault: Fault,
  {
    isOwner,
    isLoadBalancer,
    section,
  }: { isOwner: boolean; isLoadBalancer: boolean; section: string },
): StandIn {
  // The routes ask for the owner first when a certificate is uploaded, and last when one is not found.
  if (!isOwner) {
    return section.startsWith('Upload')
      ? {}
      : { fault: new Fault('certificate_not_found', 'No certificate with file name: a.pem') };
  }
  if (fault.code === 'listener_not_found' && isLoadBalancer) {
    return { fault: new Fault('loadbalancer_not_found', fault.message) };
  }
  return { fault };
}

/** The parameters of a route whose example has no path of its own, by their names. */
function pathOf({ path, body }: DocumentExample): string {
  const id = /UUID: (\S+)/.exec(JSON.stringify(body))?.[1]?.replace(/\W+$/, '');
  const values: Record<string, string> = {
    version: 'v0.1',
    listener:
      id ??
      (Array.isArray((body as Json)['pools'])
        ? activeListener.id
        : '04bff5c3-5862-4a13-b9e3-9b440d0ed50a'),
    loadbalancer_id: id ?? '04bff5c3-5862-4a13-b9e3-9b440d0ed50a',
    object_id: '85e2111b-29c4-44be-94f3-e72045805801',
    amphora_id: 'd459b1c8-54b0-4030-9bec-4f449e73b1ef',
    filename: 'www.example.com',
    action: 'start',
    ip: (body as Json)['message'] === 'Invalid VIP' ? '203.0.113.256' : '203.0.113.2',
  };
  return path.replace(/:([a-z_]+)/g, (all, name: string) => values[name] ?? all);
}

/** The bodies of requests that have one. Plugs without a printed request send that of the printed success. */
function sentWith(example: DocumentExample): Json | undefined {
  if (example.request) return example.request;
  if (example.section === 'Set amphora topology') return { topology: 'BAD_TEST_DATA' };
  const mac = { mac_address: '78:31:c1:ce:0b:3c' };
  if (example.section === 'Plug VIP') {
    return { ...mac, subnet_cidr: '203.0.113.0/24', gateway: '203.0.113.1' };
  }
  return example.section === 'Plug Network' ? mac : undefined;
}

describe('the examples of the documents', () => {
  const used = new Set<number>();
  const { check } = answerCheck([
    amphoraFamily({ ...standInDomain(), changes: unrecordedChanges, log: keepingLog().log }),
  ]);

  for (const version of documentVersions) {
    for (const [index, example] of examplesOf(version).entries()) {
      const here = differences.filter(({ isHere }) => isHere(example, version));
      const numbers = here.map(({ number }) => number).sort((a, b) => a - b);
      const differing = numbers.length === 0 ? '' : `, with difference ${numbers.join(', ')}`;
      const { section, heading, method } = example;

      it(`are answered as printed: ${version}, ${index + 1}. ${section}, ${heading}${differing}`, async () => {
        const { domain, calls } = standInDomain(standInOf(example, version));
        const { log } = keepingLog();
        const family = amphoraFamily({ domain, changes: unrecordedChanges, log });
        const before = [certificateOf({ CN: 'controller' })];
        const app = makeApp({ log, families: [family], before, elsewhere: family });
        const path = here.reduce((url, { path: as }) => as?.(url) ?? url, pathOf(example));
        const asked = request(app)[lowerCase[method]](path);
        const response = await (method === 'POST' || method === 'PUT'
          ? asked.send(sentWith(example))
          : asked);
        const isText = response.type === 'text/plain';
        const answered = {
          status: response.status,
          body: isText ? response.text : (response.body as unknown),
        };
        const meant = here.reduce<Answer>(
          (printed, { meant: as }) => as?.(printed, answered, version) ?? printed,
          { status: example.status, body: example.body },
        );
        expect(answered).to.deep.equal(meant);
        check({
          method,
          url: path,
          status: response.status,
          type: response.get('Content-Type'),
          text: response.text,
        });
        if (numbers.includes(13)) {
          expect(calls).to.deep.include([
            'topologies.change',
            { ...topologyAsked, haIp: '203.0.113.2' },
          ]);
        }
        for (const number of numbers) used.add(number);
      });
    }
  }

  it('are 50 in the document of v0.1 and 46 in that of 1.0', () => {
    expect(documentVersions.map((version) => examplesOf(version).length)).to.deep.equal([50, 46]);
  });

  it('differ from the answers only as the table in docs/amphora.md says', () => {
    const numbered = numberedDifferences();
    expect(numbered).to.deep.equal(numbered.map((_number, index) => index + 1));
    expect(numbered).to.include.members([...used]);
    expect([...used].sort((a, b) => a - b)).to.deep.equal(numbered.slice(0, 13));
  });
});

const lowerCase = { GET: 'get', PUT: 'put', POST: 'post', DELETE: 'delete' } as const;

const topologyAsked = {
  topology: 'ACTIVE-STANDBY',
  role: 'ACTIVE',
  secret: 'b20e06cf1abcf29c708d3b437f4a29892a0921d0',
};
