import { expect } from 'chai';

import type { Host } from '../../src/kit/host.ts';
import type { Paths } from '../../src/bin/wiring/paths.ts';
import { forgetNode } from '../../src/pacemaker/node.ts';
import { faultOf } from '../support/faults.ts';
import { noPaths } from '../support/app-bench.ts';

/** A Pacemaker that lists the node this many more times, and the calls that it received. */
function pacemaker(times: number, exitCode = 0, id = '7'): { host: Host<Paths>; calls: string[] } {
  const calls: string[] = [];
  let left = times;
  const host: Host<Paths> = {
    run: ({ argv }) => {
      calls.push(argv.slice(1).join(' '));
      if (!argv.includes('--list')) return Promise.resolve({ exitCode, stdout: '', stderr: 'no' });
      left -= 1;
      const gone = left >= 0 ? `${id} gone lost\n` : '';
      return Promise.resolve({ exitCode: 0, stdout: `1 here member\n${gone}`, stderr: '' });
    },
    paths: noPaths,
    readDeadlineMs: 1000,
    changeDeadlineMs: 1000,
  };
  return { host, calls };
}

describe('forgetNode', () => {
  it('removes the node by its name, and checks that it is gone', async () => {
    const { host, calls } = pacemaker(0);
    await forgetNode(host, 'gone', 0);
    expect(calls).to.deep.equal(['--force --remove gone', '--list']);
  });

  it('removes a node that Pacemaker still lists by its number, and then by its name again', async () => {
    const { host, calls } = pacemaker(2);
    await forgetNode(host, 'gone', 0);
    expect(calls).to.deep.equal([
      '--force --remove gone',
      '--list',
      '--force --remove 7',
      '--list',
      '--force --remove gone',
      '--list',
    ]);
  });

  it('removes a node without a number by its name', async () => {
    const { host, calls } = pacemaker(1, 0, '0');
    await forgetNode(host, 'gone', 0);
    const remove = '--force --remove gone';
    expect(calls).to.deep.equal([remove, '--list', remove, '--list']);
  });

  it('succeeds even if only the last of ten attempts works', async () => {
    const { host, calls } = pacemaker(9);
    await forgetNode(host, 'gone', 0);
    expect(calls.filter((each) => each.includes('--remove'))).to.have.lengthOf(10);
  });

  it('fails if Pacemaker still lists the node after ten attempts', async () => {
    const { host, calls } = pacemaker(Infinity);
    const { message } = await faultOf('node_not_forgotten', forgetNode(host, 'gone', 0));
    expect(message).to.include('Pacemaker still lists gone after 10 tries');
    expect(calls.filter((each) => each.includes('--remove'))).to.have.lengthOf(10);
  });

  it('does not try again what Pacemaker refuses', async () => {
    const { host, calls } = pacemaker(0, 1);
    await faultOf('cluster_refused', forgetNode(host, 'gone', 0));
    expect(calls).to.deep.equal(['--force --remove gone']);
  });
});
