"""Says what of a liferaft is not on this host as it is in it, line by line; nothing if all is.

    read-liferaft.py LIFERAFT

An independent reading: tarfile for the archive, os.lstat for the host. It knows of the format what its users are told:
a tar with manifest.json first, and the files below root/.
"""

import grp
import hashlib
import json
import os
import pwd
import stat
import sys
import tarfile


def number_of(name, number, look_up):
    try:
        return look_up(name)
    except (KeyError, TypeError):
        return number


def compare(archive):
    members = archive.getmembers()
    manifest = json.load(archive.extractfile(members[0]))
    assert members[0].name == "manifest.json"
    assert all(member.isreg() for member in members)
    names = ["root" + each["path"] for each in manifest["files"]]
    assert [member.name for member in members[1:]] == names

    for member, item in zip(members[1:], manifest["files"]):
        content = archive.extractfile(member).read()
        assert hashlib.sha256(content).hexdigest() == item["sha256"]
        there = os.lstat(item["path"])
        if not stat.S_ISREG(there.st_mode):
            yield item["path"] + " is no file"
        elif open(item["path"], "rb").read() != content:
            yield item["path"] + " has other content"
        elif stat.S_IMODE(there.st_mode) != item["mode"]:
            yield item["path"] + " has another mode"
        yield from owner(item, there)
    for item in manifest["links"]:
        if os.readlink(item["path"]) != item["target"]:
            yield item["path"] + " points elsewhere"
        yield from owner(item, os.lstat(item["path"]))
    for item in manifest["folders"]:
        if not stat.S_ISDIR(os.lstat(item["path"]).st_mode):
            yield item["path"] + " is no folder"
    print(len(manifest["files"]), len(manifest["links"]), file=sys.stderr)


def owner(item, there):
    uid = number_of(item["user"], item["uid"], lambda name: pwd.getpwnam(name).pw_uid)
    gid = number_of(item["group"], item["gid"], lambda name: grp.getgrnam(name).gr_gid)
    if (there.st_uid, there.st_gid) != (uid, gid):
        yield item["path"] + " is another's"


with tarfile.open(sys.argv[1]) as opened:
    for line in compare(opened):
        print(line)
