import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { makeSenderService } from '../../../src/bin/wiring/alphorn-services.ts';
import { makeLiferaftBuilder } from '../../../src/alphorn/collecting/builder.ts';
import { type Daemon, type DaemonParts, makeDaemon } from '../../../src/alphorn/sending/daemon.ts';
import { makeDaemonClient } from '../../../src/alphorn/sending/daemon-client.ts';
import type {
  DaemonStatus,
  DestinationStatus,
} from '../../../src/alphorn/sending/daemon-status.ts';
import type { Manifest } from '../../../src/alphorn/format/manifest.ts';
import { beginLineageByRoot } from '../../../src/alphorn/peers/lineage-by-root.ts';
import { makeSender, type Sender } from '../../../src/alphorn/sending/sender.ts';
import type { Log } from '../../../src/kit/log.ts';
import { openSocketListener } from '../../../src/server/listeners.ts';
import { faults } from '../../../src/bin/wiring/faults.ts';
import { makeProblems } from '../../../src/server/problem.ts';
import { waitUntil } from '../../lab/wait.ts';
import {
  freePort,
  makeTestHost,
  openTestReceiver,
  type TestHost,
  type TestReceiver,
} from '../../support/peer-host.ts';
import { appending } from '../../support/appending.ts';
import { faultOf } from '../../support/faults.ts';
import { keepingLog, type LoggedLine } from '../../support/keeping-log.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { loadConfig } from '../../../src/bin/wiring/config.ts';

const ownId = '5e7638bc';

describe('the sender', () => {
  const opened: { stop(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.stop();
  });
  const folder = temporaryFolder();
  let host: TestHost;
  let daemon: Daemon;
  let lines: LoggedLine[];
  beforeEach(async () => {
    host = await makeTestHost(folder.path, ownId);
  });

  /** An interval far beyond the end of a test, so that it causes nothing. */
  const seldom = 3_600_000;

  async function configure(
    destinations: readonly string[],
    { interval = seldom, enabled = true } = {},
  ): Promise<void> {
    const settings = { interval, sync: { enabled, destinations } };
    await writeFile(host.paths.alphorn.settings, JSON.stringify(settings));
  }

  async function start(ownPort = 1): Promise<void> {
    const record = keepingLog();
    lines = record.lines;
    const config = await loadConfig({ HA_AGENT_CONFIG: join(folder.path, 'none') });
    const made = makeSenderService({ ...config, peer_port: ownPort }, record.log, host.paths);
    daemon = made.daemon;
    const listener = await openSocketListener(
      made.app,
      host.paths.alphorn.socket,
      makeProblems(faults).answer,
      keepingLog().log,
    );
    opened.push({
      stop: () => Promise.all([listener.stop(), made.stop()]),
    });
    made.start();
  }

  let made = 0;
  interface Destination extends TestReceiver {
    /** The address as the settings have it. */
    destination: string;
    /** Reads the liferaft of this host there. */
    liferaft(): Promise<Buffer | undefined>;
    /** The folder of that liferaft. */
    liferafts: string;
  }
  async function receiver(port?: number): Promise<Destination> {
    const there = await makeTestHost(folder.path, (0xae000000 + (made += 1)).toString(16));
    const listening = await openTestReceiver(there, port === undefined ? {} : { port });
    const path = join(there.paths.alphorn.liferafts, `liferaft_${ownId}.tar`);
    const record = {
      ...listening,
      destination: `127.0.0.1:${listening.port}`,
      liferafts: there.paths.alphorn.liferafts,
      liferaft: () => readFile(path).catch(() => undefined),
    };
    opened.push(record);
    return record;
  }

  const stateOf = async (destination: string): Promise<DestinationStatus | undefined> =>
    (await daemon.status()).destinations.find((each) => each.destination === destination);

  const until = (what: string, is: () => Promise<boolean>, deadlineMs = 10_000) =>
    waitUntil(what, is, { deadlineMs, everyMs: 20 });

  const untilSynced = (destination: string, deadlineMs?: number) =>
    until(
      `${destination} to be up to date`,
      async () => {
        const { liferaft, destinations } = await daemon.status();
        const state = destinations.find((each) => each.destination === destination);
        return state?.state === 'synced' && state.digest === liferaft?.digest;
      },
      deadlineMs,
    );

  const untilFailing = (destination: string) =>
    until(`${destination} to fail`, async () => (await stateOf(destination))?.state === 'failing');

  const linesOf = (destination: string) =>
    lines.filter((line) => line['destination'] === destination && line.level !== 'debug');

  it('does nothing and sends nothing until it is enabled', async () => {
    const peer = await receiver();
    await configure([peer.destination], { enabled: false });
    await start();
    await daemon.sync();
    expect(await daemon.status()).to.deep.equal({
      running: true,
      enabled: false,
      interval: seldom,
      host: { id: ownId, name: hostname() },
      liferaft: null,
      error: null,
      destinations: [],
    } satisfies DaemonStatus);
    expect(await peer.liferaft()).to.equal(undefined);
  });

  it('makes a liferaft, sends it, and reports the result', async () => {
    const peer = await receiver();
    await configure([peer.destination]);
    await start();
    await untilSynced(peer.destination);
    const { liferaft, destinations, error } = await daemon.status();
    expect(liferaft).to.include({ generation: 1, files: 1 });
    expect(error).to.equal(null);
    expect(destinations[0]).to.include({
      state: 'synced',
      lagMs: null,
      lastError: null,
      digest: liferaft?.digest,
      bytes: liferaft?.bytes,
    });
    expect(await peer.liferaft()).to.have.length(liferaft?.bytes ?? 0);
    expect(linesOf(peer.destination)).to.have.length(1);
  });

  it('sends a change within 2 s, even if only a mode changed', async () => {
    const peer = await receiver();
    await configure([peer.destination]);
    await start();
    await untilSynced(peer.destination);
    const generation = (expected: number) =>
      until(
        `generation ${expected}`,
        async () => {
          const { liferaft } = await daemon.status();
          return (
            liferaft?.generation === expected &&
            (await stateOf(peer.destination))?.digest === liferaft.digest
          );
        },
        2000,
      );
    await host.write('hostname', 'another\n');
    await generation(2);
    expect((await peer.liferaft())?.includes('another\n')).to.equal(true);
    await host.write('new', 'file\n');
    await generation(3);
    await chmod(join(folder.path, ownId, 'files/new'), 0o600);
    await generation(4);
    // There is no line for each change.
    expect(linesOf(peer.destination)).to.have.length(1);
  });

  it('uses new settings and rules without a restart', async () => {
    const [first, second] = [await receiver(), await receiver()];
    await start();
    await configure([first.destination]);
    await untilSynced(first.destination);
    await configure([second.destination]);
    await untilSynced(second.destination);
    expect((await daemon.status()).destinations).to.have.length(1);
    const rules = join(host.paths.alphorn.rules, 'more.json');
    await host.write('../etc/more', 'more\n');
    await writeFile(rules, JSON.stringify({ include: [join(folder.path, ownId, 'etc/more')] }));
    await until('more files', async () => (await daemon.status()).liferaft?.files === 2);
    await configure([], { enabled: false });
    await until('the end', async () => (await daemon.status()).destinations.length === 0);
  });

  it('keeps the former settings if they are wrong, and logs that once', async () => {
    const peer = await receiver();
    await configure([peer.destination], { interval: 1000 });
    await start();
    await untilSynced(peer.destination);
    await writeFile(host.paths.alphorn.settings, '{"interval": 1}');
    await until('an error', async () => (await daemon.status()).error !== null);
    await host.write('hostname', 'another\n');
    await until('generation 2', async () => (await daemon.status()).liferaft?.generation === 2);
    await untilSynced(peer.destination);
    expect((await daemon.status()).error?.code).to.equal('alphorn_settings_invalid');
    await daemon.sync();
    const logged = () => lines.filter(({ code }) => code === 'alphorn_settings_invalid');
    expect(logged()).to.have.length(1);
    await configure([peer.destination]);
    await until('no error', async () => (await daemon.status()).error === null);
  });

  it('sends the present liferaft if the rules are wrong', async () => {
    const peer = await receiver();
    await configure([]);
    await start();
    await until('a liferaft', async () => (await daemon.status()).liferaft !== null);
    await writeFile(join(host.paths.alphorn.rules, 'wrong.json'), '{"inclde": []}');
    await until('an error', async () => (await daemon.status()).error !== null);
    await configure([peer.destination]);
    await untilSynced(peer.destination);
    const { error, liferaft } = await daemon.status();
    expect(error?.code).to.equal('alphorn_rules_invalid');
    expect(error?.detail).to.include('inclde');
    expect(liferaft?.generation).to.equal(1);
  });

  it('serves three of five destinations, undisturbed by a dead one and one that hangs', async () => {
    const peers = [await receiver(), await receiver(), await receiver()];
    const dead = `127.0.0.1:${await freePort()}`;
    const hanging = await silentServer();
    opened.push(hanging);
    await configure([dead, hanging.destination, ...peers.map(({ destination }) => destination)]);
    await start();
    for (let generation = 1; generation <= 3; generation += 1) {
      await until(
        `generation ${generation} everywhere`,
        async () => {
          const { liferaft, destinations } = await daemon.status();
          return (
            liferaft?.generation === generation &&
            destinations.filter(({ digest }) => digest === liferaft.digest).length === 3
          );
        },
        2000,
      );
      await host.write('hostname', `${generation}\n`);
    }
    const states = (await daemon.status()).destinations.map(({ state }) => state);
    expect(states.slice(0, 2)).to.deep.equal(['failing', 'pending']);
    expect((await stateOf(dead))?.lagMs).to.be.greaterThan(0);
    // One attempt hangs, and no second one starts.
    expect(hanging.connections()).to.equal(1);
    expect(linesOf(dead)).to.have.length(1);
  });

  it('tries again by itself, and logs when a destination works again', async () => {
    const port = await freePort();
    const destination = `127.0.0.1:${port}`;
    await configure([destination]);
    await start();
    await untilFailing(destination);
    const { lastError } = (await stateOf(destination)) ?? {};
    expect(lastError?.code).to.equal('peer_unreachable');
    await receiver(port);
    await untilSynced(destination);
    expect((await stateOf(destination))?.lastError).to.deep.equal(lastError);
    expect(linesOf(destination).map(({ level }) => level)).to.deep.equal(['warn', 'info']);
  });

  it('sends nothing to itself at an address of its own', async () => {
    const { port } = await receiver();
    const destination = `127.0.0.1:${port}`;
    await configure([destination, `localhost:${port}`]);
    await start(port);
    await until('it to be known', async () => (await stateOf(destination))?.state === 'self');
    await until(
      'its name to be known',
      async () => (await stateOf(`localhost:${port}`))?.state === 'self',
    );
    expect(await stateOf(destination)).to.include({ lagMs: null, lastSuccess: null });
  });

  it('sends nothing to itself at an address that no interface has', async () => {
    const own = await openTestReceiver(host, { address: '127.0.1.1' });
    opened.push(own);
    // Debian gives a host's own name this address in /etc/hosts.
    const destination = `127.0.1.1:${own.port}`;
    await configure([destination]);
    await start(own.port);
    await until('itself to be known', async () => (await stateOf(destination))?.state === 'self');
    await daemon.sync();
    expect(await stateOf(destination)).to.include({ state: 'self', digest: null, lagMs: null });
    expect(await readdir(host.paths.alphorn.liferafts).catch(() => [])).to.deep.equal([]);
  });

  it('tells a destination once that it was rebuilt, if the destination has the count of a former installation', async () => {
    const peer = await receiver();
    await configure([peer.destination]);
    await start();
    await untilSynced(peer.destination);
    await opened.pop()?.stop();
    const { own } = host.paths.alphorn;
    const former = await readFile(join(own, `liferaft_${ownId}.tar`));
    await rm(own, { recursive: true });
    await host.write('hostname', 'rebuilt\n');
    await start();
    await untilSynced(peer.destination);
    expect((await peer.liferaft())?.includes('rebuilt\n')).to.equal(true);

    // The disk is put back to its former state, which must not replace the new liferaft.
    await opened.pop()?.stop();
    await writeFile(join(own, `liferaft_${ownId}.tar`), former);
    await start();
    await untilFailing(peer.destination);
    expect((await stateOf(peer.destination))?.lastError?.detail)
      .to.include('liferaft_older')
      .and.to.include('hactl alphorn rebuilt');
    expect((await peer.liferaft())?.includes('rebuilt\n')).to.equal(true);
  });

  it('reports that it was rolled back, and counts as rebuilt only if root says so', async () => {
    const peer = await receiver();
    await configure([peer.destination]);
    await start();
    await untilSynced(peer.destination);
    const { own } = host.paths.alphorn;
    const former = await readFile(join(own, `liferaft_${ownId}.tar`));
    for (const content of ['second\n', 'third\n']) {
      await host.write('hostname', content);
      await daemon.sync();
    }
    await untilSynced(peer.destination);
    await opened.pop()?.stop();

    await writeFile(join(own, `liferaft_${ownId}.tar`), former);
    await host.write('hostname', 'rolled back\n');
    await start();
    await untilFailing(peer.destination);
    const { code, detail } = (await stateOf(peer.destination))?.lastError ?? {};
    expect(code).to.equal('host_rolled_back');
    expect(detail)
      .to.include('generation 3')
      .and.to.include('hactl alphorn rebuilt')
      .and.not.to.match(/delete/i);
    expect((await peer.liferaft())?.includes('third\n')).to.equal(true);

    await beginLineageByRoot(own);
    await daemon.sync();
    await untilSynced(peer.destination);
    expect((await peer.liferaft())?.includes('rolled back\n')).to.equal(true);
    expect((await daemon.status()).liferaft?.generation).to.equal(1);
  });

  it('is accepted by a new host at the address of another host', async () => {
    const port = await freePort();
    const destination = `127.0.0.1:${port}`;
    const moved = async () => {
      const there = await receiver(port);
      return { there, leaves: () => opened.splice(opened.indexOf(there), 1)[0]?.stop() };
    };
    // Both receivers have the count of a former installation.
    const first = await moved();
    await configure([destination]);
    await start();
    await untilSynced(destination);
    const former = (await first.there.liferaft()) ?? Buffer.alloc(0);
    await opened.splice(opened.length - 1, 1)[0]?.stop();
    await rm(host.paths.alphorn.own, { recursive: true });
    await host.write('hostname', 'rebuilt\n');
    await start();
    await untilSynced(destination);
    await first.leaves();

    const second = await moved();
    await mkdir(second.there.liferafts, { recursive: true });
    await writeFile(join(second.there.liferafts, `liferaft_${ownId}.tar`), former);
    await daemon.sync();
    await untilSynced(destination);
    expect((await second.there.liferaft())?.includes('rebuilt\n')).to.equal(true);
  });

  it('is accepted while its clone is refused, and the refusal names the cause', async () => {
    const peer = await receiver();
    await configure([peer.destination]);
    await start();
    await untilSynced(peer.destination);
    const clone = await makeTestHost(join(folder.path, 'clone'), ownId);
    await writeFile(clone.paths.alphorn.machineId, `${'c'.repeat(32)}\n`);
    const settings = {
      interval: seldom,
      sync: { enabled: true, destinations: [peer.destination] },
    };
    await writeFile(clone.paths.alphorn.settings, JSON.stringify(settings));
    const config = await loadConfig({ HA_AGENT_CONFIG: join(folder.path, 'none') });
    const made = makeSenderService({ ...config, peer_port: 1 }, keepingLog().log, clone.paths);
    opened.push(made);
    made.start();
    await made.daemon.sync();
    const [refused] = (await made.daemon.status()).destinations;
    expect(refused?.lastError?.detail).to.include('host_cloned').and.to.include('machine-id');
    expect(peer.logged().map(({ code }) => code)).to.include('host_cloned');
    await host.write('hostname', 'first\n');
    await daemon.sync();
    await untilSynced(peer.destination);
    expect((await peer.liferaft())?.includes('first\n')).to.equal(true);

    // From now on the clone is the one that counts, because root says so there.
    await beginLineageByRoot(clone.paths.alphorn.own);
    await made.daemon.sync();
    expect((await made.daemon.status()).destinations[0]?.state).to.equal('synced');
    await daemon.sync();
    expect((await stateOf(peer.destination))?.lastError?.detail).to.include('host_cloned');
  });

  it('is refused by a destination with the same host id', async () => {
    const clone = await makeTestHost(join(folder.path, 'clone'), ownId);
    await writeFile(clone.paths.alphorn.machineId, `${'c'.repeat(32)}\n`);
    const peer = await openTestReceiver(clone);
    opened.push(peer);
    const destination = `127.0.0.1:${peer.port}`;
    await configure([destination]);
    await start();
    await untilFailing(destination);
    expect((await stateOf(destination))?.lastError?.detail).to.include('host_cloned');
  });

  it('reports what is left out in the status, and once in the log', async () => {
    const peer = await receiver();
    await configure([peer.destination]);
    await symlink('/is/not/there', join(folder.path, ownId, 'files/link'));
    await writeFile(
      join(host.paths.alphorn.rules, 'more.json'),
      JSON.stringify({ include: [join(folder.path, ownId, 'files/link')] }),
    );
    await start();
    await untilSynced(peer.destination);
    for (let round = 0; round < 3; round += 1) await daemon.sync();
    const { liferaft, error } = await daemon.status();
    expect([liferaft?.whole, liferaft?.leftOutMore, error]).to.deep.equal([true, 0, null]);
    expect(liferaft?.leftOut.map(({ why }) => why)).to.have.lengthOf(1);
    expect(liferaft?.leftOut[0]?.why).to.match(/a link to \/is\/not\/there, which does not exist/);
    const logged = lines.filter((line) => 'leftOut' in line);
    expect(logged.map(({ level }) => level)).to.deep.equal(['warn']);
    expect(logged[0]?.['leftOut']).to.deep.equal(liferaft?.leftOut);
  });

  it('counts in the log what is left out but not listed', async () => {
    await configure([]);
    const record = keepingLog();
    const why = 'It is a fifo, which a liferaft cannot contain.';
    const leftOut = [{ path: '/etc/fifo', why, essential: false, kept: false }];
    const made = await makeLiferaftBuilder({ paths: host.paths.alphorn }).round();
    daemon = makeDaemon({
      paths: host.paths.alphorn,
      log: record.log,
      builder: {
        round: () => Promise.resolve({ ...made, leftOut, leftOutMore: 5 }),
        current: () => Promise.resolve(made.liferaft),
      },
      makeSender: (destination) => senderToWhoHasIt(destination, record.log),
      makeWatch: () => ({ follow: () => Promise.resolve(), stop: () => Promise.resolve() }),
    });
    opened.push(daemon);
    await daemon.sync();
    expect(record.lines.find((line) => 'leftOut' in line)).to.deep.include({ leftOut, more: 5 });
  });

  it('reports what a liferaft lacks, and which destinations have that one', async () => {
    await configure(['192.0.2.1']);
    const shadow = await host.write('shadow', 'root:*\n');
    const paths = host.paths.alphorn;
    const record = keepingLog();
    daemon = makeDaemon({
      paths,
      log: record.log,
      builder: makeLiferaftBuilder({ paths, essentials: [{ path: shadow, everywhere: true }] }),
      makeSender: (destination) => senderToWhoHasIt(destination, record.log),
      makeWatch: () => ({ follow: () => Promise.resolve(), stop: () => Promise.resolve() }),
    });
    opened.push(daemon);
    daemon.start();
    await untilSynced('192.0.2.1');
    await rm(shadow);
    await daemon.sync();
    await daemon.sync();
    const { error, liferaft } = await daemon.status();
    expect(error?.code).to.equal('liferaft_lacking');
    expect(error?.detail).to.include(`lacks ${shadow}, `);
    expect(liferaft).to.include({ whole: false, generation: 2 });
    expect((await stateOf('192.0.2.1'))?.state).to.equal('lacking');
    const logged = record.lines.filter(({ code }) => code === 'liferaft_lacking');
    expect(logged.map(({ level }) => level)).to.deep.equal(['warn']);
    await host.write('shadow', 'root:*\n');
    await daemon.sync();
    expect((await daemon.status()).error).to.equal(null);
    expect((await stateOf('192.0.2.1'))?.state).to.equal('synced');
  });

  it('sends each change of other files while one changes all the time', async () => {
    const peer = await receiver();
    await configure([peer.destination]);
    const busy = await host.write('busy', 'whole\n');
    await start();
    await untilSynced(peer.destination);
    const stop = appending(busy);
    for (const content of ['second\n', 'third\n']) {
      await host.write('hostname', content);
      await daemon.sync();
      expect((await peer.liferaft())?.includes(content)).to.equal(true);
      expect((await peer.liferaft())?.includes('whole\n')).to.equal(true);
      const { liferaft, error } = await daemon.status();
      expect(liferaft?.leftOut.map(({ path, kept }) => [path, kept])).to.deep.equal([[busy, true]]);
      expect(error).to.equal(null);
    }
    await stop();
  });

  describe('after an unexpected exception', () => {
    /** Starts a sender from parts of the test. */
    function startWith(parts: Pick<DaemonParts, 'builder' | 'makeWatch' | 'makeSender'>): void {
      const record = keepingLog();
      lines = record.lines;
      daemon = makeDaemon({ ...parts, paths: host.paths.alphorn, log: record.log });
      opened.push(daemon);
      daemon.start();
    }
    const liferaft = (path: string) => ({
      manifest: { generation: 1, files: [], time: '' } as unknown as Manifest,
      digest: 'd',
      size: 1,
      path,
    });
    const makeSender = () => {
      throw new Error('not expected');
    };
    const quietWatch = () => ({ follow: () => Promise.resolve(), stop: () => Promise.resolve() });

    it('in its watch still makes each liferaft, and watches the files as soon as it can', async () => {
      await configure([], { interval: 1000 });
      const followed: boolean[] = [];
      let rounds = 0;
      startWith({
        makeSender,
        builder: {
          round() {
            rounds += 1;
            return Promise.resolve({
              liferaft: liferaft('x'),
              changed: false,
              leftOut: [],
              leftOutMore: 0,
            });
          },
          current: () => Promise.resolve(undefined),
        },
        makeWatch: () => ({
          follow() {
            followed.push(rounds < 2);
            return rounds < 2 ? Promise.reject(new Error('the watch broke')) : Promise.resolve();
          },
          stop: () => Promise.resolve(),
        }),
      });
      await until('the watch to follow', () => Promise.resolve(followed.includes(false)));
      expect(followed).to.deep.equal([true, true, false]);
      expect((await daemon.status()).error).to.equal(null);
      const logged = lines.filter(({ detail }) => String(detail).includes('the watch broke'));
      expect(logged).to.have.length(1);
    });

    it('in a round reports that in the status and the log, and starts the next round', async () => {
      await configure(['127.0.0.1:1'], { interval: 1000 });
      let rounds = 0;
      startWith({
        makeWatch: quietWatch,
        builder: {
          round: () =>
            Promise.resolve({
              liferaft: liferaft('x'),
              changed: false,
              leftOut: [],
              leftOutMore: 0,
            }),
          current: () => Promise.resolve(undefined),
        },
        makeSender() {
          rounds += 1;
          if (rounds <= 2) throw new Error('the sender broke');
          return {
            offer: () => undefined,
            sync: () => Promise.resolve(),
            stop: () => Promise.resolve(),
            status: () => ({ destination: 'x' }) as DestinationStatus,
          };
        },
      });
      await until('an error', async () => (await daemon.status()).error !== null);
      expect((await daemon.status()).error?.code).to.equal('internal_error');
      await until('the next rounds', async () => (await daemon.status()).error === null);
      expect(rounds).to.equal(3);
      const logged = lines.filter(({ detail }) => String(detail).includes('the sender broke'));
      expect(logged).to.have.length(1);
    });
  });

  describe('asked through its socket', () => {
    it('answers with its status, and tries on request', async () => {
      const port = await freePort();
      const destination = `127.0.0.1:${port}`;
      await configure([destination]);
      await start();
      const client = makeDaemonClient(host.paths.alphorn.socket);
      await untilFailing(destination);
      // After these attempts, the next automatic one is seconds away.
      for (let count = 0; count < 4; count += 1) await client.sync();
      expect((await client.status()).destinations[0]?.state).to.equal('failing');
      await receiver(port);
      const { destinations } = await client.sync();
      expect(destinations[0]?.state).to.equal('synced');
    });

    it('sends in a sync what no watch has reported', async () => {
      const peer = await receiver();
      await configure([peer.destination]);
      await start();
      await untilSynced(peer.destination);
      await host.write('hostname', 'changed this moment\n');
      const { liferaft, destinations } = await makeDaemonClient(host.paths.alphorn.socket).sync();
      expect(liferaft?.generation).to.equal(2);
      expect(destinations[0]?.digest).to.equal(liferaft?.digest);
    });

    it('is reported as not running if nothing listens', async () => {
      const fault = await faultOf(
        'alphorn_not_running',
        makeDaemonClient(host.paths.alphorn.socket).status(),
      );
      expect(fault.message).to.include('systemctl status alphorn');
    });
  });
});

/** A sender to a destination that already has every liferaft. */
function senderToWhoHasIt(destination: string, log: Log): Sender {
  return makeSender({
    destination,
    log,
    isThisHost: () => Promise.resolve(false),
    connect: () => ({
      heartbeat: ({ lineage, generation }) => Promise.resolve({ held: true, lineage, generation }),
      push: () => Promise.reject(new Error('nothing is to be sent')),
      close: () => undefined,
    }),
    accepted: { has: () => Promise.resolve(true), add: () => Promise.resolve() },
  });
}

/** Accepts connections and never answers. */
async function silentServer(): Promise<{
  destination: string;
  connections: () => number;
  stop(): Promise<unknown>;
}> {
  const port = await freePort();
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    destination: `127.0.0.1:${port}`,
    connections: () => sockets.length,
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
