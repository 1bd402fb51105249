#!/bin/sh
# in-groups FOLDER... -- COMMAND [ARG...]
# Moves itself into the given control groups and becomes COMMAND. The move has to come before the exec:
# from outside, a command could fork before it is moved, and the child would stay behind.
# Closes descriptor 3 when it is in all of them.
set -e
while [ "$1" != -- ]; do
  echo $$ > "$1/cgroup.procs"
  shift
done
shift
exec "$@" 3>&-
