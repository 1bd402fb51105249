import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { execa } from 'execa';

import type { WantedBalancer } from '../../../src/balancer/deploying.ts';
import {
  certificateName,
  crtListName,
  renderCrtList,
} from '../../../src/balancer/render/certificates.ts';
import { renderHaproxy } from '../../../src/balancer/render/haproxy.ts';
import { peerName } from '../../../src/haproxy/peer-name.ts';

/** A haproxy that reads files as the agent's does. */
export interface HaproxyCheck {
  version: string;
  /** What it says against the files of these load balancers, all in one; empty if it takes them without a warning. */
  complaints(balancers: readonly WantedBalancer[]): Promise<string>;
  close(): Promise<void>;
}

/** The agents' folder, which is another one here. */
const base = '/var/lib/octavia';

/** @param root a Debian with haproxy; empty for this machine */
export async function makeHaproxyCheck(root = ''): Promise<HaproxyCheck> {
  const folder = await mkdtemp(
    join(root === '' ? tmpdir() : join(root, 'tmp'), 'balancer-render-'),
  );
  const seen = folder.slice(root.length);
  const inRoot = (...argv: readonly string[]) => (root === '' ? argv : ['chroot', root, ...argv]);
  const haproxy = async (...args: string[]) => {
    const [command = '', ...rest] = inRoot('haproxy', ...args);
    return execa(command, rest, { reject: false, timeout: 300_000 });
  };
  const pem = await selfSigned(folder);
  await writeFile(join(folder, 'ping-wrapper.sh'), '#!/bin/sh\n', { mode: 0o755 });
  const version = /(\d+\.\d+\.\d+)/.exec((await haproxy('-v')).stdout)?.[1] ?? '';

  const place = (text: string) => text.replaceAll(`${base}/`, `${seen}/`);

  async function writeCertificates({ id, listeners }: WantedBalancer): Promise<void> {
    const certificates = join(folder, 'certs', id);
    for (const listener of listeners.filter((each) => each.certificates.length > 0)) {
      await mkdir(certificates, { recursive: true });
      const list = place(renderCrtList(id, listener));
      await writeFile(join(certificates, crtListName(listener.id)), list);
      for (const each of listener.certificates) {
        await writeFile(join(certificates, certificateName(each.id)), pem);
      }
    }
  }

  return {
    version,
    async complaints(balancers) {
      await Promise.all(balancers.map(writeCertificates));
      await writeFile(join(folder, 'haproxy.cfg'), place(together(balancers)));
      const file = `${seen}/haproxy.cfg`;
      const found = await haproxy('-c', '-L', localPeer(balancers), '-f', file);
      await rm(join(folder, 'certs'), { recursive: true, force: true });
      const said = found.stderr
        .split('\n')
        .filter((line) => /^\[(?:ALERT|WARNING)\]/.test(line) && !line.includes('state file'));
      const isRight = found.exitCode === 0 && said.length === 0;
      return isRight ? '' : `exit code ${String(found.exitCode)}\n${said.slice(0, 20).join('\n')}`;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The peer of the first node, which is the same node in all load balancers that are checked together. */
function localPeer([first]: readonly WantedBalancer[]): string {
  const node = first?.nodes[0];
  return peerName(node?.amphora ?? String(node?.id));
}

/** One file of the files of several load balancers: haproxy takes one section `global`, and reads all that is in it. */
function together(balancers: readonly WantedBalancer[]): string {
  const texts = balancers.map((wanted) => renderHaproxy(wanted, wanted.nodes[0]?.id ?? 0));
  const [global = '', defaults = ''] = texts[0]?.split('\n\n') ?? [];
  if (texts.length === 1) return texts[0] ?? '';
  const own = global.split('\n').filter((line) => !line.includes('external-check'));
  // The sum of the limits is too large for one process.
  const lines = own.filter((line) => !/maxconn|insecure-fork/.test(line));
  const head = [...lines, '    external-check', '    insecure-fork-wanted'].join('\n');
  const rest = texts.map((text) => text.split('\n\n').slice(2).join('\n\n'));
  return [head, defaults, ...rest].join('\n\n');
}

async function selfSigned(folder: string): Promise<string> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const out = ['-keyout', key, '-out', certificate];
  await execa('openssl', ['req', '-x509', ...kind, '-subj', '/CN=www.example.com', ...out]);
  return `${await readFile(certificate, 'utf8')}${await readFile(key, 'utf8')}`;
}
