import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Command } from 'commander';
import { expect } from 'chai';
import sinon from 'sinon';

import { failureOf } from '../../../src/bin/hactl/failure.ts';
import { lbCommand } from '../../../src/bin/hactl/lb/lb.ts';
import { type ApiDouble, apiDouble } from '../../support/balancer/api-double.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const network = '1e2f3a4b-5c6d-4e7f-8a9b-0c1d2e3f4a5b';
const certificate = '7e9b1a3c-5d2f-4a6b-8c0d-1e2f3a4b5c6d';

describe('hactl lb', () => {
  const folder = temporaryFolder();
  let api: ApiDouble;
  let isServed = false;
  beforeEach(async () => {
    process.env['HA_CONTROLLER_CONFIG'] = join(folder.path, 'controller.json');
    const subnets = [{ id: 's1', cidr: '10.0.0.0/24' }];
    const front = { id: network, name: 'front', subnets, interface: { a: 'eth0', b: 'eth1' } };
    await writeFile(
      join(folder.path, 'controller.json'),
      JSON.stringify({ balancer: { networks: [front] } }),
    );
    api = await apiDouble(socket());
    isServed = true;
  });
  afterEach(async () => {
    delete process.env['HA_CONTROLLER_CONFIG'];
    sinon.restore();
    if (isServed) await api.stop();
  });

  const socket = () => join(folder.path, 'socket');
  /** Runs a command. @returns how it ended, and what it printed to both outputs, in order */
  const hactl = async (...args: string[]) => {
    const printed: string[] = [];
    sinon.stub(console, 'log').callsFake((line) => printed.push(String(line)));
    sinon.stub(console, 'error').callsFake((line) => printed.push(String(line)));
    const command = lbCommand({ socket: socket() });
    leaveErrorsToUs(command);
    const failure = await command.parseAsync(args, { from: 'user' }).then(
      () => ({ exitCode: 0, text: undefined }),
      (error: unknown) => failureOf(error),
    );
    sinon.restore();
    return { exitCode: failure.exitCode, failure: failure.text ?? '', text: printed.join('\n') };
  };
  const add = (...more: string[]) =>
    hactl(
      ...['add', 'web', '--network', 'front', '--listener', 'http:80'],
      ...['--member', '10.0.0.1:80', '--member', '[fd00::2]:8080:5', '--monitor', 'http:/health'],
      ...more,
    );
  const only = (list: string) => {
    const [found] = api.lists.get(list) ?? [];
    if (found === undefined) throw new Error(`There is nothing in ${list}`);
    return found;
  };
  const balancer = () => only('/loadbalancers');
  const poolPath = () => {
    const pools = `/loadbalancers/${balancer().id}/pools`;
    return `${pools}/${only(pools).id}`;
  };

  it('makes a load balancer with all that is below it by one request', async () => {
    const { exitCode, text } = await add('--header', 'X-Forwarded-For', '--wait');
    expect([exitCode, text]).to.deep.equal([0, 'The load balancer web is made with 10.0.0.100.']);
    expect(api.changes()).to.deep.equal(['POST /loadbalancers?wait=30s']);
    expect(api.got.find(({ method }) => method === 'POST')?.body).to.deep.equal({
      name: 'web',
      tenant_id: 'default',
      vip: { network_id: network },
      listeners: [
        {
          name: 'web',
          protocol: 'HTTP',
          protocol_port: 80,
          insert_headers: { 'X-Forwarded-For': 'true' },
          default_pool: {
            name: 'web',
            protocol: 'HTTP',
            lb_algorithm: 'ROUND_ROBIN',
            members: [
              { ip_address: '10.0.0.1', protocol_port: 80 },
              { ip_address: 'fd00::2', protocol_port: 8080, weight: 5 },
            ],
            health_monitor: {
              type: 'HTTP',
              url_path: '/health',
              delay: 5,
              timeout: 3,
              fall_threshold: 3,
              rise_threshold: 2,
            },
          },
        },
      ],
    });
  });

  it('makes a listener that ends TLS, with its first certificate as the default', async () => {
    const { exitCode } = await hactl(
      ...['add', 'shop', '--network', network, '--address', '10.0.0.7', '--listener', 'tls:443'],
      ...['--certificate', certificate, '--certificate', 'other', '--persistence', 'app-cookie:ID'],
      ...['--algorithm', 'least-connections', '--pool-protocol', 'proxy', '--monitor', 'tcp'],
      ...['--delay', '2', '--tenant', 't1', '--connection-limit', '100', '--disabled'],
    );
    expect(exitCode).to.equal(0);
    const body = api.got.find(({ method }) => method === 'POST')?.body as {
      listeners: Record<string, unknown>[];
    };
    expect(body).to.deep.include({
      tenant_id: 't1',
      enabled: false,
      vip: { network_id: network, ip_address: '10.0.0.7' },
    });
    expect(body.listeners[0]).to.deep.include({
      protocol: 'TERMINATED_HTTPS',
      connection_limit: 100,
      default_tls_container_id: certificate,
      sni_containers: ['other'],
    });
    expect(body.listeners[0]?.['default_pool']).to.deep.include({
      protocol: 'PROXY',
      lb_algorithm: 'LEAST_CONNECTIONS',
      session_persistence: { type: 'APP_COOKIE', cookie_name: 'ID' },
    });
  });

  it('refuses a name that a load balancer has, and an unknown network', async () => {
    await add();
    const again = await add();
    expect(again.exitCode).to.equal(4);
    expect(again.failure).to.include("There is a load balancer 'web' already");
    const unknown = await hactl('add', 'x', '--network', 'back');
    expect(unknown.exitCode).to.equal(4);
    expect(unknown.failure).to.include("no network 'back'").and.include('It has front.');
    expect(api.changes()).to.have.length(1);
  });

  it('refuses options that do not belong together before it asks anything', async () => {
    for (const wrong of [
      ['add', 'x'],
      ['add', 'x', '--network', 'front', '--member', '10.0.0.1:80'],
      ['add', 'x', '--network', 'front', '--listener', 'tls:443'],
      ['add', 'x', '--network', 'front', '--listener', 'http:80', '--certificate', certificate],
      ['add', 'x', '--listener', 'http:80', '--listener', 'http:81'],
      ['add', 'x', '--listener', 'udp:80'],
      ['add', 'x', '--listener', 'http:0'],
      ['add', 'x', '--member', 'host:80'],
      ['add', 'x', '--member', '10.0.0.1'],
      ['add', 'x', '--member', '10.0.0.1:80:257'],
      ['add', 'x', '--member', '[10.0.0.1]:80'],
      ['add', 'x', '--monitor', 'tcp:/path'],
      ['add', 'x', '--persistence', 'app-cookie'],
      ['add', 'x', '--persistence', 'source-ip:x'],
      ['add', 'x', '--algorithm', 'random'],
      ['add', 'x', '--fall', '11'],
      ['set', 'x'],
      ['set', 'x', '--enable', '--disable'],
      ['member', 'set', 'x', '10.0.0.1:80'],
      ['secret', 'put', 'x', '/dev/null'],
      ['secret', 'put', certificate, '/nothing/there'],
    ]) {
      expect((await hactl(...wrong)).exitCode, wrong.join(' ')).to.equal(64);
    }
    expect(api.got).to.deep.equal([]);
  });

  it('lists load balancers with both of their statuses', async () => {
    expect((await hactl('list')).text).to.include("'hactl lb add' makes one");
    await add();
    const { text } = await hactl('list');
    expect(text.split('\n').map((line) => line.split(/ {2,}/).slice(0, 5))).to.deep.equal([
      ['BALANCER', 'ADDRESS', 'ENABLED', 'PROVISIONING', 'OPERATING'],
      ['web', '10.0.0.100', 'yes', 'ACTIVE', 'ONLINE'],
    ]);
    const json = JSON.parse((await hactl('list', '-o', 'json')).text) as object[];
    expect(json[0]).to.include({ name: 'web', provisioning_status: 'ACTIVE' });
  });

  it('reads a list page by page', async () => {
    await add();
    const fields = balancer();
    for (let count = 1; count < 1001; count += 1) {
      api.lists.get('/loadbalancers')?.push({ ...fields, id: `${count}`, name: `lb${count}` });
    }
    expect((await hactl('list')).text.split('\n')).to.have.length(1002);
  });

  it('shows a load balancer with its members, and what its nodes run', async () => {
    await add();
    const node = {
      name: 'a',
      is_master: true,
      is_reachable: true,
      heard_seconds_ago: 1,
      error: null,
    };
    api.status = {
      nodes: [
        { ...node, wanted: 'x', running: 'x' },
        { ...node, name: 'b', is_master: false, wanted: 'x', running: 'y', error: 'It is full.' },
      ],
    };
    const { text } = await hactl('show', 'web');
    expect(text)
      .to.match(/^web +HTTP +80 +web +yes +ACTIVE +ONLINE$/m)
      .and.match(/^Pool web, HTTP, ROUND_ROBIN, checked by HTTP every 5 s, ONLINE$/m)
      .and.match(/^10\.0\.0\.1:80 +1 +yes +ONLINE/m)
      .and.match(/^\[fd00::2\]:8080 +5 /m)
      .and.match(/^a +yes +1 s ago +current +-$/m)
      .and.match(/^b +no +1 s ago +other +It is full\.$/m);
    const json = await hactl('show', balancer().id, '-o', 'json');
    expect(JSON.parse(json.text)).to.have.keys('load_balancer', 'listeners', 'pools', 'status');
    const unknown = await hactl('show', 'other');
    expect(unknown.exitCode).to.equal(4);
    expect(unknown.failure).to.include("no load balancer 'other'");
  });

  it('asks for the id if several load balancers have the name', async () => {
    await add();
    api.lists.get('/loadbalancers')?.push({ ...balancer(), id: certificate });
    const { exitCode, failure } = await hactl('show', 'web');
    expect(exitCode).to.equal(4);
    expect(failure).to.include(certificate);
    expect((await hactl('show', certificate)).exitCode).to.equal(0);
  });

  it('names the trouble first, and ends as a check of a monitoring system', async () => {
    await add();
    const well = await hactl('status');
    expect(well.exitCode).to.equal(0);
    expect(well.text).not.to.include('hactl:');
    balancer()['operating_status'] = 'DEGRADED';
    api.status = { troubles: ['The node b does not answer.'] };
    const warned = await hactl('status');
    expect(warned.exitCode).to.equal(1);
    expect(warned.text).to.match(/^hactl: web: The node b does not answer\.\n/);
    expect(warned.text.indexOf('b does not')).to.be.lessThan(warned.text.indexOf('PROVISIONING'));
    balancer()['provisioning_status'] = 'ERROR';
    api.status = { last_error: 'Both nodes refuse it.' };
    const failing = await hactl('status');
    expect(failing.exitCode).to.equal(2);
    expect(failing.text).to.match(/^hactl: web: Both nodes refuse it\.\n/);
    balancer()['enabled'] = false;
    Object.assign(balancer(), { provisioning_status: 'ACTIVE', operating_status: 'OFFLINE' });
    expect((await hactl('status')).exitCode).to.equal(0);
  });

  it('says of a node that it cannot be reached, and what it says itself', async () => {
    const node = { name: 'a', is_reachable: false, is_draining: false, balancers: 1 };
    const more = { networks: ['front'], troubles: [] };
    api.lists.set('/nodes', [{ ...node, ...more, id: 1 as unknown as string }]);
    const silent = await hactl('status');
    expect(silent.exitCode).to.equal(1);
    expect(silent.text).to.match(/^hactl: Node a: The controller does not reach it\./);
    api.lists.set('/nodes', [
      { ...node, ...more, is_reachable: true, troubles: ['No word of it.'], id: 1 as never },
    ]);
    expect((await hactl('status')).text).to.match(/^hactl: Node a: No word of it\.\n/);
  });

  it('changes, repairs, moves and removes a load balancer', async () => {
    await add();
    const path = `/loadbalancers/${balancer().id}`;
    const set = await hactl('set', 'web', '--disable', '--description', '');
    expect(set.text).to.include("'hactl lb show web' says how far");
    expect(balancer()).to.include({ enabled: false, description: null });
    await hactl('repair', 'web', '--wait', '--timeout', '5');
    await hactl('failover', 'web');
    const removed = await hactl('remove', 'web', '--cascade', '--wait');
    expect(removed.text).to.equal('The load balancer web is removed.');
    expect(api.changes().slice(1)).to.deep.equal([
      `PUT ${path}`,
      `POST ${path}/repair?wait=5s`,
      `POST ${path}/failover`,
      `DELETE ${path}/delete_cascade?wait=30s`,
    ]);
  });

  it('says with --wait whether the nodes run the change', async () => {
    await add();
    api.next = 'PENDING_UPDATE';
    const slow = await hactl('set', 'web', '--enable', '--wait', '--timeout', '1');
    expect(slow.exitCode).to.equal(5);
    expect(slow.failure).to.include('still PENDING_UPDATE after 1 s');
    api.next = 'ERROR';
    api.status = { last_error: 'The node a refuses it.' };
    const failed = await hactl('set', 'web', '--enable', '--wait');
    expect([failed.exitCode, failed.failure]).to.deep.equal([
      2,
      'The change was accepted, and not everything is on its nodes: The node a refuses it. It is tried again.',
    ]);
    api.next = 'ACTIVE';
    const below = await hactl('set', 'web', '--enable', '--wait');
    expect(below.exitCode, 'an error of an object below it').to.equal(2);
  });

  it('says that one node lacks the change, which the other one serves', async () => {
    await add();
    const node = { is_master: true, is_reachable: true, wanted: 'x', heard_seconds_ago: 1 };
    api.status = {
      last_error: 'It does not answer.',
      nodes: [
        { ...node, name: 'a', running: 'x', error: null },
        { ...node, name: 'b', running: null, error: 'It does not answer.' },
      ],
    };
    const { exitCode, text } = await hactl('set', 'web', '--enable', '--wait');
    expect([exitCode, text]).to.deep.equal([
      0,
      'hactl: It does not answer.\nThe load balancer web is changed.',
    ]);
  });

  it('adds, changes and removes members of the only pool', async () => {
    await add();
    const path = `${poolPath()}/members`;
    await hactl('member', 'add', 'web', '10.0.0.3:80:7', '--monitor-port', '81', '--wait');
    expect(api.lists.get(path)?.at(-1)).to.deep.include({
      ip_address: '10.0.0.3',
      weight: 7,
      monitor_port: 81,
    });
    const set = await hactl('member', 'set', 'web', '[fd00::2]:8080', '--weight', '0', '--wait');
    expect(set.failure).to.equal('');
    expect(set.text).to.equal('The member [fd00::2]:8080 is changed.');
    expect(api.lists.get(path)?.[1]).to.include({ weight: 0 });
    expect((await hactl('member', 'remove', 'web', '10.0.0.1:80')).exitCode).to.equal(0);
    expect(api.lists.get(path)).to.have.length(2);
    const unknown = await hactl('member', 'remove', 'web', '10.0.0.1:80');
    expect(unknown.exitCode).to.equal(4);
    expect(unknown.failure).to.include('Its members are [fd00::2]:8080');
  });

  it('asks for the pool if there are several, and says if there is none', async () => {
    await add();
    const { id } = balancer();
    api.lists
      .get(`/loadbalancers/${id}/pools`)
      ?.push({ ...only(`/loadbalancers/${id}/pools`), id: 'p', name: 'other' });
    const several = await hactl('member', 'add', 'web', '10.0.0.3:80');
    expect([several.exitCode, several.failure]).to.deep.equal([
      4,
      'The load balancer web has several pools: web, other. Name one with --pool.',
    ]);
    expect(
      (await hactl('member', 'add', 'web', '10.0.0.3:80', '--pool', 'other')).exitCode,
    ).to.equal(0);
    api.lists.delete(`/loadbalancers/${id}/pools`);
    const none = await hactl('member', 'add', 'web', '10.0.0.3:80');
    expect(none.failure).to.include('has no pool');
  });

  it('prints the sentence of the API if it refuses, and ends by its code', async () => {
    await add();
    api.refusal = {
      status: 409,
      code: 'balancer_immutable',
      faultstring: 'Load Balancer x is immutable and cannot be updated.',
    };
    const { exitCode, failure } = await hactl('set', 'web', '--enable');
    expect([exitCode, failure]).to.deep.equal([4, api.refusal.faultstring]);
    api.refusal = { status: 409, code: 'unheard_of', faultstring: 'x' };
    expect((await hactl('set', 'web', '--enable')).exitCode).to.not.equal(0);
  });

  it('lists the nodes, empties one and refills it', async () => {
    const node = { is_reachable: true, is_draining: false, balancers: 3, networks: [network] };
    api.lists.set('/nodes', [
      { ...node, name: 'a', troubles: [], id: 1 as never },
      { ...node, name: 'b', is_draining: true, troubles: ['haproxy is old.'], id: 2 as never },
    ]);
    const { text } = await hactl('node', 'list');
    expect(text)
      .to.match(/^1 +a +well +3 +front$/m)
      .and.match(/^2 +b +draining +3 +front$/m)
      .and.match(/^b: haproxy is old\.$/m);
    await hactl('node', 'drain', 'a');
    await hactl('node', 'resume', '2');
    expect(api.changes()).to.deep.equal(['POST /nodes/1/drain', 'POST /nodes/2/resume']);
    expect((await hactl('node', 'drain', 'c')).exitCode).to.equal(4);
  });

  it('lists orphans, and removes them only if it is asked to', async () => {
    expect((await hactl('orphans')).text).to.include('nothing that the store does not know');
    api.lists.set('/orphans', [
      { id: 'x', node: 1, name: 'a' },
      { id: 'y', node: 2, name: 'b' },
    ]);
    expect((await hactl('orphans')).text).to.match(/^a +x\n^b +y$/m);
    expect(api.changes()).to.deep.equal([]);
    await hactl('orphans', 'y', '--remove');
    expect(api.changes()).to.deep.equal(['DELETE /orphans/2/y']);
  });

  it('stores a certificate from a file, lists and removes it', async () => {
    const file = join(folder.path, 'www.pem');
    const pem = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';
    await writeFile(file, pem);
    const put = await hactl('secret', 'put', certificate.toUpperCase(), file);
    expect(put.text).to.include(`stored as ${certificate}`);
    expect(api.got.at(-1)).to.deep.equal({
      method: 'PUT',
      path: `/secrets/${certificate}`,
      body: { pem },
    });
    expect((await hactl('secret', 'list')).text).to.match(/CN=www +www\.example\.org$/m);
    await hactl('secret', 'remove', certificate);
    expect((await hactl('secret', 'list')).text).to.include('There are no certificates');
    await writeFile(file, 'no certificate');
    expect((await hactl('secret', 'put', certificate, file)).exitCode).to.equal(64);
  });

  it('lists the networks of the configuration of the controller', async () => {
    const { text } = await hactl('network', 'list');
    expect(text).to.match(/^front +10\.0\.0\.0\/24 +a:eth0, b:eth1 +1e2f/m);
    await writeFile(join(folder.path, 'controller.json'), '{}');
    expect((await hactl('network', 'list')).text).to.include('Put some into "balancer" of');
  });

  it('says if the controller does not run on this host', async () => {
    await api.stop();
    isServed = false;
    const { exitCode, failure } = await hactl('list');
    expect(exitCode).to.equal(69);
    expect(failure).to.include('systemctl status ha-controller');
  });
});

function leaveErrorsToUs(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  command.commands.forEach(leaveErrorsToUs);
}
