"""Reads a CIB as the contract says that it is answered.

    read-cib.py [--state CRM_MON_XML] [--options METADATA_XML]... < CIB_XML

Prints one JSON object: each route that reads the CIB, and the answer expected of it, without `raw`. What
is going on needs crm_mon's word, and the properties' defaults the metadata of Pacemaker's daemons; without
these such routes are left out.

Written apart from the agent, from the contract alone, in another language and over another XML parser, so
that the tests hold the agent's answers against a second reading.
"""
import argparse
import json
import re
import sys
import xml.etree.ElementTree

SETS = {'instance_attributes': 'params', 'meta_attributes': 'meta', 'utilization': 'utilization'}
WHOLE = {'utilization': 'utilization_sets'}
CONTAINERS = ('group', 'clone', 'master', 'bundle')
SECRET = re.compile(r'passw(or)?d|passphrase|secret|token|(^|[_-])(api)?key$|(^|[_-])pass$|^community$|^hexadecimal_kg$', re.IGNORECASE)


def as_is(element):
    """As XML has it: attributes as strings, children always as arrays."""
    result = dict(element.attrib)
    for child in element:
        result.setdefault(child.tag, []).append(as_is(child))
    return result


def others(element, *known):
    """The attributes that have no name of their own in the contract."""
    return {name: value for name, value in element.attrib.items() if name not in known}


def other_children(element, *known):
    return {tag: found for tag, found in as_is(element).items()
            if isinstance(found, list) and tag not in known}


def mask(cib):
    for pair in cib.iter('nvpair'):
        if SECRET.search(pair.get('name', '')) and 'value' in pair.attrib:
            pair.set('value', '********')


# References

TARGETS = {}


def follow(element):
    """What an element refers to by `id-ref`, if it is there; a pair may give it another name."""
    target = TARGETS.get((element.tag, element.get('id-ref')))
    if target is None:
        return element
    if element.tag == 'nvpair' and 'name' in element.attrib:
        return xml.etree.ElementTree.Element('nvpair', {**target.attrib, 'name': element.get('name')})
    return target


# Attribute sets

def score_of(nvset):
    score = nvset.get('score', '0')
    infinity = {'INFINITY': 1000000, '+INFINITY': 1000000, '-INFINITY': -1000000}
    return infinity[score] if score in infinity else max(-1000000, min(1000000, int(score)))


def is_plain(nvset):
    """Whether it has no more than an id and pairs of a name and a value."""
    return set(nvset.attrib) <= {'id'} and all(
        child.tag == 'nvpair' and set(child.attrib) == {'id', 'name', 'value'} for child in nvset)


def merged(nvsets, before_all=None):
    """What counts: of the higher score, of equals the last set; in a set, the pair that stands first."""
    by_weight = sorted(reversed(nvsets), key=lambda nvset: score_of(follow(nvset)), reverse=True)
    by_weight.sort(key=lambda nvset: before_all is None or nvset.get('id') != before_all)
    result = {}
    for nvset in map(follow, by_weight):
        if nvset.find('rule') is None:
            for pair in map(follow, nvset.findall('nvpair')):
                if 'name' in pair.attrib and 'value' in pair.attrib:
                    result.setdefault(pair.get('name'), pair.get('value'))
    return result


def attribute_sets(element):
    result = {}
    for tag, name in SETS.items():
        nvsets = element.findall(tag)
        result[name] = merged(nvsets)
        result[WHOLE.get(tag, tag)] = [as_is(nvset) for nvset in nvsets if not is_plain(nvset)]
    return {name: value for name, value in result.items() if value}


# Resources

def operations(element):
    ops = {}
    for op in (op for each in element.findall('operations') for op in follow(each).findall('op')):
        entry = {'name': op.get('id'), **others(op, 'id', 'name'), **attribute_sets(op),
                 **other_children(op, *SETS)}
        if op.get('name') in ops:
            ops[op.get('id')] = {**entry, 'operation': op.get('name')}
        else:
            ops[op.get('name')] = entry
    references = [as_is(each) for each in element.findall('operations') if 'id-ref' in each.attrib]
    return {**({'op': ops} if ops else {}), **({'operations': references} if references else {})}


def containers_of(element, parents):
    """The group, the clone and the bundle that it is in, however deep."""
    result = {}
    while (element := parents[element]).tag in CONTAINERS:
        result['clone' if element.tag == 'master' else element.tag] = element.get('id')
    return result


def primitive(element, cib, parents):
    template = cib.find(f"configuration/resources/template[@id='{element.get('template')}']")
    inherited = {} if template is None else {
        name: template.get(name) for name in ('class', 'provider', 'type') if name in template.attrib}
    return {'name': element.get('id'), **inherited, **others(element, 'id'),
            **containers_of(element, parents), **attribute_sets(element), **operations(element),
            **other_children(element, *SETS, 'operations')}


def container(element, parents):
    inside = [each.get('id') for each in element.iter('primitive')]
    return {'name': element.get('id'), 'kind': element.tag,
            **({} if element.tag == 'template' else {'resources': inside}),
            **others(element, 'id'), **containers_of(element, parents), **attribute_sets(element),
            **operations(element),
            **other_children(element, *SETS, 'operations', 'primitive', 'group')}


def group(element, parents):
    result = container(element, parents)
    del result['kind']
    return {'groupName': result.pop('name'), **result}


def resource_routes(cib, parents):
    section = cib.find('configuration/resources')
    primitives = [primitive(each, cib, parents) for each in section.iter('primitive')]
    details = {each['name']: each for each in primitives}
    for tag in (*CONTAINERS, 'template'):
        for each in section.iter(tag):
            details[each.get('id')] = container(each, parents)
    return {
        'resource': [each for each in primitives if each.get('class') != 'stonith'],
        'resource/group': [group(each, parents) for each in section.iter('group')],
        **{f'resource/{name}/details': [entry] for name, entry in details.items()},
    }


# Fencing

def stonith_routes(cib, parents):
    targets, levels = [], []
    for each in cib.findall('configuration/fencing-topology/fencing-level'):
        names = {'target-pattern': 'target_pattern', 'target-attribute': 'target_attribute',
                 'target-value': 'target_value'}
        target = {new: each.get(old) for old, new in {'target': 'target', **names}.items()
                  if old in each.attrib}
        level = {'level': each.get('index'), 'devices': each.get('devices').split(','),
                 **others(each, 'index', 'devices', 'target', *names)}
        same = next((known for known in targets if known.items() >= target.items()), None)
        if same is None:
            targets.append({**target, 'levels': [level]})
        else:
            same['levels'].append(level)
        flat = {'node_name' if name == 'target' else name: value for name, value in target.items()}
        levels.append({**level, **flat})
    devices = [primitive(each, cib, parents) for each in cib.iter('primitive')]
    return {
        'stonith': {'resources': [each for each in devices if each.get('class') == 'stonith'],
                    'targets': targets},
        'stonith/level': levels,
    }


# Constraints

def resource_set(element):
    options = others(element, 'id')
    return {'resources': [each.get('id') for each in element.findall('resource_ref')],
            **({'set_id': element.get('id')} if 'id' in element.attrib else {}),
            **({'options': options} if options else {})}


def sets_of(element):
    sets = [resource_set(each) for each in element.findall('resource_set')]
    return {**sets[0], 'resources': [name for each in sets for name in each['resources']],
            **({'sets': sets} if len(sets) > 1 else {})}


def with_sets(element):
    return {**sets_of(element), 'setOptions': others(element, 'id'), 'id': element.get('id'),
            **other_children(element, 'resource_set')}


def location(element):
    result = {'id': element.get('id'), **others(element, 'id', 'rsc', 'node'),
              **other_children(element, 'resource_set')}
    for name, key in (('rsc', 'resource'), ('node', 'on')):
        if name in element.attrib:
            result[key] = element.get(name)
    sets = [resource_set(each) for each in element.findall('resource_set')]
    if sets:
        result['sets'] = sets
    if element.find('rule') is None:
        result['status'] = 'disabled' if score_of(element) < 0 else 'enabled'
    return result


def ordering(element):
    first = element.get('first-action', 'start')
    kind = 'Optional' if element.get('score') == '0' else 'Mandatory'
    return {'order': {'first': {'operation': first, 'resource': element.get('first')},
                      'then': {'operation': element.get('then-action', first),
                               'resource': element.get('then')}},
            'kind': element.get('kind', kind), 'id': element.get('id'),
            **others(element, 'first', 'first-action', 'then', 'then-action', 'kind', 'id'),
            **other_children(element)}


def colocation(element):
    return {'first': element.get('rsc'), 'then': element.get('with-rsc'),
            **others(element, 'rsc', 'with-rsc'), **other_children(element)}


def ticket(element):
    sets = element.find('resource_set') is not None
    return {**(sets_of(element) if sets else {'resource': element.get('rsc')}),
            **others(element, 'rsc'), **other_children(element, 'resource_set')}


def constraint_routes(cib):
    section = cib.find('configuration/constraints')
    of = {tag: section.findall(tag)
          for tag in ('rsc_location', 'rsc_order', 'rsc_colocation', 'rsc_ticket')}
    has_sets = lambda element: element.find('resource_set') is not None
    lists = {
        'location': [location(each) for each in of['rsc_location']],
        'ordering': [ordering(each) for each in of['rsc_order'] if not has_sets(each)],
        'ordering_group': [with_sets(each) for each in of['rsc_order'] if has_sets(each)],
        'colocation': [colocation(each) for each in of['rsc_colocation'] if not has_sets(each)],
        'colocation_group': [with_sets(each) for each in of['rsc_colocation'] if has_sets(each)],
        'ticket': [ticket(each) for each in of['rsc_ticket']],
    }
    lists['order'] = lists['ordering']
    lists['order_group'] = lists['ordering_group']
    everything = {f'{name}_constraints': lists[name] for name in
                  ('location', 'ordering', 'colocation', 'colocation_group', 'ticket')}
    if lists['ordering_group']:
        everything['ordering_group_constraints'] = lists['ordering_group']
    everything.update(other_children(section, *of))
    return {'constraint': everything, **{f'constraint/{name}': found for name, found in lists.items()}}


# Options of the cluster

def property_routes(cib, option_files):
    defaults = {}
    for path in option_files:
        for parameter in xml.etree.ElementTree.parse(path).getroot().iter('parameter'):
            default = parameter.find('content').get('default', '')
            defaults.setdefault(parameter.get('name'), default)
    sets = cib.findall('configuration/crm_config/cluster_property_set')
    values = merged(sets, before_all='cib-bootstrap-options')
    properties = {name: {'default': defaults.get(name, ''),
                         'value': values.get(name, defaults.get(name, ''))}
                  for name in {**defaults, **values}}
    return {'property': properties,
            **{f'property/{name}/details': {name: each} for name, each in properties.items()}}


# What is going on

def without_instance(name):
    """Clones number their instances: `Web:0`."""
    return name.split(':')[0]


def unique(names):
    return list(dict.fromkeys(names))


def locate(instances):
    found = [each for instance in instances for each in instance.iter('resource')]
    nodes = lambda resources: unique(
        node.get('name') for each in resources for node in each.findall('node'))
    running = nodes(found)
    if not running:
        return {'status': 'stopped'}
    promoted = nodes(each for each in found if each.get('role') in ('Promoted', 'Master'))
    return {'status': 'running', 'node': running[0],
            **({'nodes': running} if len(running) > 1 else {}),
            **({'promoted': promoted} if promoted else {})}


def locate_routes(cib, state):
    seen = {}
    for tag in ('resource', *CONTAINERS):
        for each in state.find('resources').iter(tag):
            seen.setdefault(without_instance(each.get('id')), []).append(each)
    section = cib.find('configuration/resources')
    names = [each.get('id') for tag in ('primitive', *CONTAINERS) for each in section.iter(tag)]
    names += [name for name, instances in seen.items() if instances[0].get('orphaned') == 'true']
    return {f'resource/{name}/locate': locate(seen.get(name, [])) for name in names}


def node_routes(cib, state):
    routes = {}
    for node in state.findall('nodes/node'):
        name = node.get('name')
        [configured] = cib.findall(f"configuration/nodes/node[@uname='{name}']") or [None]
        transient = cib.findall(
            f"status/node_state[@uname='{name}']/transient_attributes/instance_attributes")
        # crm_mon keeps to itself what Pacemaker has for its own use: fail counts, #feature-set …
        shown = [each.get('name') for each in
                 state.findall(f"node_attributes/node[@name='{name}']/attribute")]
        sets = {} if configured is None else attribute_sets(configured)
        routes[f'node/{name}'] = {
            **({} if configured is None else others(configured, 'id', 'uname')),
            **node.attrib,
            'attributes': sets.pop('params', {}),
            'utilization': sets.pop('utilization', {}),
            **sets,
            'transient_attributes': {
                key: value for key, value in merged(transient).items() if key in shown},
            'resources': unique(
                without_instance(each.get('id')) for each in state.find('resources').iter('resource')
                if each.find(f"node[@name='{name}']") is not None),
        }
    return routes


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('--state')
    arguments.add_argument('--options', action='append', default=[])
    given = arguments.parse_args()
    cib = xml.etree.ElementTree.fromstring(sys.stdin.read())
    mask(cib)
    TARGETS.update({(each.tag, each.get('id')): each for each in cib.iter() if 'id' in each.attrib})
    parents = {child: parent for parent in cib.iter() for child in parent}
    version = f"{cib.get('admin_epoch')}.{cib.get('epoch')}"
    routes = {
        **resource_routes(cib, parents),
        **stonith_routes(cib, parents),
        **constraint_routes(cib),
        'configuration': {'version': version, 'validate-with': cib.get('validate-with'),
                          'configuration': as_is(cib.find('configuration'))},
    }
    if given.options:
        routes.update(property_routes(cib, given.options))
    if given.state:
        state = xml.etree.ElementTree.parse(given.state).getroot()
        routes.update(locate_routes(cib, state))
        routes.update(node_routes(cib, state))
        routes['fence_history'] = [dict(each.attrib) for each in state.iter('fence_event')]
    json.dump(routes, sys.stdout)


main()
