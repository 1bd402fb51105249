import { expect } from 'chai';

import { commandsOf, describedProgram, printsData } from '../../../packaging/reference/commands.ts';

describe('the commands of hactl', () => {
  const commands = commandsOf(describedProgram());

  it('take -o and --json, unless they print no data', () => {
    const without = commands.filter(({ command, isGroup }) => !isGroup && !printsData(command));
    expect(without.map(({ name }) => name)).to.deep.equal([
      'token revoke',
      'alphorn rebuilt',
      'alphorn export',
      'alphorn key generate',
      'alphorn key import',
      'amphora check',
      'controller backup',
      'node remove',
      'group add',
      'group set',
      'group remove',
      'group adopt',
      'lb add',
      'lb set',
      'lb remove',
      'lb repair',
      'lb failover',
      'lb member add',
      'lb member set',
      'lb member remove',
      'lb node drain',
      'lb node resume',
      'lb secret put',
      'lb secret remove',
    ]);
  });

  it('have a summary without a full stop and a description of sentences', () => {
    for (const { name, command } of commands) {
      expect(command.summary(), name).to.match(/^[a-z].*[^.]$/);
      expect(command.description(), name).to.match(/^[A-Z].*\.$/);
    }
  });

  it('describe each argument and option', () => {
    for (const { name, command } of commands) {
      for (const each of [...command.registeredArguments, ...command.options])
        expect(each.description, name).not.to.equal('');
    }
  });
});
