"""Copies each version of the CIB that Pacemaker writes into a folder, as EPOCH.xml, until a file "stop" is there.

Pacemaker puts each version whole in the place of cib.xml, and gives the one before it a name of its own.
"""

import glob
import os
import re
import sys
import time

folder = sys.argv[1]
os.makedirs(folder)
seen = {}


def look():
    for path in glob.glob("/var/lib/pacemaker/cib/cib*.raw") + ["/var/lib/pacemaker/cib/cib.xml"]:
        try:
            with open(path, encoding="utf-8") as file:
                inode = os.fstat(file.fileno())
                state = (inode.st_ino, inode.st_mtime_ns)
                if seen.get(path) == state:
                    continue
                seen[path] = state
                text = file.read()
        except FileNotFoundError:
            continue
        epoch = re.search(r'<cib [^>]*\bepoch="(\d+)"', text)
        if epoch:
            with open(f"{folder}/{epoch.group(1)}.xml", "w", encoding="utf-8") as copy:
                copy.write(text)


while not os.path.exists(f"{folder}/stop"):
    look()
    time.sleep(0.2)
look()
