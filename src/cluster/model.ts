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
} from '../parsers/crm-mon.ts';
export type { CorosyncLinks } from '../parsers/corosync/cfgtool.ts';
export {
  type CorosyncSection,
  isSection,
  maxCorosyncPathLength,
} from '../parsers/corosync/conf.ts';
export type { Quorum } from '../parsers/corosync/quorumtool.ts';
export type { XmlContent } from '../parsers/xml-content.ts';
export type { XmlElement } from '../parsers/xml.ts';
