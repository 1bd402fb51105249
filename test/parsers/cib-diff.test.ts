import { expect } from 'chai';

import { Fault } from '../../src/errors.ts';
import { parseCibDiff } from '../../src/parsers/cib-diff.ts';

const diff = (...changes: readonly string[]) =>
  `<diff format="2"><version><source admin_epoch="0"/></version>${changes.join('')}</diff>`;

describe('parseCibDiff', () => {
  it('tells what was created, and where', () => {
    const path = '/cib/configuration/constraints';
    const xml = `<change operation="create" path="${path}" position="3"><rsc_colocation id="c" score="5"><resource_set id="s"><resource_ref id="A"/><resource_ref id="B"/></resource_set></rsc_colocation></change>`;
    expect(parseCibDiff(diff(xml))).to.deep.equal([
      {
        ...{ operation: 'create', path, position: '3', element: 'rsc_colocation' },
        content: {
          ...{ id: 'c', score: '5' },
          resource_set: [{ id: 's', resource_ref: [{ id: 'A' }, { id: 'B' }] }],
        },
      },
    ]);
  });

  it('tells what was modified, with the name of a pair', () => {
    const path = "/cib/configuration//nvpair[@id='n']";
    const xml = `<change operation="modify" path="${path}"><change-list><change-attr name="value" operation="set" value="2"/><change-attr name="score" operation="unset"/></change-list><change-result><nvpair id="n" name="ip" value="2"/></change-result></change>`;
    expect(parseCibDiff(diff(xml))).to.deep.equal([
      { operation: 'modify', path, name: 'ip', set: { value: '2' }, unset: ['score'] },
    ]);
  });

  it('tells what was moved and what was deleted', () => {
    const moved = '<change operation="move" path="/cib/a" position="1"/>';
    const deleted = '<change operation="delete" path="/cib/b"/>';
    expect(parseCibDiff(diff(moved, deleted))).to.deep.equal([
      { operation: 'move', path: '/cib/a', position: '1' },
      { operation: 'delete', path: '/cib/b' },
    ]);
  });

  it('passes over what changed in the version alone', () => {
    const xml = (name: string) =>
      `<change operation="modify" path="/cib"><change-list><change-attr name="${name}" operation="set" value="2"/></change-list></change>`;
    for (const name of ['epoch', 'num_updates', 'admin_epoch', 'cib-last-written']) {
      expect(parseCibDiff(diff(xml(name)))).to.deep.equal([]);
    }
    const set = { 'validate-with': '2' };
    expect(parseCibDiff(diff(xml('validate-with')))).to.deep.equal([
      { operation: 'modify', path: '/cib', set, unset: [] },
    ]);
  });

  it('passes over changes that it does not know, and refuses what is none', () => {
    expect(parseCibDiff(diff('<change operation="newer" path="/cib"/>'))).to.deep.equal([]);
    expect(() => parseCibDiff('crm_diff: error'))
      .to.throw(Fault)
      .with.property('code', 'unreadable_output');
  });
});
