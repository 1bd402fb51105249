import type { BalancerLab } from '../lab/balancer/lab.ts';

/** Prints what the units of each host said last, for a test that has failed. */
export async function printJournals(lab: BalancerLab | undefined): Promise<void> {
  for (const node of lab?.nodes ?? []) {
    if (!(await node.isOn())) continue;
    const units = ['ha-controller', 'ha-amphora', 'ha-keepalived', 'amphora-haproxy@*'].map(
      (unit) => `--unit=${unit}`,
    );
    const how = ['--no-pager', '--lines=20', '--output=cat'];
    const { stdout } = await node.exec(['journalctl', ...how, ...units]);
    console.error(`The journal of ${node.name}:\n${stdout}`);
  }
}
