import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { gatewayConfig } from '../../src/gateway/config.ts';
import { makeFileResolver } from '../../src/gateway/dns/file.ts';
import { faultOf } from '../support/faults.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const records = [{ name: 'web.edge', addresses: ['10.0.0.100', 'fd00::100'] }];

describe('a file of names', () => {
  const folder = temporaryFolder();

  it('has lines of a zone with their time to live', async () => {
    const path = join(folder.path, 'zone');
    const file = { path, format: 'zone', domain: 'example.org', ttl: 30 } as const;
    await makeFileResolver(file).publish(records);
    expect((await readFile(path, 'utf8')).split('\n').slice(1)).to.deep.equal([
      'web.edge.example.org. 30 IN A 10.0.0.100',
      'web.edge.example.org. 30 IN AAAA fd00::100',
      '',
    ]);
  });

  it('is not written again if nothing has changed', async () => {
    const path = join(folder.path, 'hosts');
    const resolver = makeFileResolver({ path, format: 'hosts', domain: null, ttl: 60 });
    await resolver.publish(records);
    const first = await stat(path);
    await resolver.publish(records);
    expect((await stat(path)).ino).to.equal(first.ino);
    await resolver.publish([]);
    expect((await readFile(path, 'utf8')).split('\n')).to.have.length(2);
  });

  it('that cannot be written is a fault that names it', async () => {
    const path = join(folder.path, 'missing/hosts');
    const resolver = makeFileResolver({ path, format: 'hosts', domain: null, ttl: 60 });
    const fault = await faultOf('dns_failed', resolver.publish(records));
    expect(fault.message).to.include(path);
  });

  it('is off by default, and has defaults of its own', () => {
    expect(gatewayConfig.parse({})).to.deep.equal({ dns: { type: 'noop' } });
    expect(gatewayConfig.parse({ dns: { type: 'file', path: '/x' } }).dns).to.deep.equal({
      type: 'file',
      path: '/x',
      format: 'hosts',
      domain: null,
      ttl: 60,
    });
  });
});
