"""Reads `crm_mon --as-xml` from stdin as the contract says it becomes JSON.

Written apart from the agent, in another language and over another XML parser, so that the tests hold
the agent's answer against a second reading.
"""
import json
import sys
import xml.etree.ElementTree

LISTS = {
    'nodes': {'node'},
    'node': {'resource', 'group', 'clone', 'bundle', 'attribute', 'resource_history'},
    'resources': {'resource', 'group', 'clone', 'bundle'},
    'group': {'resource'},
    'clone': {'resource', 'group'},
    'bundle': {'replica'},
    'replica': {'resource'},
    'resource': {'node'},
    'node_attributes': {'node'},
    'node_history': {'node'},
    'resource_history': {'operation_history'},
    'failures': {'failure'},
    'fence_history': {'fence_event'},
    'tickets': {'ticket'},
    'bans': {'ban'},
}


def value(element):
    text = ''.join([element.text or ''] + [each.tail or '' for each in element])
    if not element.attrib and not len(element) and text:
        return text.strip()
    result = dict(element.attrib)
    for name in dict.fromkeys(each.tag for each in element):
        values = [value(each) for each in element if each.tag == name]
        is_list = len(values) > 1 or name in LISTS.get(element.tag, set())
        result[name] = values if is_list else values[0]
    if text.strip() or (text and not len(element)):
        result['$t'] = text.strip()
    return result


def documented(root):
    state = value(root)
    for key in ('version', 'summary', 'nodes', 'node_attributes', 'fence_history', 'tickets', 'bans'):
        state[key] = state.get(key) or ''
    state['resources'] = state.get('resources') or {}
    history = state.get('node_history') or {}
    entries = history.get('node', [])
    known = {each['name'] for each in entries}
    names = [each.get('name') for each in root.findall('nodes/node')]
    missing = [{'name': name, '$t': ''} for name in names if name not in known]
    state['node_history'] = {**history, 'node': entries + missing}
    return state


json.dump(documented(xml.etree.ElementTree.fromstring(sys.stdin.read())), sys.stdout)
