"""Prints all elements of the configuration with their attributes, one after another, as JSON; read by Python's own parser."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

query = ["cibadmin", "--query", "--scope", "configuration"]
root = ElementTree.fromstring(subprocess.run(query, check=True, capture_output=True).stdout)
json.dump([[each.tag, each.attrib] for each in root.iter()], sys.stdout)
