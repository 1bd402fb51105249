import { expect } from 'chai';

import { readState, readStateText } from '../../src/pacemaker/crm-mon.ts';
import { noPaths } from '../support/app-bench.ts';
import { faultOf } from '../support/faults.ts';
import { generations, recorded } from '../support/fixtures.ts';
import { strictRun } from '../support/strict-run.ts';

const deadlines = { readDeadlineMs: 1000, changeDeadlineMs: 1000 };

describe('the state that crm_mon shows', () => {
  for (const generation of generations) {
    it(`is read from a running cluster of ${generation.suite}, as XML and as text`, async () => {
      const { run } = strictRun(
        recorded(generation, 'crm_mon', 'storage-as-xml'),
        recorded(generation, 'crm_mon', 'storage-as-text'),
      );
      const host = { run, paths: noPaths, ...deadlines };
      expect((await readState(host)).xml).to.include('<nodes>');
      expect((await readStateText(host)).text).to.include('Online: [');
    });
  }

  // Recorded while 'pcs cluster stop' ran.
  it('is none while Pacemaker stops, even if crm_mon ends with 0', async () => {
    const generation = generations.find(({ suite }) => suite === 'trixie');
    if (generation === undefined) throw new Error('There are no recordings of trixie.');
    const { run } = strictRun(
      recorded(generation, 'crm_mon', 'stopping-as-xml'),
      recorded(generation, 'crm_mon', 'stopping-as-text'),
    );
    const host = { run, paths: noPaths, ...deadlines };
    await faultOf('cluster_not_running', readState(host));
    await faultOf('cluster_not_running', readStateText(host));
  });
});
