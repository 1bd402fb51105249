import { lstat, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'chai';

import { memoryFolder } from '../../src/kit/paths.ts';
import { installPackages } from '../lab/host.ts';
import { ask, credentialsIn, type Target } from '../support/amphora/asking.ts';
import { askBesideSlow, sendFrames, sendHostile, sentSecrets } from '../support/amphora/hostile.ts';
import {
  agentConfigOf,
  type AmphoraInFolder,
  amphoraOfFolder,
  type FolderPlaces,
  openInFolder,
  placesIn,
  prepareFolder,
} from '../support/amphora/in-folder.ts';
import { keepingLog, type LoggedLine } from '../support/keeping-log.ts';
import { freePort } from '../support/peer-host.ts';

describe('hostile input to an amphora', function () {
  this.timeout(300_000);
  let folder = '';
  let places: FolderPlaces;
  let agent: AmphoraInFolder;
  let target: Target;
  let lines: readonly LoggedLine[] = [];
  before(() => installPackages(['haproxy', 'keepalived', 'iproute2'], () => undefined));
  before(async () => {
    folder = await mkdtemp(join(memoryFolder, 'h'));
    places = placesIn(folder);
    await prepareFolder(places);
    const logged = keepingLog();
    ({ lines } = logged);
    const port = await freePort();
    agent = await openInFolder(places, { port, log: logged.log });
    const credentials = await credentialsIn(places.trust);
    target = { host: '127.0.0.1', port, servername: amphoraOfFolder, credentials };
  });
  after(async () => {
    await agent.stop();
    await agent.end();
    await rm(folder, { recursive: true, force: true });
  });

  // The agent writes its counters for each heartbeat, through a temporary file.
  const listed = async () =>
    (await readdir(folder, { recursive: true }))
      .filter(
        (name) => !/audit|stats_counters|haproxy\.cfg\.new-failed|conf\.new-failed/.test(name),
      )
      .filter((name) => !/d\/o\/(?:hostile|lvs|vrrp)/.test(name))
      .sort();

  it('is refused, and leaves nothing outside of its own place', async () => {
    const before = await listed();
    const { paths } = places;
    const of = { ...paths, amphora: amphoraOfFolder, agentConfig: agentConfigOf(places) };
    expect(await sendHostile(target, of)).to.deep.equal([]);
    expect(await listed()).to.deep.equal(before);
    expect(lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
  });

  it('with a framing of two meanings is refused', async () => {
    expect(await sendFrames(target)).to.deep.equal([]);
  });

  it('holds up nobody else, on 200 slow connections', async () => {
    expect(await askBesideSlow(target, 200)).to.deep.equal([200, 400]);
  });

  it('leaves its secrets in no line of the log, no record and no file that others can read', async () => {
    const key = agentConfigOf(places, sentSecrets.heartbeatKey);
    expect((await ask(target, 'PUT', '/1.0/config', key)).status).to.equal(202);
    const { topology: secret } = sentSecrets;
    const topology = { topology: 'ACTIVE-STANDBY', role: 'ACTIVE', ha_ip: '10.0.0.1', secret };
    expect((await ask(target, 'POST', '/v0.1/topology', topology)).status).to.equal(200);
    const text = JSON.stringify(lines, (_key, value: unknown) =>
      value instanceof Error
        ? {
            ...Object.fromEntries(Object.entries(value)),
            message: value.message,
            stack: value.stack,
          }
        : value,
    );
    const audit = await readFile(places.audit, 'utf8');
    for (const each of [...Object.values(sentSecrets), 'PRIVATE KEY-----']) {
      expect(text.includes(each), `the log has ${each}`).to.equal(false);
      expect(audit.includes(each), `the audit log has ${each}`).to.equal(false);
    }
    for (const name of await readdir(places.disk, { recursive: true })) {
      const path = join(places.disk, name);
      const found = await lstat(path);
      if (!found.isFile() || (found.mode & 0o077) === 0) continue;
      const text = await readFile(path, 'utf8');
      const has = Object.values(sentSecrets).filter((each) => text.includes(each));
      expect(has, name).to.deep.equal([]);
    }
  });
});
