import { expect } from 'chai';

import { makeRun } from '../../src/kit/exec.ts';
import { makeLog } from '../../src/kit/log.ts';
import { probeAddresses } from '../../src/netlink/probe.ts';
import { attempt, run } from '../lab/run.ts';
import { faultOf } from '../support/faults.ts';

describe('asking a link for addresses', () => {
  const own = makeRun(makeLog('silent'));
  const [here, there] = [`probe-${process.pid}-1`, `probe-${process.pid}-2`];
  const inside = (name: string, ...argv: string[]) => run(['ip', '-n', name, ...argv]);

  before(async () => {
    for (const name of [here, there]) await run(['ip', 'netns', 'add', name]);
    await inside(
      here,
      'link',
      'add',
      'eth1',
      'type',
      'veth',
      'peer',
      'name',
      'eth1',
      'netns',
      there,
    );
    for (const [index, name] of [here, there].entries()) {
      await inside(name, 'link', 'set', 'eth1', 'up');
      await inside(name, 'address', 'add', `10.78.0.${index + 1}/24`, 'dev', 'eth1');
      await inside(name, 'address', 'add', `fd78::${index + 1}/64`, 'dev', 'eth1', 'nodad');
    }
  });
  after(async () => {
    for (const name of [here, there]) await attempt(['ip', 'netns', 'delete', name]);
  });

  it('finds those of another host with its link-layer address, and not its own or free ones', async () => {
    const asked = ['10.78.0.1', '10.78.0.2', '10.78.0.9', 'fd78::1', 'fd78::2', 'fd78::9'];
    const link = await inside(there, '-o', 'link', 'show', 'dev', 'eth1');
    const [, by] = /link\/ether (\S+)/.exec(link) ?? [];
    expect(await probeAddresses(own, here, 'eth1', asked)).to.have.deep.members([
      { address: '10.78.0.2', by },
      { address: 'fd78::2', by },
    ]);
  });

  it('leaves no trace of an address in the neighbours of the other host', async () => {
    await inside(there, 'neighbour', 'flush', 'dev', 'eth1');
    await probeAddresses(own, here, 'eth1', ['10.78.0.2', 'fd78::2']);
    const neighbours = await inside(there, 'neighbour', 'show', 'dev', 'eth1');
    expect(neighbours).to.not.match(/10\.78|fd78/);
  });

  it('a link that is not there is a fault with what perl says', async () => {
    const fault = await faultOf('tool_failed', probeAddresses(own, here, 'eth9', ['10.78.0.2']));
    expect(fault.message).to.include('asked on eth9');
  });
});
