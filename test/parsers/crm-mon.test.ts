import { expect } from 'chai';

import { failuresIn, nodeStates, parseCrmMon } from '../../src/parsers/crm-mon.ts';
import { generations, recorded } from '../support/fixtures.ts';

describe('failuresIn', () => {
  it('reads the reason, or else the meaning of the exit code and how the operation ended', () => {
    const failure = (key: string, more: string) =>
      `<failure op_key="${key}" node="a" exitcode="1" ${more}/>`;
    const xml = `<crm_mon><failures>${[
      failure(
        'A_start_0',
        'exitreason="no pool" exitstatus="error" status="complete" interval="0" task="start"',
      ),
      failure(
        'A:1_monitor_10000',
        'exitreason="" exitstatus="error" status="complete" interval="10000" task="monitor"',
      ),
      failure(
        'A_b_stop_0',
        'exitreason="" exitstatus="Error occurred" status="Done" interval="0" task="stop"',
      ),
      failure(
        'A_start_0',
        'exitreason="" exitstatus="error" status="Timed Out" interval="0" task="start"',
      ),
    ].join('')}</failures></crm_mon>`;
    expect(failuresIn(parseCrmMon(xml))).to.deep.equal([
      { resource: 'A', node: 'a', task: 'start', reason: 'no pool', exitCode: 1 },
      { resource: 'A', node: 'a', task: 'monitor', reason: 'error (exit code 1)', exitCode: 1 },
      {
        resource: 'A_b',
        node: 'a',
        task: 'stop',
        reason: 'Error occurred (exit code 1)',
        exitCode: 1,
      },
      {
        resource: 'A',
        node: 'a',
        task: 'start',
        reason: 'error (exit code 1, Timed Out)',
        exitCode: 1,
      },
    ]);
  });
});

describe('nodeStates', () => {
  it('distinguishes remote and guest nodes from cluster nodes', () => {
    const xml = `<crm_mon><nodes>
      <node name="a" id="1" online="true" standby="false" standby_onfail="false" maintenance="false" type="member"/>
      <node name="r" id="r" online="false" standby="false" standby_onfail="false" maintenance="true" type="remote"/>
      <node name="f" id="2" online="true" standby="false" standby_onfail="true" maintenance="false" type="member"/>
    </nodes></crm_mon>`;
    expect(nodeStates(parseCrmMon(xml))).to.deep.equal([
      { name: 'a', id: '1', remote: false, online: true, standby: false, maintenance: false },
      { name: 'r', id: 'r', remote: true, online: false, standby: false, maintenance: true },
      { name: 'f', id: '2', remote: false, online: true, standby: true, maintenance: false },
    ]);
  });

  for (const generation of generations) {
    it(`reads what was recorded on ${generation.suite}`, () => {
      const { stdout } = recorded(generation, 'crm_mon', 'storage-as-xml');
      const names = nodeStates(parseCrmMon(stdout)).map(({ name, online }) => [name, online]);
      expect(names).to.have.deep.members([
        ['ae82a9a2', true],
        ['5e7638bc', true],
      ]);
    });
  }
});
