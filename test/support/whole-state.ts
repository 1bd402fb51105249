import { expect } from 'chai';

import { listFencingHistory } from '../../src/routes/ha/documents/fencing-history.ts';
import { locate } from '../../src/routes/ha/documents/location.ts';
import { listNodes, nodeDetails } from '../../src/routes/ha/documents/nodes.ts';
import { stateAsJson } from '../../src/routes/ha/documents/status.ts';
import { parseCrmMon } from '../../src/parsers/crm-mon.ts';
import type { JsonValue } from '../../src/routes/ha/documents/json.ts';
import { child, children, descendants, type XmlElement } from '../../src/parsers/xml.ts';
import { expectValues, factsOf, factsOfJson, idOf, isList } from './witness.ts';
import { xmlOf } from './xml-documents.ts';
import { parseCib } from '../../src/parsers/cib/cib.ts';

// docs/contract.md, "status"
const lists: Readonly<Record<string, readonly string[]>> = {
  nodes: ['node'],
  resources: ['resource', 'group', 'clone', 'bundle'],
  group: ['resource'],
  clone: ['resource', 'group'],
  bundle: ['replica'],
  replica: ['resource'],
  resource: ['node'],
  node: ['attribute', 'resource_history', 'resource', 'group', 'clone', 'bundle'],
  node_attributes: ['node'],
  node_history: ['node'],
  resource_history: ['operation_history'],
  failures: ['failure'],
  fence_history: ['fence_event'],
  tickets: ['ticket'],
  bans: ['ban'],
};

/** Fails unless each answer that is made from this output of crm_mon contains everything it should. */
export function expectWholeState(document: XmlElement): void {
  const state = parseCrmMon(xmlOf(document));
  const json = stateAsJson(state);
  const said = { ...document, children: document.children.filter(({ name }) => name !== 'status') };
  expect(factsOfJson(json)).to.deep.equal(factsOf(said, 'attribute'));
  expectLists(document.name, json);

  const nodes = children(child(document, 'nodes'), 'node');
  const names = nodes.map(({ attributes }) => attributes['name'] ?? '');
  expectValues(listNodes(state), names, 'the list of nodes');
  for (const name of names) {
    const first = nodes.find(({ attributes }) => attributes['name'] === name);
    expectValues(nodeDetails(state, noCib, name), Object.values(first?.attributes ?? {}), name);
  }
  const resources = child(document, 'resources');
  for (const kind of ['resource', 'group', 'clone', 'bundle']) {
    for (const each of resources ? descendants(resources, kind) : []) {
      const { status } = locate(state, noCib, idOf(each).replace(/:\d+$/, ''));
      if (descendants(each, 'node').length > 0) expect(status, idOf(each)).to.equal('running');
    }
  }
  expect(listFencingHistory(state)).to.have.lengthOf(
    children(child(document, 'fence_history'), 'fence_event').length,
  );
}

const noCib = parseCib('<cib/>');

function expectLists(name: string, json: JsonValue): void {
  if (typeof json === 'string') return;
  for (const [key, value] of Object.entries(json)) {
    if (lists[name]?.includes(key)) expect(value, `${name}.${key}`).to.be.an('array');
    for (const each of isList(value) ? value : [value]) expectLists(key, each);
  }
}
