import { expect } from 'chai';

import { flawOfArgv } from './argv.ts';

describe('the grammar of command lines', () => {
  const good: readonly (readonly string[])[] = [
    ['crm_resource', '--cleanup', '--resource', 'Büro_1.a-b'],
    ['crm_node', '--force', '--remove', '10.0.0.1'],
    ['cibadmin', '--query', '--xpath', "/cib/configuration/resources/primitive[@id='a']"],
    ['pcs', '-f', '/dev/shm/ha-agent-12-AbCd12/cib.xml', 'stonith', 'config'],
    ['/usr/lib/pacemaker/pacemaker-fenced', 'metadata'],
    ['systemctl', 'stop', 'pacemaker.service'],
  ];
  const bad: readonly (readonly string[])[] = [
    // Names that are options, lead to another file, or have two lines.
    ['crm_resource', '--cleanup', '--resource', '--force'],
    ['crm_resource', '--cleanup', '--resource', '1a'],
    ['crm_resource', '--cleanup', '--resource', 'a\n'],
    ['crm_resource', '--cleanup', '--resource', 'a\0b'],
    ['crm_resource', '--cleanup', '--resource', ''],
    ['crm_node', '--force', '--remove', '-f'],
    ['pcs', 'resource', 'describe', '../../etc/passwd'],
    ['pcs', '-f', '/etc/passwd', 'stonith', 'config'],
    ['pcs', '-f', '/dev/shm/ha-agent-12-AbCd12/../../x', 'stonith', 'config'],
    ['cibadmin', '--query', '--xpath', "//primitive[@id='a' or '1']"],
    ['systemctl', 'stop', '--now'],
    ['corosync-quorumtool', '-e', '-1'],
    // One argument too many, another option, or another tool.
    ['crm_mon', '--as-xml', '--external-agent=/tmp/x'],
    ['cibadmin', '--erase', '--force'],
    ['sh', '-c', 'id'],
    ['toString'],
    [],
  ];

  it('accepts what the agent starts', () => {
    for (const argv of good) expect(flawOfArgv(argv), argv.join(' ')).to.equal(undefined);
  });

  it('rejects everything else', () => {
    for (const argv of bad) expect(flawOfArgv(argv), argv.join(' ')).to.be.a('string');
  });
});
