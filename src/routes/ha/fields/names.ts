import { type Rule, rule } from '../../../server/table/field.ts';
import { followers, letters } from './xml-name-characters.ts';

// No tool sets a limit. Real names are far shorter, and a name of this length fits into any path and log line.
const maxName = 255;

// An NCName (Namespaces in XML 1.0): a name in XML without a colon.
const idStart = `A-Z_a-z${letters}`;
const idRest = `${idStart}0-9.\\-${followers}`;

const xmlIdText = `[${idStart}][${idRest}]*`;
const nodeNameText = `[${idStart}0-9][${idRest}:]*`;

/** See `xmlId`. */
export const isXmlId = isNameOf(xmlIdText);

/** See `nodeName`. */
export const isNodeName = isNameOf(nodeNameText);

/**
 * The id of a resource, a constraint or anything else in the CIB: an `xsd:ID`, which is an NCName
 * (Pacemaker's schemas resources-*.rng, constraints-*.rng).
 */
export const xmlId = nameRule(
  xmlIdText,
  'an XML id: a letter or "_" first, then letters, digits, ".", "-" and "_"',
);

/** The id of a primitive, group, clone, bundle or template. */
export const resourceName = xmlId;

/**
 * The name of a node: `name` in corosync.conf(5), which is usually the host name (hostname(7)) or an address. For a
 * remote node, it is the id of its resource.
 */
export const nodeName = nameRule(
  nodeNameText,
  'a node name: a letter, a digit or "_" first, then letters, digits, ".", "-", "_" and ":"',
);

/**
 * The name of a cluster property. The schema allows any text (nvset-*.rng). These are the characters in the names of
 * Pacemaker's options and of those that agents store there.
 */
export const propertyName = nameRule(
  '[A-Za-z0-9_#][A-Za-z0-9_.:#@+\\-]*',
  'a property name: a letter, a digit, "_" or "#" first, then these, ".", ":", "@", "+" and "-"',
);

const agentPart = '[A-Za-z0-9_][A-Za-z0-9_.@+\\\\\\-]*';

/** The source of agents, as the route of the providers lists it: `systemd`, `ocf:heartbeat`. */
export const providerName = nameRule(
  `${agentPart}(?::${agentPart})?`,
  'a provider of agents, such as "systemd" or "ocf:heartbeat"',
);

/**
 * The name of a resource agent or fence agent, such as `ocf:heartbeat:Dummy`, `systemd:getty@tty1` and `external/ipmi`.
 * It consists of the standard, the provider and the agent's own name, which is the name of a file or of a systemd unit
 * (systemd.unit(5)). No part begins with a dot, so none leads out of a folder.
 */
export const agentName = nameRule(
  `${agentPart}(?:[:/]${agentPart})*`,
  'the name of an agent, such as "ocf:heartbeat:Dummy" or "external/ipmi"',
);

/** Each rule excludes what could be read as more than a name: an option, a path out of its folder, another line. */
function nameRule(pattern: string, expected: string): Rule<string> {
  return rule(
    { type: 'string', minLength: 1, maxLength: maxName, description: expected },
    (chain) =>
      chain
        // matches() would accept an array of names as a name.
        .custom(isNameOf(pattern))
        .withMessage(`must be ${expected}; at most ${maxName} characters`),
  );
}

function isNameOf(pattern: string): (value: unknown) => value is string {
  const whole = new RegExp(`^(?:${pattern})$`, 'u');
  return (value): value is string =>
    typeof value === 'string' && value.length <= maxName && whole.test(value);
}
