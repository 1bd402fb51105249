"""The health manager of this Debian's python3-octavia, without its database.

Datagrams are received by a thread, with the time at which the kernel got them. Octavia's own code does the rest: it
unwraps each (UDPStatusGetter.check), judges it (UpdateHealthDb), and hands its statistics to the driver that writes
them to the database. The repositories below are in the place of that database, and record what is written.
"""

import bisect
import collections
import logging
import socket
import struct
import threading
import time
import types
from unittest import mock

from octavia.amphorae.drivers.health import heartbeat_udp
from octavia.statistics import stats_base
from octavia.statistics.drivers import update_db

SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33

Datagram = collections.namedtuple("Datagram", "at sender port data")


class Receiver:
    """Receives on several ports, each of which is a controller."""

    def __init__(self, address, ports):
        self.datagrams = []
        self.arrived = threading.Condition()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sockets = {}
        for port in ports:
            self.sockets[port] = sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            sock.bind((address, port))
            threading.Thread(target=self.receive, args=(port, sock), daemon=True).start()

    def receive(self, port, sock):
        while True:
            data, ancillary, _, (sender, *_) = sock.recvmsg(65536, 256)
            # An empty datagram is the one that ends this thread
            if not data and self.sockets.get(port) is not sock:
                sock.close()
                return
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
            with self.arrived:
                self.datagrams.append(Datagram(seconds + nanoseconds / 1e9, sender, port, data))
                self.arrived.notify_all()

    def close(self, port):
        """Lets a controller be gone: its port is closed."""
        sock = self.sockets.pop(port, None)
        if sock:
            sock.sendto(b"", sock.getsockname())

    def wait(self, count, seconds):
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.datagrams) >= count, seconds):
                raise TimeoutError(
                    "{} of {} heartbeats came within {} s".format(len(self.datagrams), count, seconds)
                )

    def take(self, count=None):
        with self.arrived:
            taken = self.datagrams[:count]
            del self.datagrams[: len(taken)]
        return taken


class Database:
    """What is known of a load balancer at each time, the states of everything in it, and the sums of its listeners."""

    def __init__(self):
        self.times = []
        self.snapshots = []
        self.states = {}
        self.sums = {}
        self.updates = []
        self.lives = []
        self.now = 0

    def define(self, lb, amphorae, provisioning_status):
        """From now on the load balancer is like this."""
        self.times.append(time.time())
        self.snapshots.append(
            {
                "amphorae": set(amphorae),
                "id": lb.id,
                "enabled": lb.enabled,
                "provisioning_status": provisioning_status,
                "listeners": {
                    each.id: {"enabled": each.enabled, "protocol": each.protocol} for each in lb.listeners
                },
                "pools": {pool.id: [member.id for member in pool.members] for pool in lb.pools},
            }
        )

    def load_balancer(self, amphora):
        """As get_lb_for_health_update of octavia.db.repositories returns it."""
        index = bisect.bisect(self.times, self.now) - 1
        if index < 0 or amphora not in self.snapshots[index]["amphorae"]:
            return {}
        snapshot = self.snapshots[index]
        found = {key: snapshot[key] for key in ("id", "enabled", "provisioning_status")}
        found["operating_status"] = self.state(snapshot["id"])
        if snapshot["listeners"]:
            found["listeners"] = {
                each: {**fields, "operating_status": self.state(each)}
                for each, fields in snapshot["listeners"].items()
            }
        if snapshot["pools"]:
            found["pools"] = {
                pool: {
                    "operating_status": self.state(pool),
                    "members": {each: {"operating_status": self.state(each)} for each in members},
                }
                for pool, members in snapshot["pools"].items()
            }
        return found

    def state(self, identity):
        return self.states.get(identity, "OFFLINE")

    def repository(self, kind):
        def update(session, identity, operating_status):
            self.states[identity] = operating_status
            self.updates.append([kind, identity, operating_status])

        return lambda: types.SimpleNamespace(update=update)

    def repositories(self):
        amphora = types.SimpleNamespace(
            get_lb_for_health_update=lambda session, identity: self.load_balancer(identity),
            # An amphora that is not known at all is only logged
            get=lambda session, id: None,
        )
        health = types.SimpleNamespace(replace=lambda session, identity, last_update: self.lives.append(identity))
        return types.SimpleNamespace(
            AmphoraRepository=lambda: amphora,
            AmphoraHealthRepository=lambda: health,
            ListenerRepository=self.repository("listener"),
            LoadBalancerRepository=self.repository("loadbalancer"),
            MemberRepository=self.repository("member"),
            PoolRepository=self.repository("pool"),
        )

    def write_stats(self, how):
        """As ListenerStatisticsRepository: `increment` adds, `replace` sets."""

        def write(session, stats):
            key = (stats.listener_id, stats.amphora_id)
            now = {
                "bytes_in": stats.bytes_in,
                "bytes_out": stats.bytes_out,
                "total_connections": stats.total_connections,
                "request_errors": stats.request_errors,
            }
            before = self.sums.get(key, {}) if how == "increment" else {}
            self.sums[key] = {name: value + before.get(name, 0) for name, value in now.items()}
            self.sums[key]["active_connections"] = stats.active_connections
            self.written[stats.listener_id] = how

        return write

    def stats_repositories(self):
        self.written = {}
        repository = types.SimpleNamespace(
            increment=self.write_stats("increment"), replace=self.write_stats("replace")
        )
        return types.SimpleNamespace(ListenerStatisticsRepository=lambda: repository)


class Here:
    """In the place of Octavia's pool of processes."""

    def submit(self, work, *args):
        work(*args)


class Warnings(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


class HealthManager:
    def __init__(self, address, ports):
        self.receiver = Receiver(address, ports)
        self.database = Database()
        heartbeat_udp.repo = self.database.repositories()
        heartbeat_udp.db_api = mock.MagicMock()
        update_db.repo = self.database.stats_repositories()
        update_db.db_api = mock.MagicMock()
        # Octavia makes its statistics drivers once, with the repository of that time.
        stats_base._STATS_HANDLERS = None
        # Without its constructor, which starts processes and binds a socket
        self.getter = heartbeat_udp.UDPStatusGetter.__new__(heartbeat_udp.UDPStatusGetter)
        self.getter.health_executor = self.getter.stats_executor = Here()
        self.getter.health_updater = heartbeat_udp.UpdateHealthDb()
        self.warnings = Warnings()
        logging.getLogger(heartbeat_udp.__name__).addHandler(self.warnings)
        logging.getLogger("octavia.statistics").addHandler(self.warnings)
        logging.getLogger("stevedore").addHandler(self.warnings)

    def judge(self, datagram, key):
        """Lets Octavia take a heartbeat. Returns what it was, and what was written for it."""
        database = self.database
        database.now = datagram.at
        database.updates, database.lives, self.warnings.texts = [], [], []
        database.written.clear()
        self.getter.key = key
        self.getter.sock = types.SimpleNamespace(recvfrom=lambda size: (datagram.data, (datagram.sender, 0)))
        seen = {}
        with mock.patch.object(heartbeat_udp.status_message, "unwrap_envelope", watched(seen)):
            self.getter.check()
        message = seen.get("message", {})
        return {
            "at": datagram.at,
            "from": datagram.sender,
            "port": datagram.port,
            "bytes": len(datagram.data),
            "amphora": message.get("id"),
            "ver": message.get("ver"),
            "seq": message.get("seq"),
            "listeners": list(message.get("listeners", {})),
            "isAlive": database.lives == [message.get("id")],
            "updates": database.updates,
            "written": dict(database.written),
            "warnings": self.warnings.texts,
        }


def watched(seen, unwrap=heartbeat_udp.status_message.unwrap_envelope):
    def unwrap_envelope(data, key):
        seen["message"] = unwrap(data, key)
        return seen["message"]

    return unwrap_envelope
