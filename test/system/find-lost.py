"""Tells what of a CIB's configuration is in no answer of the agent.

    find-lost.py ANSWERS_JSON < CIB_XML

ANSWERS_JSON is an object from route to answer. Knows nothing of how the answers are made: each value in
the CIB has to be somewhere in what the agent says of the resource, the node, the constraint or the
fencing level that it belongs to, and `configuration` has to have all. Prints a JSON array of what is
lost.
"""
import json
import re
import sys
import xml.etree.ElementTree

SETS = ('instance_attributes', 'meta_attributes', 'utilization')
RESOURCES = ('primitive', 'template', 'group', 'clone', 'master', 'bundle')
SECRET = re.compile(r'passw|secret|token|(^|_)key$')


def strings(answer):
    """All strings in an answer, names of fields included."""
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, list):
        for each in answer:
            yield from strings(each)
    else:
        for name, value in answer.items():
            yield name
            yield from strings(value)


def flat_xml(element, path=''):
    path += '/' + element.tag
    yield (path, None, None)
    for name, value in element.attrib.items():
        yield (path, name, value)
    for child in element:
        yield from flat_xml(child, path)


def flat_json(answer, path):
    yield (path, None, None)
    for name, value in answer.items():
        if isinstance(value, str):
            yield (path, name, value)
        else:
            for child in value:
                yield from flat_json(child, f'{path}/{name}')


def missing(wanted, found):
    found = list(found)
    for each in wanted:
        if each in found:
            found.remove(each)
        else:
            yield each
    for each in found:
        yield ('not in the CIB', *each)


def overridden(element):
    """Pairs that others of their name come before, in sets of their kind that say nothing else."""
    for tag in SETS:
        pairs = [pair for nvset in element.findall(tag) if nvset.find('rule') is None
                 for pair in nvset.findall('nvpair')]
        for nvset in element.findall(tag):
            if set(nvset.attrib) <= {'id'} and nvset.find('rule') is None:
                for pair in nvset:
                    if sum(pair.get('name') == other.get('name') for other in pairs) > 1:
                        yield pair


def lost_of(element, answer, path, but_not=()):
    """What the element says, its descendants included, that is not in the answer about it."""
    known = set(strings(answer))
    skipped = {id(pair) for each in element.iter() for pair in overridden(each)}

    def walk(each, path):
        path = f"{path}/{each.tag}[{each.get('id', '')}]"
        for name, value in each.attrib.items():
            of_a_set = name == 'id' and each.tag in (*SETS, 'operations', 'nvpair')
            values = value.split(',') if name == 'devices' else [value]
            if not of_a_set and not known.issuperset(values):
                yield f'{path}@{name}={value}'
        for child in each:
            if child.tag not in but_not and id(child) not in skipped:
                yield from walk(child, path)

    yield from walk(element, path)


def main():
    with open(sys.argv[1]) as file:
        answers = json.load(file)
    configuration = xml.etree.ElementTree.fromstring(sys.stdin.read()).find('configuration')
    for pair in configuration.iter('nvpair'):
        if SECRET.search(pair.get('name', '')):
            pair.set('value', '********')
    lost = [str(each) for each in missing(
        flat_xml(configuration),
        flat_json(answers['configuration']['configuration'], '/configuration'))]
    for each in configuration.find('resources').iter():
        if each.tag in RESOURCES:
            answer = answers.get(f"resource/{each.get('id')}/details", {})
            # What is inside has details of its own; that it is inside is said here.
            lost += lost_of(each, answer, 'resources', but_not=RESOURCES)
            members = [inner.get('id') for inner in each.iter('primitive') if inner is not each]
            lost += [f'{name} in {each.get("id")}' for name in members if name not in strings(answer)]
    for each in configuration.iter('node'):
        lost += lost_of(each, answers.get(f"node/{each.get('uname')}", {}), 'nodes')
    constraints = {entry['id']: entry for entries in answers['constraint'].values()
                   if isinstance(entries, list) for entry in entries}
    for each in configuration.find('constraints'):
        lost += lost_of(each, constraints.get(each.get('id'), {}), 'constraints')
    levels = {entry['id']: entry for entry in answers['stonith/level']}
    for each in configuration.iter('fencing-level'):
        lost += lost_of(each, levels.get(each.get('id'), {}), 'fencing-topology')
    json.dump(lost, sys.stdout)


main()
