import { Fault } from '../kit/fault.ts';
import type { LocatedSection, LocatedSetting } from '../parsers/corosync/conf.ts';
import { type Editing, sectionsIn, settingsIn } from './conf-edit.ts';

export interface VotesLeft {
  /** The votes that corosync has to expect; undefined if they do not depend on the file alone. */
  expected: number | undefined;
  /** Warnings about the votes. */
  warnings: string[];
}

/**
 * Corrects the settings that depend on the votes of the nodes (votequorum(5); corosync-qdevice(8) for those of a device):
 *
 * - `expected_votes` takes precedence over the list of nodes. So it must not be higher than the votes that are left. It may
 *   be lower.
 * - `two_node` is for two nodes with one vote each. It excludes a quorum device, `auto_tie_breaker` and
 *   `last_man_standing`. Other tools write `two_node: 0` for three nodes, which does not mean that it is unwanted for two.
 * - The votes of a device with the algorithm `lms` are one less than those of the nodes.
 * - A node that is gone cannot break a tie.
 * @param votes of each node that is left
 * @param id of the node that is removed
 * Faults: `corosync_conf_invalid`
 */
export function removeVotes(
  editing: Editing,
  conf: LocatedSection,
  votes: readonly number[],
  id: number | undefined,
): VotesLeft {
  const sections = sectionsIn([conf], 'quorum');
  const provider = settingsIn(sections, 'provider').at(-1);
  if (provider?.value !== 'corosync_votequorum') return { expected: undefined, warnings: [] };
  const isOn = (key: string) => Number(settingsIn(sections, key).at(-1)?.value ?? 0) !== 0;
  const removeAll = (settings: readonly LocatedSetting[]) => {
    for (const { line } of settings) editing.remove(line);
  };
  const warnings: string[] = [];
  const sum = votes.reduce((total, each) => total + each, 0);

  const devices = sectionsIn(sections, 'device');
  const hasDevice = (settingsIn(devices, 'model').at(-1)?.value ?? '') !== '';
  const deviceSetting = settingsIn(devices, 'votes').at(-1);
  let deviceVotes = Number(deviceSetting?.value ?? sum - 1);
  const algorithm = settingsIn(sectionsIn(devices, 'net'), 'algorithm').at(-1)?.value;
  if (deviceSetting && algorithm === 'lms' && deviceVotes > sum - 1) {
    deviceVotes = sum - 1;
    editing.setValue(deviceSetting, `${deviceVotes}`);
  }

  const expectedSettings = settingsIn(sections, 'expected_votes');
  const expectedSetting = expectedSettings.at(-1);
  let expected = sum;
  if (expectedSetting) {
    const before = Number(expectedSetting.value);
    expected = Math.min(before, sum + (hasDevice ? deviceVotes : 0));
    // With fewer than two votes besides the device's, corosync does not start. Without the setting, it counts the votes.
    if (hasDevice && deviceVotes > 0 && expected - deviceVotes < 2) removeAll(expectedSettings);
    else if (expected !== before) editing.setValue(expectedSetting, `${expected}`);
  }

  const hasOtherRule = hasDevice || isOn('auto_tie_breaker') || isOn('last_man_standing');
  const isPair = votes.length === 2 && votes.every((each) => each === 1) && expected === 2;
  const twoNode = settingsIn(sections, 'two_node');
  if (!isPair || hasOtherRule) {
    if (isOn('two_node')) removeAll(twoNode);
  } else if (!isOn('two_node')) {
    const last = twoNode.at(-1);
    if (last) editing.setValue(last, '1');
    else editing.addBehind(provider, 'two_node: 1');
    warnings.push(
      'two_node is now on in corosync.conf: each of the two remaining nodes keeps quorum alone, but waits for the other one when the cluster starts.',
    );
  }

  if (isOn('auto_tie_breaker') && sum % 2 === 1 && !isOn('wait_for_all')) {
    if (isOn('last_man_standing')) {
      throw new Fault(
        'corosync_conf_invalid',
        `An odd number of votes would be left, ${sum}. With auto_tie_breaker and last_man_standing, corosync starts with that only if wait_for_all is on. Nothing was changed. Add 'wait_for_all: 1' to the section quorum of corosync.conf on each node, restart the cluster, then try again.`,
      );
    }
    warnings.push(
      `An odd number of votes is left, ${sum}: corosync turns auto_tie_breaker off unless wait_for_all is on in corosync.conf.`,
    );
  }
  for (const breakers of [
    settingsIn(sections, 'auto_tie_breaker_node'),
    settingsIn(sectionsIn(devices, 'net'), 'tie_breaker'),
  ]) {
    const last = breakers.at(-1);
    const ids = last?.value.split(/[ \t]+/) ?? [];
    const left = ids.filter((each) => Number(each) !== id);
    if (last === undefined || left.length === ids.length) continue;
    if (left.length > 0) editing.setValue(last, left.join(' '));
    else {
      removeAll(breakers);
      warnings.push(
        `The node was the only one in ${last.key}; now the lowest number breaks a tie.`,
      );
    }
  }
  const isTracked = isOn('expected_votes_tracking') || isOn('allow_downscale');
  if (isTracked) {
    warnings.push(
      'Corosync stores the highest number of expected votes on the disk, and starts with it: remove the file ev_tracking in /var/lib/corosync on each node while corosync is stopped there.',
    );
  }
  return { expected: hasDevice || isTracked ? undefined : expected, warnings };
}
