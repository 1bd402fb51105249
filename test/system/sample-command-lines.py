"""Prints each command line that it can see in /proc, again and again until the file that it is given is there."""

import os
import sys

stop = sys.argv[1]
seen = set()
while not os.path.exists(stop):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                seen.add(file.read())
        except OSError:
            pass
for line in sorted(seen):
    print(line.replace(b"\0", b" ").decode("utf-8", "replace"))
