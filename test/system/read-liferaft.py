"""Holds a liferaft against the files of the host that this runs on: bytes, mode, owner, links.

It knows the format from docs/design.md alone, and reads it with Python's own tarfile:
    python3 read-liferaft.py LIFERAFT
prints {"host", "generation", "paths", "differences"} as JSON.
"""

import grp
import hashlib
import json
import os
import pwd
import stat
import struct
import sys
import tarfile


def owner(number, by_number):
    try:
        return by_number(number)[0]
    except KeyError:
        return None


def acl_of(path):
    """Its access control list in the words of the manifest, as {"acl": ...}; nothing where there is none."""
    try:
        value = os.getxattr(path, "system.posix_acl_access")
    except OSError:
        return {}
    acl = {"user": None, "users": [], "group": None, "groups": [], "mask": None, "other": None}
    words = {0x01: "user", 0x02: "users", 0x04: "group", 0x08: "groups", 0x10: "mask", 0x20: "other"}
    for tag, perms, number in struct.iter_unpack("<HHI", value[4:]):
        word = words[tag]
        if word in ("users", "groups"):
            by_number = pwd.getpwuid if word == "users" else grp.getgrgid
            acl[word].append({"id": number, "name": owner(number, by_number), "perms": perms})
        else:
            acl[word] = perms
    return {"acl": acl}


def found(path):
    """What is there now, in the words of the manifest."""
    there = os.lstat(path)
    item = {
        "uid": there.st_uid,
        "gid": there.st_gid,
        "user": owner(there.st_uid, pwd.getpwuid),
        "group": owner(there.st_gid, grp.getgrgid),
    }
    if stat.S_ISLNK(there.st_mode):
        return {"target": os.readlink(path), **item}
    item["mode"] = stat.S_IMODE(there.st_mode)
    with open(path, "rb") as file:
        content = file.read()
    sha256 = hashlib.sha256(content).hexdigest()
    return {"size": len(content), "sha256": sha256, **item, **acl_of(path)}


def differences(archive, manifest):
    members = archive.getmembers()
    if [each.name for each in members] != ["manifest.json"] + [
        "root" + each["path"] for each in manifest["files"]
    ]:
        yield "the archive has other entries than its manifest"
    for each in manifest["files"]:
        content = archive.extractfile("root" + each["path"]).read()
        if hashlib.sha256(content).hexdigest() != each["sha256"]:
            yield each["path"] + " has another digest in the archive"
    for member in members:
        if not member.isreg():
            yield member.name + " is no regular file"
    # A folder that was there before keeps its owner and mode.
    for each in manifest["folders"]:
        if not os.path.isdir(each["path"]) or os.path.islink(each["path"]):
            yield each["path"] + " is no folder"
    for each in manifest["files"] + manifest["links"]:
        path = each.pop("path")
        try:
            there = found(path)
        except OSError as error:
            yield str(error)
            continue
        if there != each:
            yield "%s: %s, not %s" % (path, json.dumps(there), json.dumps(each))


with tarfile.open(sys.argv[1], "r:") as liferaft:
    contents = json.load(liferaft.extractfile("manifest.json"))
    print(
        json.dumps(
            {
                "host": contents["host"],
                "generation": contents["generation"],
                "paths": sorted(each["path"] for each in contents["files"] + contents["links"]),
                "differences": list(differences(liferaft, contents)),
            }
        )
    )
