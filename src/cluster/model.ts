// What the cluster's configuration and state are, for everybody who does not read them from text.

export {
  type AttributeSets,
  type Cib,
  type Constraint,
  type Container,
  containersIn,
  type Definition,
  type FencingLevel,
  type Operation,
  type Primitive,
  primitiveIds,
  primitivesIn,
  type ResourceSet,
} from '../parsers/cib.ts';
export {
  allInstances,
  type ClusterState,
  nodeAttributes,
  nodeNamed,
  type NodeState,
  nodeStates,
  stateAsJson,
} from '../parsers/crm-mon.ts';
export type { JsonObject, JsonValue } from '../parsers/xml-to-json.ts';
