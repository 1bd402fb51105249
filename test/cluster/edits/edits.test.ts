import { expect } from 'chai';
import fc from 'fast-check';

import { makeAgentMetadataReader } from '../../../src/cluster/agents/agent-metadata.ts';
import { makeFenceAgents, makeResourceAgents } from '../../../src/cluster/agents/agents.ts';
import type { ClusterChange } from '../../../src/cluster/edits/cluster-change.ts';
import { banResource, clearResource } from '../../../src/cluster/edits/catalogue/bans.ts';
import { nodeChanges } from '../../../src/cluster/edits/catalogue/nodes.ts';
import { cloneResource, uncloneResource } from '../../../src/cluster/edits/catalogue/clones.ts';
import { addToGroup, removeFromGroup } from '../../../src/cluster/edits/catalogue/groups.ts';
import {
  createResource,
  deleteResource,
  updateResource,
} from '../../../src/cluster/edits/catalogue/resources.ts';
import {
  addToLevel,
  removeFromLevel,
  updateFenceDevice,
} from '../../../src/cluster/edits/catalogue/stonith.ts';
import { makePropertyChanges } from '../../../src/cluster/edits/catalogue/properties.ts';
import { Fault } from '../../../src/kit/fault.ts';
import { type Cib, parseCib } from '../../../src/parsers/cib/cib.ts';
import { primitivesIn } from '../../../src/parsers/cib/resources.ts';
import { withoutStatus } from '../../../src/parsers/cib/text.ts';
import { parseEditableXml, writeXml } from '../../../src/parsers/xml-edit.ts';
import { descendants, parseXml, type XmlElement } from '../../../src/parsers/xml.ts';
import { isXmlId } from '../../../src/routes/ha/fields/names.ts';
import { noPaths } from '../../support/app-bench.ts';
import { cibChanges } from '../../support/cib-changes.ts';
import { everythingCib, remoteNodesCib, storageCib } from '../../support/changes-bench.ts';
import { fakeCluster } from '../../support/fake-cluster.ts';
import { strictRun } from '../../support/strict-run.ts';
import { freeId, idsIn } from '../../../src/cluster/edits/engine/cib-ids.ts';
import {
  manageResource,
  startResource,
  stopResource,
  unmanageResource,
} from '../../../src/cluster/edits/catalogue/resource-states.ts';
import {
  addOrder,
  addOrderGroup,
} from '../../../src/cluster/edits/catalogue/constraints/orders.ts';
import {
  addColocation,
  addColocationGroup,
} from '../../../src/cluster/edits/catalogue/constraints/colocations.ts';
import { addLocation } from '../../../src/cluster/edits/catalogue/constraints/locations.ts';
import { addTicket } from '../../../src/cluster/edits/catalogue/constraints/tickets.ts';
import { deleteConstraint } from '../../../src/cluster/edits/catalogue/constraints/delete.ts';

/** An edit, and the sections of the configuration that it may touch. */
interface Edit {
  what: string;
  sections: readonly string[];
  change: ClusterChange<unknown>;
}

const propertyChanges = makePropertyChanges(() =>
  Promise.resolve(
    new Map(
      ['batch-limit', 'stonith-enabled', 'cluster-delay'].map((name) => [
        name,
        { name, default: '', type: 'string', values: undefined },
      ]),
    ),
  ),
);

/** Any edit of the catalogue, usually of existing elements. */
function anyEdit(cib: Cib): fc.Arbitrary<Edit> {
  const primitives = primitivesIn(cib.resources).map(({ primitive }) => primitive);
  const resource = fc.constantFrom(
    ...primitives.map(({ id }) => id),
    'Web-clone',
    'Files',
    'Container',
    'nothing',
  );
  const device = fc.constantFrom(
    ...primitives.filter((each) => each.class === 'stonith').map(({ id }) => id),
  );
  const node = fc.constantFrom(...cib.nodes.map(({ name }) => name), 'remote1', 'guest1');
  const name = fc.option(
    fc.constantFrom('a', 'Größe', '_1', 'order-ZFS-SMB-Mandatory', 'a-rule', 'ZFS'),
    { nil: undefined },
  );
  const id = fc.constantFrom(
    ...descendants(parseXml(everythingCib), 'rsc_order').map(
      ({ attributes }) => attributes['id'] ?? '',
    ),
    'startingSMB',
  );
  const value = fc.string({
    unit: fc.constantFrom('<', '"', '&', "'", ' ', 'é', 'a', '1'),
    minLength: 1,
    maxLength: 6,
  });
  const sets = fc.array(
    fc.record({ resources: fc.uniqueArray(resource, { minLength: 1, maxLength: 3 }) }),
    { minLength: 1, maxLength: 2 },
  );
  const edit = <T>(
    what: string,
    sections: readonly string[],
    from: fc.Arbitrary<T>,
    change: (fields: T) => ClusterChange<unknown>,
  ) =>
    from.map((fields): Edit => ({
      what: `${what} ${JSON.stringify(fields)}`,
      sections,
      change: change(fields),
    }));
  return fc.oneof(
    edit('order', ['constraints'], fc.record({ name, first: resource, then: resource }), (fields) =>
      addOrder({
        name: fields.name,
        first: { resource: fields.first },
        then: { resource: fields.then },
      }),
    ),
    edit('order_group', ['constraints'], fc.record({ name, sets }), addOrderGroup),
    edit(
      'colocation',
      ['constraints'],
      fc.record({ name, first: resource, then: resource }),
      addColocation,
    ),
    edit('colocation_group', ['constraints'], fc.record({ name, sets }), addColocationGroup),
    edit(
      'location',
      ['constraints'],
      fc.record({ name, resource, locations: fc.uniqueArray(node, { minLength: 1 }) }),
      addLocation,
    ),
    edit('rule', ['constraints'], fc.record({ name, resource, value }), (fields) =>
      addLocation({
        ...fields,
        locations: [],
        rule: { expression: [{ attribute: fields.value }, { value: 'x' }], rule: [{ id: 'ZFS' }] },
      }),
    ),
    edit(
      'ticket',
      ['constraints'],
      fc.record({ name, resource, ticket: fc.constantFrom('T', 'a:b', '1') }),
      addTicket,
    ),
    edit('delete constraint', ['constraints'], id, deleteConstraint),
    edit('stop', ['resources'], resource, stopResource),
    edit('start', ['resources'], resource, startResource),
    edit(
      'create',
      ['resources'],
      fc.record({
        name: fc.constantFrom('a', 'Größe', 'ZFS', 'SMB-meta_attributes'),
        params: fc.dictionary(fc.constantFrom('state', 'fake'), value),
        meta: fc.dictionary(fc.constantFrom('priority', 'x:y', '#z'), value),
        clone: fc.constantFrom(undefined, {}, { interleave: 'true' }),
      }),
      (fields) => createResource(agents, { ...fields, agent: 'ocf:pacemaker:Dummy', operations }),
    ),
    edit(
      'update',
      ['resources'],
      fc.record({
        name: resource,
        params: fc.dictionary(fc.constantFrom('state', 'fake'), fc.oneof(value, fc.constant(''))),
        meta: fc.dictionary(fc.constantFrom('a', 'x:y'), fc.oneof(value, fc.constant(''))),
      }),
      ({ name: of, ...fields }) => updateResource(agents, of, { ...fields, operations }),
    ),
    edit(
      'delete',
      ['resources', 'constraints', 'fencing-topology', 'tags', 'acls'],
      resource,
      (of) => deleteResource(of, 'resource'),
    ),
    edit('manage', ['resources'], resource, manageResource),
    edit('unmanage', ['resources'], resource, unmanageResource),
    edit('clone', ['resources', 'constraints'], fc.tuple(resource, name), ([of, id]) =>
      cloneResource(agents, of, id, { 'clone-max': '2' }),
    ),
    edit(
      'unclone',
      ['resources', 'constraints', 'fencing-topology', 'tags', 'acls'],
      resource,
      uncloneResource,
    ),
    edit(
      'group',
      ['resources'],
      fc.record({
        group: fc.constantFrom('Files', 'a', 'ZFS'),
        resources: fc.uniqueArray(resource, { minLength: 1, maxLength: 3 }),
        order: fc.constantFrom(undefined, { position: 'after' as const, resource: 'Mount' }),
      }),
      addToGroup,
    ),
    edit(
      'ungroup',
      ['resources', 'constraints', 'fencing-topology', 'tags', 'acls'],
      fc.uniqueArray(fc.constantFrom('Mount', 'Export', 'ZFS'), { maxLength: 2 }),
      (members) => removeFromGroup('Files', members),
    ),
    edit('ban', ['constraints'], fc.tuple(resource, node), ([of, on]) => banResource(of, on)),
    edit(
      'clear',
      ['constraints'],
      fc.tuple(resource, fc.option(node, { nil: undefined })),
      ([of, on]) => clearResource(of, on),
    ),
    edit('standby', ['nodes'], node, nodeChanges.standby),
    edit('online', ['nodes'], node, nodeChanges.online),
    edit('maintenance', ['nodes'], node, nodeChanges.maintenance),
    edit(
      'level',
      ['fencing-topology'],
      fc.record({ level: fc.integer({ min: 1, max: 9 }), node, device }),
      addToLevel,
    ),
    edit(
      'no level',
      ['fencing-topology'],
      fc.record({ level: fc.integer({ min: 1, max: 2 }), node, device }),
      removeFromLevel,
    ),
    edit(
      'meta',
      ['resources'],
      fc.tuple(
        device,
        fc.constantFrom('a', 'x:y', '#z', 'provides'),
        fc.oneof(value, fc.constant('')),
      ),
      ([of, key, text]) => updateFenceDevice(agents, of, {}, { [key]: text }),
    ),
    edit(
      'property',
      ['crm_config'],
      fc.tuple(fc.constantFrom('batch-limit', 'stonith-enabled'), value),
      ([of, text]) => propertyChanges.set(of, text),
    ),
    edit(
      'no property',
      ['crm_config'],
      fc.constantFrom('batch-limit', 'cluster-recheck-interval'),
      propertyChanges.delete,
    ),
    edit('no properties', ['crm_config'], fc.constant(''), propertyChanges.deleteAll),
  );
}

/** Recorded agents. Edits need nothing else from the node. */
const { run } = fakeCluster(storageCib);
const host = { run, paths: noPaths, readDeadlineMs: 1, changeDeadlineMs: 1 };
const agents = makeAgentMetadataReader(host, makeResourceAgents(host), makeFenceAgents(host));

const operations = [{ name: 'monitor', options: { interval: '7s' } }];

const tools = {
  host: { ...host, run: strictRun().run },
  warn: () => undefined,
};

async function edited(xml: string, { change }: Edit): Promise<string> {
  try {
    const cib = parseEditableXml(xml);
    await change.edit?.(cib, tools);
    return writeXml(cib);
  } catch (error) {
    if (error instanceof Fault) return xml;
    throw error;
  }
}

describe('edits of the catalogue in sequence', () => {
  for (const [what, cib, numRuns] of [
    ['the storage topology', storageCib, 30],
    ['one with remote nodes', remoteNodesCib, 30],
    ['everything that a CIB can contain', everythingCib, 30],
  ] as const) {
    it(`keep ids unique and well-formed, and touch no other section of ${what}`, async () => {
      const start = withoutStatus(cib);
      const edits = fc.array(anyEdit(parseCib(start)), { minLength: 1, maxLength: 4 });
      const property = fc.asyncProperty(edits, async (all) => {
        let before = { xml: start, root: parseXml(start) };
        for (const edit of all) {
          const xml = await edited(before.xml, edit);
          if (xml === before.xml) continue;
          const after = { xml, root: parseXml(xml) };
          const [ids, former] = [idsOf(after.root), new Set(idsOf(before.root))];
          expect(ids, edit.what).to.have.lengthOf(new Set(ids).size);
          const malformed = ids.filter((id) => !former.has(id) && !isXmlId(id));
          expect(malformed, edit.what).to.deep.equal([]);
          expect(withoutSections(after.root, edit.sections), edit.what).to.deep.equal(
            withoutSections(before.root, edit.sections),
          );
          before = after;
        }
      });
      await fc.assert(property, { numRuns });
    }).timeout(60_000);
  }

  it('change nothing when they are repeated', async () => {
    const again = fc.asyncProperty(anyEdit(parseCib(storageCib)), async (edit) => {
      const once = await edited(withoutStatus(storageCib), edit);
      expect(cibChanges(once, await edited(once, edit)), edit.what).to.deep.equal([]);
    });
    await fc.assert(again, { numRuns: 40 });
  }).timeout(60_000);

  it("leave the CIB's version and schema to Pacemaker", async () => {
    await fc.assert(
      fc.asyncProperty(anyEdit(parseCib(storageCib)), async (edit) => {
        const root = parseXml(await edited(storageCib, edit));
        expect(root.attributes).to.deep.equal(parseXml(storageCib).attributes);
      }),
      { numRuns: 20 },
    );
  }).timeout(60_000);
});

describe('freeId', () => {
  it('returns a free NCName, and marks it as taken', () => {
    const taken = fc.array(fc.constantFrom<string>('a', 'a-1', '_1', 'order-A-B'));
    const ascii = fc.string({
      unit: fc.constantFrom(...'aA1_.:-# @+;/<"'.split('')),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        taken,
        fc.oneof(ascii, fc.constantFrom('a', 'Größe·1', '1', '-', '.')),
        (before, wanted) => {
          const ids = new Set<string>(before);
          const id = freeId(ids, wanted);
          expect(isXmlId(id), id).to.equal(true);
          expect(before).not.to.include(id);
          expect(ids.has(id)).to.equal(true);
          if (isXmlId(wanted) && !before.includes(wanted)) expect(id).to.equal(wanted);
        },
      ),
    );
  });

  it('finds every id, and does not count references', () => {
    const root = parseXml(
      '<configuration><a id="1"><resource_ref id="2"/><obj_ref id="3"/><role id="4"/><node id="6"/><b id-ref="5"/></a></configuration>',
    );
    expect([...idsIn(root as Parameters<typeof idsIn>[0])]).to.deep.equal(['1']);
  });
});

/** The ids of elements that have one in the schema. The id of a node is its number or name. */
function idsOf(root: XmlElement): string[] {
  const configuration = root.children.find(({ name }) => name === 'configuration');
  const references = ['resource_ref', 'obj_ref', 'role', 'node'];
  const of = ({ name, attributes: { id }, children }: XmlElement): string[] => [
    ...(id === undefined || references.includes(name) ? [] : [id]),
    ...children.flatMap(of),
  ];
  return configuration ? of(configuration) : [];
}

/** Everything except these sections of the configuration and white space. */
function withoutSections(root: XmlElement, names: readonly string[]): unknown {
  const said = ({ name, attributes, children }: XmlElement, depth: number): unknown => [
    name,
    attributes,
    children
      .filter((each) => depth !== 1 || !names.includes(each.name))
      .map((each) => said(each, depth + 1)),
  ];
  return said(root, 0);
}
