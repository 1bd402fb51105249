import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';
import fc from 'fast-check';

import type { WantedBalancer } from '../../../src/balancer/deploying.ts';
import { renderHaproxy } from '../../../src/balancer/render/haproxy.ts';
import { peerName } from '../../../src/haproxy/peer-name.ts';
import { readDriverConfig } from '../../../src/parsers/haproxy/driver-config.ts';
import { needsHaproxy } from '../../support/haproxy-processes.ts';
import { balancers } from './arbitrary.ts';
import { expectedSections, sectionsOf } from './expected.ts';
import { type HaproxyCheck, makeHaproxyCheck } from './haproxy-check.ts';
import { balancer, idOf, listener, member, monitor, pool, samples } from './samples.ts';

const golden = join(import.meta.dirname, '../../fixtures/balancer-render');
const place = (id: string) => ({
  id,
  base: '/var/lib/octavia',
  certificates: '/var/lib/octavia/certs',
});

function expectedOf(wanted: WantedBalancer) {
  const peers = wanted.nodes.map(({ id, amphora }) => peerName(amphora ?? String(id)));
  return expectedSections(wanted, peers);
}

describe('the haproxy.cfg of a load balancer', () => {
  it('has a recorded file for each feature', async () => {
    const names = (await readdir(golden)).map((file) => file.replace('.cfg', ''));
    expect(names.sort()).to.deep.equal(Object.keys(samples).sort());
  });

  for (const [name, wanted] of Object.entries(samples)) {
    it(`is as recorded for ${name}`, async () => {
      const text = renderHaproxy(wanted, 1);
      expect(text).to.equal(await readFile(join(golden, `${name}.cfg`), 'utf8'));
      expect(sectionsOf(text)).to.deep.equal(expectedOf(wanted));
    });
  }

  it('has the lines that its values call for and no others, whatever texts are in them', () => {
    fc.assert(
      fc.property(balancers, (wanted) => {
        expect(sectionsOf(renderHaproxy(wanted, 1))).to.deep.equal(expectedOf(wanted));
      }),
      { numRuns: 500 },
    );
  });

  it('has nothing that the agent refuses, also with the digests of certificates in comments', () => {
    const comment = `# certificate secret-a.pem ${'0'.repeat(32)}\n`;
    fc.assert(
      fc.property(balancers, (wanted) => {
        const text = renderHaproxy(wanted, 1) + comment;
        const { problems } = readDriverConfig(text, place(wanted.id));
        expect(problems).to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same on both nodes', () => {
    for (const wanted of Object.values(samples).filter(({ nodes }) => nodes.length > 1)) {
      expect(renderHaproxy(wanted, 2)).to.equal(renderHaproxy(wanted, 1));
    }
  });

  it('is not made for a node that does not carry it', () => {
    const wanted = balancer([listener()], [pool()]);
    expect(() => renderHaproxy(wanted, 3)).to.throw('is not placed on node 3');
  });

  for (const [what, char] of Object.entries({
    'line feed': '\n',
    'carriage return': '\r',
    NUL: '\0',
    'next line': '\u0085',
    'half of a surrogate pair': '\ud800',
  })) {
    it(`is not made with a ${what} in a text`, () => {
      const wanted = balancer(
        [listener()],
        [pool({ monitor: { ...monitor, urlPath: `/${char}server x 10.0.0.1:1` } })],
      );
      expect(() => renderHaproxy(wanted, 1)).to.throw('control character');
    });
  }

  describe('read by haproxy', () => {
    needsHaproxy();
    let haproxy: HaproxyCheck;
    before(async () => {
      haproxy = await makeHaproxyCheck();
    });
    after(() => haproxy.close());

    for (const [name, wanted] of Object.entries(samples)) {
      it(`is taken without a warning for ${name}`, async () => {
        expect(await haproxy.complaints([wanted])).to.equal('');
      });
    }

    it('is taken without a warning for generated load balancers', async () => {
      const many = fc.sample(balancers, { numRuns: 50, seed: 7 });
      expect(await haproxy.complaints(many)).to.equal('');
    });

    it('is refused with two servers of one name, so that the check is one', async () => {
      const twice = balancer([listener()], [pool({ members: [member(1), member(1)] })]);
      expect(await haproxy.complaints([twice])).to.contain(idOf(4, 1));
    });
  });
});
