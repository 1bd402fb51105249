"""Makes a tree of everything that a file system can hold, and tells one in words of its own.

It knows nothing of Alphorn, and reads attributes by the system's own calls:
    python3 alphorn-tree.py grow FOLDER SEED ENTRIES   makes the tree; prints the paths that have what no liferaft carries
    python3 alphorn-tree.py tell FOLDER                prints {"entries": {path: ...}, "users": {name: number}, "groups": ...}
    python3 alphorn-tree.py trap FOLDER                gives the folder a default access control list
"""

import grp
import hashlib
import json
import os
import pwd
import random
import socket
import stat
import struct
import sys

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
NOBODY = 0xFFFFFFFF
NAMES = ["a", "größe", "with blank", "new\nline", "back\\slash", "'quote\"", "-option", "*", "日本語", "\u0001\u007f", "…", "%2e%2e", "%s", "😀"]
UNNAMED = [4711, 65533, 3000000]


def acl(entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)


def any_acl(choose, users, groups):
    named = sorted(choose.sample(users, choose.randint(0, 3)))
    of_groups = sorted(choose.sample(groups, choose.randint(0 if named else 1, 2)))
    bits = lambda: choose.randint(0, 7)
    return acl(
        [(0x01, bits(), NOBODY)]
        + [(0x02, bits(), each) for each in named]
        + [(0x04, bits(), NOBODY)]
        + [(0x08, bits(), each) for each in of_groups]
        + [(0x10, bits(), NOBODY), (0x20, bits(), NOBODY)]
    )


def grow(top, seed, count):
    choose = random.Random(seed)
    users = [each.pw_uid for each in pwd.getpwall()] + UNNAMED
    groups = [each.gr_gid for each in grp.getgrall()] + UNNAMED
    os.makedirs(top)
    folders, files, later, special = [top], [], [], {}

    def name(number):
        stem = choose.choice(NAMES)
        if choose.random() < 0.02:
            # As long as a name may be (NAME_MAX).
            stem = "x" * (255 - len(str(number)))
        return stem + str(number)

    def owned(path):
        os.lchown(path, choose.choice(users), choose.choice(groups))

    for number in range(count):
        folder = choose.choice(folders[-40:])
        path = os.path.join(folder, name(number))
        kind = choose.random()
        if kind < 0.18 and len(path) < 2500:
            os.mkdir(path)
            folders.append(path)
            later.append(path)
        elif kind < 0.30:
            target = choose.choice(["/etc/passwd", "../" * 9 + "x", "nowhere", folders[0], "a\nb", "x" * 3000, "größe"])
            os.symlink(target, path)
            owned(path)
        elif kind < 0.33:
            more = choose.choice(["fifo", "socket", "hard link", "xattr", "capability", "sparse", "bytes"])
            if more == "fifo":
                os.mkfifo(path)
            elif more == "socket":
                # Bound by a short name: an address of a socket has 107 bytes.
                here = os.getcwd()
                os.chdir(folder)
                path = os.path.join(folder, "s%d" % number)
                socket.socket(socket.AF_UNIX).bind("s%d" % number)
                os.chdir(here)
            elif more == "hard link" and files:
                other = choose.choice(files)
                os.link(other, path)
                special[other] = more
                files.append(path)
            elif more == "bytes":
                with open(os.fsencode(folder) + b"/bad\xff%d" % number, "wb"):
                    pass
                path = os.path.join(folder, "bad\ufffd%d" % number)
            else:
                with open(path, "wb") as file:
                    file.write(b"content")
                    if more == "sparse":
                        file.truncate(4 << 20)
                if more == "xattr":
                    os.setxattr(path, "user.comment", b"x")
                if more == "capability":
                    # cap_net_raw=ep (linux/capability.h, VFS_CAP_REVISION_2)
                    os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
                files.append(path)
            special[path] = more
        else:
            with open(path, "wb") as file:
                size = choose.choice([0, 1, 511, 512, 513, 10000, 200000])
                file.write(choose.getrandbits(8 * size).to_bytes(size, "little") if size else b"")
            files.append(path)
            later.append(path)
    # From the bottom: what a folder takes away, and gives to what is made in it, comes last.
    for path in reversed(later):
        owned(path)
        os.chmod(path, choose.randint(0, 0o7777))
        if choose.random() < 0.15:
            os.setxattr(path, ACCESS, any_acl(choose, users, groups))
        if os.path.isdir(path) and choose.random() < 0.15:
            os.setxattr(path, DEFAULT, any_acl(choose, users, groups))
    print(json.dumps(special))


def owner(number, by_number):
    try:
        return by_number(number)[0]
    except KeyError:
        return None


def listed(path, which):
    try:
        value = os.getxattr(path, which)
    except OSError:
        return None
    entries = struct.iter_unpack("<HHI", value[4:])
    found = []
    for tag, bits, number in entries:
        by = {0x02: pwd.getpwuid, 0x08: grp.getgrgid}.get(tag)
        found.append([tag, bits, None if by is None else number, None if by is None else owner(number, by)])
    return found


def tell(top):
    entries = {}
    for folder, inside, files in os.walk(top):
        for name in inside + files + ([""] if folder == top else []):
            path = os.path.join(folder, name) if name else top
            there = os.lstat(path)
            item = {
                "uid": there.st_uid,
                "gid": there.st_gid,
                "user": owner(there.st_uid, pwd.getpwuid),
                "group": owner(there.st_gid, grp.getgrgid),
                "kind": stat.S_IFMT(there.st_mode),
            }
            if stat.S_ISLNK(there.st_mode):
                item["target"] = os.readlink(path)
            else:
                item["mode"] = stat.S_IMODE(there.st_mode)
                item["acl"] = listed(path, ACCESS)
                item["default"] = listed(path, DEFAULT)
            if stat.S_ISREG(there.st_mode):
                with open(path, "rb") as file:
                    item["sha256"] = hashlib.sha256(file.read()).hexdigest()
            entries[os.fsencode(path).decode("utf-8", "replace")] = item
    print(
        json.dumps(
            {
                "entries": entries,
                "users": {each.pw_name: each.pw_uid for each in pwd.getpwall()},
                "groups": {each.gr_name: each.gr_gid for each in grp.getgrall()},
            }
        )
    )


def trap(folder):
    os.setxattr(folder, DEFAULT, acl([(1, 7, NOBODY), (2, 7, 4711), (4, 7, NOBODY), (0x10, 7, NOBODY), (0x20, 7, NOBODY)]))


os.umask(0o022)
what, top, *rest = sys.argv[1:]
if what == "grow":
    grow(top, int(rest[0]), int(rest[1]))
elif what == "trap":
    trap(top)
else:
    tell(top)
