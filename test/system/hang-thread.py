# Usage: hang-thread.py TID
#
# Stops one thread of a process, and keeps it stopped until the process is gone: what a loop without an end looks like
# from outside. SIGSTOP would stop all threads.
import ctypes
import os
import sys
import time

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
thread = int(sys.argv[1])
for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
    if libc.ptrace(request, thread, None, None) == -1:
        sys.exit(os.strerror(ctypes.get_errno()))
print("hangs", flush=True)
while True:
    # Only the one that traces hears that it was killed.
    ended, status = os.waitpid(thread, 0x40000000)
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        break
    time.sleep(0.1)
