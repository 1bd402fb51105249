"""Runs many commands of pcs, each on a CIB of its own.

pcs takes most of its time to start. So it is loaded once here, and each command is a fork of that; what runs is the
main() of the pcs that is installed. Each line of stdin is {"args": […], "xml": "…"}, each line of stdout
{"exitCode": N, "printed": "…", "xml": "…"}.
"""
import json
import os
import sys
import tempfile

from pcs import app, constraint, resource, stonith  # noqa: F401

folder = tempfile.mkdtemp(dir="/var/tmp")
cib = os.path.join(folder, "cib.xml")
log = os.path.join(folder, "log")
for line in sys.stdin:
    request = json.loads(line)
    with open(cib, "w", encoding="utf-8") as file:
        file.write(request["xml"])
    child = os.fork()
    if child == 0:
        target = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        for stream, source in enumerate((os.open(os.devnull, os.O_RDONLY), target, target)):
            os.dup2(source, stream)
        code = 0
        try:
            sys.argv = ["pcs", "-f", cib, *request["args"]]
            app.main(sys.argv[1:])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException as error:  # pylint: disable=broad-except
            print(repr(error))
            code = 99
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(log, encoding="utf-8") as file:
        printed = file.read()
    with open(cib, encoding="utf-8") as file:
        answer = {"exitCode": status, "printed": printed, "xml": file.read()}
    print(json.dumps(answer), flush=True)
for path in os.listdir(folder):
    os.remove(os.path.join(folder, path))
os.rmdir(folder)
