import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect } from 'chai';
import { execa } from 'execa';

import { makeInterfaces } from '../../../src/amphora/facts/interfaces.ts';
import { waitUntil } from '../../lab/wait.ts';

// Only root can make namespaces.
if (process.getuid?.() === 0) {
  describe('the bytes of the interfaces in a namespace', inNamespace);
}

function inNamespace(): void {
  const name = `ha-agent-test-${process.pid}`;
  const ip = (...args: string[]) => execa('ip', args);
  const inside = ['netns', 'exec', name];

  before(async () => {
    await ip('netns', 'add', name);
    await ip('-n', name, 'link', 'add', 'eth7', 'type', 'veth', 'peer', 'name', 'other');
  });

  after(async () => {
    await ip('netns', 'del', name);
  });

  it('are read by way of a process in it, and not of one in another', async () => {
    const child = spawn('ip', [...inside, 'sleep', '60']);
    const pids = async () => (await ip('netns', 'pids', name)).stdout;
    await waitUntil('the process', async () => (await pids()) === `${child.pid}`);
    const read = makeInterfaces({
      run: () => Promise.reject(new Error('no command is needed')),
      deadlineMs: 1000,
      namespace: name,
      pids: () => Promise.resolve([process.pid, child.pid ?? 0]),
    });
    expect(await read()).to.deep.equal([{ name: 'eth7', rx: 0, tx: 0 }]);
    child.kill();
    await once(child, 'close');
  });

  it('are read by a command while no process is in it', async () => {
    const commands: (readonly string[])[] = [];
    const read = makeInterfaces({
      run: ({ argv }) => {
        commands.push(argv);
        return Promise.resolve({ exitCode: 0, stdout: 'head\nhead\n', stderr: '' });
      },
      deadlineMs: 1000,
      namespace: name,
      pids: () => Promise.resolve([process.pid]),
    });
    expect(await read()).to.deep.equal([]);
    expect(commands).to.deep.equal([['ip', ...inside, 'cat', '/proc/net/dev']]);
  });
}
