import { expect } from 'chai';

import { listConstraints } from '../../../../src/routes/ha/documents/constraints.ts';
import { everythingCib } from '../../../support/everything.ts';
import { generations } from '../../../support/fixtures.ts';
import { parseCib } from '../../../../src/parsers/cib/cib.ts';

const of = (constraints: string) =>
  listConstraints(
    parseCib(`<cib><configuration><constraints>${constraints}</constraints></configuration></cib>`),
  );

for (const generation of generations) {
  describe(`the list of constraints on ${generation.suite}`, () => {
    const list = listConstraints(everythingCib(generation));
    const byId = (key: keyof typeof list, id: string) =>
      list[key]?.find((each) => each['id'] === id);

    it('has each constraint under its type', () => {
      expect(byId('location_constraints', 'l-avoids')).to.deep.equal({
        resource: 'Sets',
        status: 'disabled',
        on: '5e7638bc',
        score: '-5',
        id: 'l-avoids',
        'resource-discovery': 'never',
      });
      expect(byId('location_constraints', 'l-zero')).to.include({ status: 'enabled' });
      expect(byId('colocation_constraints', 'c-roles')).to.deep.equal({
        first: 'Plain',
        then: 'Database-clone',
        score: '5',
        id: 'c-roles',
        'rsc-role': 'Started',
        'with-rsc-role': generation.suite === 'bullseye' ? 'Master' : 'Promoted',
      });
      expect(byId('ticket_constraints', 't-bare')).to.deep.equal({
        ticket: 'ticketA',
        resource: 'NeedsTicket',
        id: 't-bare',
      });
    });

    it('has complete rules', () => {
      const location = byId('location_constraints', 'l-rule');
      expect(location).to.include({ resource: 'Bare' }).and.not.to.have.any.keys('status', 'on');
      expect(location).to.have.nested.property('rule[0].expression[1].operation', 'gte');
      expect(location).to.have.nested.property(
        'rule[0].rule[0].date_expression[1].date_spec[0].monthdays',
        '1-7',
      );
    });

    it("has Pacemaker's defaults of an order", () => {
      expect(byId('ordering_constraints', 'o-bare')).to.deep.equal({
        order: {
          first: { operation: 'start', resource: 'Plain' },
          then: { operation: 'start', resource: 'Sets' },
        },
        kind: 'Mandatory',
        id: 'o-bare',
      });
      expect(byId('ordering_constraints', 'o-actions')).to.have.nested.property(
        'order.then.operation',
        'promote',
      );
      expect(byId('ordering_constraints', 'o-then')).to.include({ symmetrical: 'false' });
    });

    it('has the sets in order, with the options of each', () => {
      expect(byId('ordering_group_constraints', 'o-sets')).to.deep.equal({
        resources: ['Sets', 'Bare', 'Mount', 'Banned', 'Unmanaged'],
        set_id: 'o-sets-1',
        options: { sequential: 'false', 'require-all': 'false', action: 'start' },
        sets: [
          {
            resources: ['Sets', 'Bare'],
            set_id: 'o-sets-1',
            options: { sequential: 'false', 'require-all': 'false', action: 'start' },
          },
          {
            resources: ['Mount', 'Banned'],
            set_id: 'o-sets-2',
            options: { sequential: 'true', role: 'Started' },
          },
          { resources: ['Unmanaged'], set_id: 'o-sets-3' },
        ],
        setOptions: {},
        id: 'o-sets',
      });
      expect(byId('colocation_group_constraints', 'c-reference')).to.deep.equal({
        resources: [],
        options: { 'id-ref': 'c-set-1' },
        setOptions: { score: '14' },
        id: 'c-reference',
      });
    });
  });
}

describe('the list of constraints', () => {
  it('derives the kind of an order from its old score', () => {
    const { ordering_constraints: orders } = of(
      '<rsc_order id="a" first="A" then="B" score="0"/><rsc_order id="b" first="A" then="B" score="1"/>',
    );
    expect(orders.map(({ kind }) => kind)).to.deep.equal(['Optional', 'Mandatory']);
  });

  it('separates unknown attributes of a set from those of its constraint', () => {
    const { colocation_group_constraints: groups } = of(
      '<rsc_colocation id="c"><resource_set id="s"><new in="set"/></resource_set><new in="c"/></rsc_colocation>',
    );
    expect(groups).to.deep.equal([
      {
        resources: [],
        set_id: 's',
        sets: [{ resources: [], set_id: 's', new: [{ in: 'set' }] }],
        setOptions: {},
        id: 'c',
        new: [{ in: 'c' }],
      },
    ]);
  });

  it('passes on a constraint of an unknown kind as it is in XML', () => {
    const list = of(
      '<rsc_new id="n" rsc="A"><resource_set id="s"/></rsc_new><rsc_new><deep x="1"/></rsc_new>',
    );
    expect(list).to.have.deep.property('rsc_new', [
      { id: 'n', rsc: 'A', resource_set: [{ id: 's' }] },
      { deep: [{ x: '1' }] },
    ]);
  });
});
