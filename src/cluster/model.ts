// The cluster's configuration and state as values, for code that reads no text.

export type { AttributeSets, Pairs } from '../parsers/cib/attribute-sets.ts';
export type {
  Cib,
  Constraint,
  Container,
  Definition,
  FencingLevel,
  Operation,
  Primitive,
  ResourceSet,
} from '../parsers/cib/cib.ts';
export { containersIn, primitiveIds, primitivesIn } from '../parsers/cib/resources.ts';
export {
  allInstances,
  type ClusterState,
  instancesOf,
  nodeAttributes,
  nodeNamed,
  type NodeState,
  nodeStates,
  stateAsJson,
} from '../parsers/crm-mon.ts';
export {
  corosyncConfAsJson,
  corosyncConfOfJson,
  type CorosyncSection,
} from '../parsers/corosync/conf.ts';
export type { JsonObject, JsonValue } from '../parsers/xml-to-json.ts';
