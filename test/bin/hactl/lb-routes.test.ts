import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Command } from 'commander';
import { expect } from 'chai';
import sinon from 'sinon';

import { makeStaticNetworks } from '../../../src/balancer/network/static.ts';
import { balancerConfig } from '../../../src/balancer/config.ts';
import { failureOf } from '../../../src/bin/hactl/failure.ts';
import { lbCommand } from '../../../src/bin/hactl/lb/lb.ts';
import { openAuditLog } from '../../../src/changes/audit/audit.ts';
import { openRepeatedAnswers } from '../../../src/changes/idempotency/repeated-answers.ts';
import { makeLock } from '../../../src/changes/lock.ts';
import { makeChangePipeline } from '../../../src/changes/pipeline.ts';
import { answerForm } from '../../../src/routes/common/stored-answer.ts';
import { balancerFamily } from '../../../src/routes/balancer/index.ts';
import { makeKnownSecrets } from '../../../src/kit/secrets/known-secrets.ts';
import type { Listeners } from '../../../src/server/listen.ts';
import { openSocketListener } from '../../../src/server/listeners.ts';
import { trustAsRoot } from '../../../src/server/middleware/authenticate.ts';
import { makeApp } from '../../../src/server/table/serve.ts';
import { makeTestBalancer, type TestBalancer } from '../../support/balancer/domain.ts';
import { keepingLog } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const network = '1e2f3a4b-5c6d-4e7f-8a9b-0c1d2e3f4a5b';
const subnets = [{ id: '1e2f3a4b-5c6d-4e7f-8a9b-0c1d2e3f4a5c', cidr: '10.0.0.0/24' }];
const section = { networks: [{ id: network, name: 'front', subnets }] };

describe('hactl lb over the routes and the domain', () => {
  const folder = temporaryFolder();
  let balancer: TestBalancer;
  let listening: Listeners;
  beforeEach(async () => {
    process.env['HA_CONTROLLER_CONFIG'] = join(folder.path, 'controller.json');
    await writeFile(join(folder.path, 'controller.json'), JSON.stringify({ balancer: section }));
    const { networks } = balancerConfig.parse({ balancer: section }).balancer;
    balancer = await makeTestBalancer(folder.path, {
      config: section,
      networks: makeStaticNetworks(networks),
      nodes: ['10.0.0.11', '10.0.0.12'].map((address) => [
        { name: 'eth0', addresses: [`${address}/24`] },
      ]),
    });
    const secrets = makeKnownSecrets();
    const changes = makeChangePipeline({
      lock: makeLock(),
      audit: openAuditLog(join(folder.path, 'audit.jsonl')),
      secrets,
      run: () => Promise.reject(new Error('no command is run')),
      changeDeadlineMs: 200_000,
    });
    const repeatedAnswers = openRepeatedAnswers(join(folder.path, 'answers'), answerForm);
    const { domain } = balancer;
    const family = balancerFamily({ domain, changes, repeatedAnswers, secrets }, [trustAsRoot]);
    const { log } = keepingLog();
    const app = makeApp({ log, families: [family], elsewhere: family });
    listening = await openSocketListener(app, join(folder.path, 's'), family.answerFault, log);
  });
  afterEach(async () => {
    delete process.env['HA_CONTROLLER_CONFIG'];
    sinon.restore();
    await listening.stop();
    await balancer.stop();
  });

  const hactl = async (...args: string[]) => {
    const printed: string[] = [];
    sinon.stub(console, 'log').callsFake((line) => printed.push(String(line)));
    sinon.stub(console, 'error').callsFake((line) => printed.push(String(line)));
    const command = lbCommand({ socket: join(folder.path, 's') });
    leaveErrorsToUs(command);
    const failure = await command.parseAsync(args, { from: 'user' }).then(
      () => ({ exitCode: 0, text: undefined }),
      (error: unknown) => failureOf(error),
    );
    sinon.restore();
    const text = [...printed, ...(failure.text === undefined ? [] : [failure.text])].join('\n');
    return { exitCode: failure.exitCode, text };
  };
  const well = async (...args: string[]) => {
    const { exitCode, text } = await hactl(...args);
    expect(exitCode, `${args.join(' ')}: ${text}`).to.equal(0);
    return text;
  };
  const add = (...more: string[]) =>
    well(
      ...['add', 'web', '--network', 'front', '--listener', 'http:80', '--monitor', 'http:/'],
      ...['--member', '10.0.0.1:80', '--member', '10.0.0.2:80:5', '--wait', ...more],
    );

  it('makes, shows, changes and removes a load balancer', async () => {
    expect(await add()).to.equal('The load balancer web is made with 10.0.0.1.');
    expect(await well('show', 'web'))
      .to.match(/^web +HTTP +80 +web +yes +ACTIVE/m)
      .and.match(/^10\.0\.0\.2:80 +5 +yes/m)
      .and.match(/^n1 +no +never +current/m);
    expect(await well('list')).to.match(/^web +10\.0\.0\.1 +yes +ACTIVE/m);
    expect(await well('set', 'web', '--disable', '--wait')).to.include('is changed.');
    await well('set', 'web', '--enable', '--description', 'shop', '--wait');
    await well('member', 'add', 'web', '[fd00::3]:80', '--monitor-port', '81', '--wait');
    await well('member', 'set', 'web', '10.0.0.1:80', '--weight', '0', '--wait');
    await well('member', 'remove', 'web', '10.0.0.2:80', '--wait');
    const shown = await well('show', 'web');
    expect(shown)
      .to.match(/^10\.0\.0\.1:80 +0 /m)
      .and.match(/^\[fd00::3\]:80 +1 /m);
    expect(shown).not.to.include('10.0.0.2:80');
    const refused = await hactl('remove', 'web');
    expect(refused.text).to.include('it has children');
    expect(await well('remove', 'web', '--cascade', '--wait')).to.include('is removed.');
    expect(await well('list')).to.include('There are no load balancers');
  });

  it('makes a listener that ends TLS', async () => {
    const text = await well(
      ...['add', 'shop', '--network', network, '--listener', 'tls:443', '--wait'],
      ...[
        '--certificate',
        network,
        '--persistence',
        'http-cookie:ID',
        '--header',
        'X-Forwarded-For',
      ],
      ...['--algorithm', 'source-ip', '--pool-protocol', 'proxy', '--connection-limit', '100'],
      ...['--address', '10.0.0.77', '--tenant', 't', '--description', 'd'],
    );
    expect(text).to.equal('The load balancer shop is made with 10.0.0.77.');
  });

  it('says that the nodes refuse a change, tries it again, and drains a node', async () => {
    await add();
    balancer.deployer.answer = 'refused';
    const failed = await hactl('member', 'add', 'web', '10.0.0.3:80', '--wait');
    expect(failed.exitCode, failed.text).to.equal(2);
    expect(failed.text).to.include('not everything is on its nodes');
    balancer.deployer.answer = 'running';
    expect(await well('repair', 'web', '--wait')).to.include('is tried again');
    expect(await well('node', 'list')).to.match(/^1 +n1 +\S+ +1 +front$/m);
    await well('node', 'drain', 'n2');
    expect(await well('node', 'list')).to.match(/^2 +n2 +draining/m);
    await well('node', 'resume', '2');
    const status = await hactl('status');
    expect(status.exitCode, status.text).to.be.oneOf([0, 1]);
    expect(await well('orphans')).to.include('nothing that the store does not know');
  });
});

function leaveErrorsToUs(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  command.commands.forEach(leaveErrorsToUs);
}
