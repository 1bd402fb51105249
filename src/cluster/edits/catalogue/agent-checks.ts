import type { Pairs } from '../../../parsers/cib/attribute-sets.ts';
import type { AgentParameter } from '../../../parsers/metadata.ts';
import { childToEdit, type EditableXml, walk } from '../../../parsers/xml-edit.ts';
import { type Agent, type AgentName, fullNameOf } from '../../agents/agent-metadata.ts';
import { agentNameOf } from '../engine/cib-elements.ts';
import { pairsInEffect } from '../engine/cib-pairs.ts';

// Checks parameters of a new or changed resource as strictly as pcs (validate_resource_instance_attributes_create and
// _update in pcs/lib/cib/resource/primitive.py): what pcs does only with --force is refused, and its warnings are given.
// Values are for the agent to judge. No message has a value, because it may be a secret.

/** A resource whose parameters are checked. */
export interface CheckedResource {
  id: string;
  agent: Agent;
  configuration: EditableXml;
  warn: (text: string) => void;
}

/** @returns what is wrong with the parameters of a new resource, a sentence each */
export function problemsOfNewParams(resource: CheckedResource, params: Pairs): string[] {
  const { agent } = resource;
  warnOfDeprecated(resource, params);
  const required = agent.parameters.filter((each) => isWanted(each));
  return [
    ...Object.keys(params)
      .filter((name) => params[name] === '')
      .map((name) => `The parameter ${name} must not be empty.`),
    ...problemsOfUnknown(agent, Object.keys(params)),
    ...problemsOfMissing(agent, required, params),
    ...problemsOfAction(agent, params),
    ...problemsOfUnique(resource, params, agent.parameters),
  ];
}

/**
 * @param changed the changes; an empty value removes a parameter
 * @param former the present parameters
 * @param inherited the parameters from a template or by reference, which count if there is no own one
 * @returns what is wrong with the changed parameters; others are not checked
 */
export function problemsOfChangedParams(
  resource: CheckedResource,
  changed: Pairs,
  former: Pairs,
  inherited: Pairs,
): string[] {
  const { agent } = resource;
  const touched = (parameter: AgentParameter) =>
    [parameter.name, ...replacedByIt(agent, parameter)].some((name) => name in changed);
  const final = { ...inherited, ...withoutEmpty({ ...former, ...changed }) };
  warnOfDeprecated(resource, withoutEmpty(changed));
  return [
    ...problemsOfUnknown(
      agent,
      Object.keys(changed).filter((name) => !(name in former || name in inherited)),
    ),
    ...problemsOfMissing(
      agent,
      agent.parameters.filter((each) => isWanted(each) && touched(each)),
      final,
    ),
    ...problemsOfAction(agent, changed),
    ...problemsOfUnique(
      resource,
      final,
      agent.parameters.filter(({ name }) => name in changed),
    ),
  ];
}

/** A deprecated parameter is never required; its replacement may be. */
function isWanted({ required, deprecated }: AgentParameter): boolean {
  return required && !deprecated;
}

function problemsOfUnknown({ parameters, ...agent }: Agent, names: readonly string[]): string[] {
  const known = new Set(parameters.map(({ name }) => name));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length === 0) return [];
  return [
    `${agent.type} takes no parameter ${unknown.sort().join(', ')}. It takes ${[...known].sort().join(', ')}.`,
  ];
}

function problemsOfMissing(
  agent: Agent,
  wanted: readonly AgentParameter[],
  params: Pairs,
): string[] {
  const missing = wanted.filter(
    (parameter) =>
      ![parameter.name, ...replacedByIt(agent, parameter)].some((name) => name in params),
  );
  if (missing.length === 0) return [];
  const names = missing.map(({ name }) => name).sort();
  return [`${agent.type} needs the parameter ${names.join(', ')}.`];
}

/** The newer names of a parameter, which replace it directly or one after another. */
function replacedByIt({ parameters }: Agent, { name }: AgentParameter): string[] {
  const former = new Set<string>([name]);
  // The set grows during the loop.
  for (const current of former) {
    for (const each of parameters) if (each.replacedBy.includes(current)) former.add(each.name);
  }
  return [...former].slice(1);
}

function warnOfDeprecated({ agent, warn }: CheckedResource, params: Pairs): void {
  for (const { name, deprecated, replacedBy } of agent.parameters) {
    if (!deprecated || !(name in params)) continue;
    const instead = replacedBy.length > 0 ? `; use ${replacedBy.join(' or ')}` : '';
    warn(`The parameter ${name} of ${agent.type} is deprecated${instead}.`);
  }
}

/** Pacemaker chooses the action of a device at each call. */
function problemsOfAction({ class: standard }: Agent, { action = '' }: Pairs): string[] {
  if (standard !== 'stonith' || action === '') return [];
  return [
    'A fence device has no action of its own: use pcmk_off_action and pcmk_reboot_action instead of action.',
  ];
}

/** @param parameters the parameters to check */
function problemsOfUnique(
  { id, agent, configuration }: CheckedResource,
  params: Pairs,
  parameters: readonly AgentParameter[],
): string[] {
  const groups = new Set(
    parameters.flatMap(({ uniqueGroup }) => (uniqueGroup === undefined ? [] : [uniqueGroup])),
  );
  if (groups.size === 0) return [];
  const others = [...walk(childToEdit(configuration, 'resources'))]
    .map(({ element }) => element)
    .filter(({ name, attributes }) => name === 'primitive' && attributes['id'] !== id)
    .filter((element) => isOf(agent, agentNameOf(configuration, element)))
    .map((element) => ({
      name: element.attributes['id'] ?? '',
      params: pairsInEffect(configuration, element, 'instance_attributes'),
    }));
  return [...groups].flatMap((group) => {
    const names = agent.parameters
      .filter(({ uniqueGroup }) => uniqueGroup === group)
      .map(({ name }) => name);
    if (!names.some((name) => params[name])) return [];
    const same = others.filter((other) =>
      names.every((name) => (other.params[name] ?? '') === (params[name] ?? '')),
    );
    if (same.length === 0) return [];
    return [
      `${same.map(({ name }) => name).join(', ')} has the same ${names.join(', ')}, which has to differ between resources of ${agent.type}.`,
    ];
  });
}

function isOf(agent: Agent, name: AgentName): boolean {
  return fullNameOf(agent) === fullNameOf(name);
}

function withoutEmpty(pairs: Pairs): Pairs {
  return Object.fromEntries(Object.entries(pairs).filter(([, value]) => value !== ''));
}
