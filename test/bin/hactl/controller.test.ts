import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Command } from 'commander';
import { expect } from 'chai';
import sinon from 'sinon';

import { controllerCommand } from '../../../src/bin/hactl/controller.ts';
import { failureOf } from '../../../src/bin/hactl/failure.ts';
import { nodeCommand } from '../../../src/bin/hactl/node.ts';
import type { OnRecord } from '../../../src/bin/hactl/on-record.ts';
import { type ServedController, serveController } from '../../support/controller/served.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

describe('hactl controller and hactl node', () => {
  const folder = temporaryFolder();
  const recorded: string[] = [];
  let served: ServedController | undefined;
  beforeEach(() => {
    recorded.length = 0;
    process.env['HA_CONTROLLER_STATE_DIRECTORY'] = join(folder.path, 'state');
    process.env['HA_CONTROLLER_CONFIG'] = join(folder.path, 'controller.json');
    const balancer = { secrets_key: join(folder.path, 'controller.key') };
    process.env['HA_CONTROLLER_BALANCER'] = JSON.stringify(balancer);
  });
  afterEach(async () => {
    delete process.env['HA_CONTROLLER_STATE_DIRECTORY'];
    delete process.env['HA_CONTROLLER_CONFIG'];
    delete process.env['HA_CONTROLLER_BALANCER'];
    sinon.restore();
    await served?.stop();
    served = undefined;
  });

  const inFolder = (name: string) => join(folder.path, name);
  const onRecord: OnRecord = (command, work) => {
    recorded.push(command.join(' '));
    return work();
  };
  const files = () => ({
    credentials: inFolder('node'),
    config: inFolder('node.json'),
    agentConfig: inFolder('amphora-agent.conf'),
    amphoraConfig: inFolder('amphora.json'),
    haproxy: inFolder('haproxy'),
    machineId: inFolder('machine-id'),
  });

  async function run(command: Command, args: readonly string[]) {
    const printed = sinon.stub(console, 'log');
    for (const each of [command, ...command.commands]) {
      each.exitOverride().configureOutput({ writeErr: () => undefined });
    }
    const failure = await command.parseAsync([...args], { from: 'user' }).then(
      () => ({ exitCode: 0, text: undefined }),
      (error: unknown) => failureOf(error),
    );
    const text = printed.args.map(([line]) => String(line)).join('\n');
    printed.restore();
    return { ...failure, printed: text };
  }
  const startAgent = sinon.fake.resolves(undefined);
  const socket = () => inFolder('controller.sock');
  const controller = (...args: string[]) =>
    run(controllerCommand({ socket: socket(), onRecord }), args);
  const node = (...args: string[]) =>
    run(nodeCommand({ socket: socket(), files: files(), startAgent, onRecord }), args);

  it('init makes a store, a configuration and a key of secrets once', async () => {
    const { exitCode, printed } = await controller('init', '-o', 'json');
    expect(exitCode).to.equal(0);
    const made = JSON.parse(printed) as { store: { epoch: number }; authority: string };
    expect(made.store.epoch).to.equal(1);
    expect(made.authority).to.match(/^[0-9a-f]{64}$/);
    expect(await readFile(inFolder('controller.json'), 'utf8')).to.equal('{}\n');
    const key = await readFile(inFolder('controller.key'), 'utf8');
    expect(key).to.match(/^[0-9a-f]{64}\n$/);
    expect((await stat(inFolder('controller.key'))).mode & 0o777).to.equal(0o600);
    const again = await controller('init');
    expect(again.exitCode).to.equal(4);
    expect(again.text).to.include('There is a store');
    expect(await readFile(inFolder('controller.key'), 'utf8')).to.equal(key);
    expect(recorded).to.deep.equal(['controller init', 'controller init']);
  });

  it('init finishes what a killed one has begun', async () => {
    await controller('init');
    const { openStore } = await import('../../../src/controller/store/open.ts');
    const { allMigrations } = await import('../../../src/bin/wiring/controller/families.ts');
    const store = await openStore({ folder: inFolder('state'), migrations: allMigrations });
    await store.write(async (transaction) => {
      await transaction.run('DELETE FROM authority');
      await transaction.run('DELETE FROM own_certificates');
    });
    await store.close();
    expect((await controller('init')).exitCode).to.equal(0);
    served = await serveController(folder.path, { isNew: false });
  });

  it('backs the store up without the controller, and restores it', async () => {
    await controller('init');
    const backup = inFolder('backup.db');
    expect((await controller('backup', backup)).exitCode).to.equal(0);
    expect((await stat(backup)).mode & 0o777).to.equal(0o600);
    expect((await controller('backup', backup)).exitCode).to.equal(4);
    const restored = await controller('restore', backup, '-o', 'json');
    expect(restored.exitCode).to.equal(0);
    expect((JSON.parse(restored.printed) as { store: object }).store).to.include({ epoch: 2 });
    const wrong = await controller('restore', inFolder('controller.json'));
    expect(wrong.exitCode).to.equal(4);
    expect(wrong.text).to.include('cannot be restored');
  });

  it('says that the controller does not run', async () => {
    for (const args of [['status'], ['nothing']] as const) {
      expect((await controller(...args)).exitCode).to.equal(args[0] === 'status' ? 69 : 64);
    }
    expect((await node('list')).exitCode).to.equal(69);
  });

  it('backs the store of a running controller up, and restores nothing into it', async () => {
    served = await serveController(folder.path);
    const backup = inFolder('backup.db');
    expect((await controller('backup', backup)).exitCode).to.equal(0);
    expect((await stat(backup)).mode & 0o777).to.equal(0o600);
    const { exitCode, text } = await controller('restore', backup);
    expect(exitCode).to.equal(4);
    expect(text).to.include('Another process uses the store');
  });

  it('lets a host join by a token, lists and removes it', async () => {
    served = await serveController(folder.path);
    await writeFile(inFolder('machine-id'), '0123\n');
    expect((await controller('status')).exitCode).to.equal(0);
    const token = (await node('token')).printed;
    const joined = await node('join', served.url.origin, token, '--name', 'n1');
    expect(joined.text).to.equal(undefined);
    expect(joined.printed).to.include('This host is the node 1 (n1)');
    expect(startAgent.callCount, 'starts of ha-amphora').to.equal(1);
    expect(recorded.join('\n')).to.not.include(token);
    expect((await node('join', served.url.origin, token)).exitCode).to.equal(4);
    const listed = await node('list');
    expect(listed.printed).to.match(/^1 +n1 +127\.0\.0\.1 +unreachable/m);
    // Nothing serves the port of the node.
    expect((await controller('status')).exitCode).to.equal(2);
    const refused = await node('remove', 'n1');
    expect(refused.exitCode).to.equal(2);
    expect(refused.text).to.include('--lost');
    expect((await node('remove', '7')).exitCode).to.equal(4);
    expect((await node('remove', 'n1', '--lost')).exitCode).to.equal(0);
    // An empty store on another host must not look as if all were well.
    expect((await node('list')).printed).to.match(/^No host has joined the store [0-9a-f-]{36}\./);
  });

  it('refuses to make an amphora of another controller a node', async () => {
    served = await serveController(folder.path);
    await writeFile(inFolder('machine-id'), '0123\n');
    const { certificate } = await served.signer.makeAuthority();
    await writeFile(inFolder('client_ca.pem'), certificate);
    const ca = `agent_server_ca = ${inFolder('client_ca.pem')}`;
    await writeFile(files().agentConfig, `[amphora_agent]\n${ca}\namphora_id = a1\n`);
    const token = (await node('token')).printed;
    const { exitCode, text } = await node('join', served.url.origin, token);
    expect(exitCode).to.equal(4);
    expect(text).to.include('an amphora of another controller');
    const own = served.certificates.authority.certificate;
    await writeFile(inFolder('client_ca.pem'), own);
    expect((await node('join', served.url.origin, token)).exitCode).to.equal(0);
  });

  it('refuses a token and an address that are none', async () => {
    expect((await node('join', 'https://127.0.0.1:9876', 'x')).exitCode).to.equal(64);
    expect((await node('join', 'http://127.0.0.1', 'x')).exitCode).to.equal(64);
  });
});
