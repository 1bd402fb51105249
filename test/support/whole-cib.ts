import { expect } from 'chai';

import { listConstraints } from '../../src/routes/ha/documents/constraints.ts';
import { nodeDetails } from '../../src/routes/ha/documents/nodes.ts';
import { listProperties } from '../../src/routes/ha/documents/properties.ts';
import { detailsOf, listGroups, listResources } from '../../src/routes/ha/documents/resources.ts';
import { listFencing, listLevels } from '../../src/routes/ha/documents/fencing.ts';
import { Fault } from '../../src/kit/fault.ts';
import { type Cib, parseCib } from '../../src/parsers/cib/cib.ts';
import { withoutStatus } from '../../src/parsers/cib/text.ts';
import { parseCrmMon } from '../../src/parsers/crm-mon.ts';
import type { JsonObject } from '../../src/routes/ha/documents/json.ts';
import { child, children, descendants, type XmlElement } from '../../src/parsers/xml.ts';
import { expectValues, factsOf, factsOfJson, idOf, valuesOf, valuesWithout } from './witness.ts';
import { xmlOf } from './xml-documents.ts';

const setNames = ['instance_attributes', 'meta_attributes', 'utilization'];
const containerNames = ['group', 'clone', 'master', 'bundle'];
const batchLimit = { name: 'batch-limit', default: '0', type: 'integer', values: undefined };
const defaults = new Map([[batchLimit.name, batchLimit]]);

/** Fails unless each answer that is made from this CIB contains everything it should. */
export function expectWholeCib(document: XmlElement, xml = xmlOf(document)): void {
  const cib = parseCib(withoutStatus(xml));
  expect(JSON.stringify(cib), 'without status').to.equal(JSON.stringify(parseCib(xml)));

  const configuration = child(document, 'configuration');
  const sectionOf = (name: string) => child(configuration, name);
  expect(factsOfJson(cib.configuration)).to.deep.equal(
    configuration ? factsOf(configuration, 'itself') : [],
  );
  expectProperties(document, children(sectionOf('crm_config'), 'cluster_property_set'), cib);
  expectNodes(children(sectionOf('nodes'), 'node'), cib);
  expectResources(sectionOf('resources'), cib);
  expectConstraints(sectionOf('constraints')?.children ?? [], cib);
  expectLevels(children(sectionOf('fencing-topology'), 'fencing-level'), cib);
}

function expectProperties(document: XmlElement, sets: readonly XmlElement[], cib: Cib): void {
  const target = (each: XmlElement) =>
    descendants(document, each.name).find(({ attributes: { id } }) => id === referenceOf(each)) ??
    each;
  const names = sets
    .map(target)
    .filter((set) => !child(set, 'rule'))
    .flatMap((set) => children(set, 'nvpair'))
    .flatMap((pair) => {
      const { name: named, value } = target(pair).attributes;
      // A pair that refers to another one may have its own name.
      const name = pair.attributes['name'] ?? named;
      return name !== undefined && value !== undefined ? [name] : [];
    });
  expect(listProperties(cib, defaults)).to.have.all.keys(...defaults.keys(), ...names);
}

/** The id to which an element refers, or its own. */
function referenceOf({ attributes: { id, 'id-ref': reference } }: XmlElement): string | undefined {
  return reference ?? id;
}

function expectNodes(nodes: readonly XmlElement[], cib: Cib): void {
  for (const each of nodes) {
    const { id = '', uname = '', type = '' } = each.attributes;
    // If two nodes have the same name, the first one counts.
    if (nodes.find(({ attributes }) => attributes['uname'] === uname) !== each) continue;
    const state = parseCrmMon(xmlOf(crmMonOf({ id, name: uname, type })));
    const values = [...valuesOf(each, setNames), ...valuesOfSets(each)];
    expectValues(nodeDetails(state, cib, uname), values, uname);
  }
}

/** A possible output of crm_mon about one node. */
function crmMonOf(attributes: XmlElement['attributes']): XmlElement {
  const node = { name: 'node', attributes, children: [], text: undefined };
  const nodes = { name: 'nodes', attributes: {}, children: [node], text: undefined };
  return { name: 'crm_mon', attributes: {}, children: [nodes], text: undefined };
}

function expectResources(resources: XmlElement | undefined, cib: Cib): void {
  const inside = (name: string) => (resources ? descendants(resources, name) : []);
  const primitives = inside('primitive');
  const listed = [...listResources(cib), ...listFencing(cib).resources];
  expect(listed.map(({ name }) => name)).to.have.members(primitives.map(idOf));
  const groups = listGroups(cib).map(({ groupName }) => groupName);
  expect(groups).to.have.members(inside('group').map(idOf));
  expect(() => detailsOf(cib, 'no such resource')).to.throw(Fault);

  for (const each of [...primitives, ...inside('template')]) {
    const ofOperations = children(each, 'operations').flatMap((operations) => [
      ...valuesWithout(operations, 'id'),
      ...operations.children.flatMap((op) => [...valuesOf(op, setNames), ...valuesOfSets(op)]),
    ]);
    const own = [...valuesOf(each, [...setNames, 'operations']), ...valuesOfSets(each)];
    expectValues(detailsOf(cib, idOf(each)), [...own, ...ofOperations], idOf(each));
  }
  for (const each of containerNames.flatMap(inside)) {
    const details = detailsOf(cib, idOf(each));
    expect(details['resources']).to.deep.equal(descendants(each, 'primitive').map(idOf));
    const own = valuesOf(each, [...setNames, ...containerNames, 'primitive']);
    expectValues(details, [...own, ...valuesOfSets(each)], idOf(each));
  }
}

/**
 * The values of an element's attribute sets that an answer must contain. The ids of sets and pairs may be missing. The
 * value of a pair may be missing too, because that of a stronger set may count.
 */
function valuesOfSets(element: XmlElement): string[] {
  return setNames
    .flatMap((name) => children(element, name))
    .flatMap((set) => [
      ...valuesWithout(set, 'id'),
      ...set.children.flatMap((each) =>
        each.name === 'nvpair'
          ? [
              ...valuesWithout(each, 'id', 'value'),
              ...each.children.flatMap((more) => valuesOf(more)),
            ]
          : valuesOf(each),
      ),
    ]);
}

function expectConstraints(constraints: readonly XmlElement[], cib: Cib): void {
  const byKey: Readonly<Record<string, readonly JsonObject[]>> = { ...listConstraints(cib) };
  const entries = Object.values(byKey).flat();
  expect(entries).to.have.lengthOf(constraints.length);
  for (const each of constraints) {
    const entry = entries.find(({ id }) => id === each.attributes['id']);
    expectValues(entry, valuesOf(each), `${each.name} ${idOf(each)}`);
  }
}

function expectLevels(levels: readonly XmlElement[], cib: Cib): void {
  const listed = listLevels(cib);
  expect(listed.map(({ id }) => id)).to.deep.equal(levels.map(idOf));
  const byTarget = listFencing(cib).targets.flatMap((target) => target['levels']);
  expect(byTarget).to.have.lengthOf(levels.length);
  for (const [index, level] of levels.entries()) {
    const { devices = '', ...attributes } = level.attributes;
    const values = [...Object.values(attributes), ...devices.split(',')];
    expectValues(listed[index], values, `level ${idOf(level)}`);
  }
}
