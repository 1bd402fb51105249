"""Plays steps with the amphora driver of this Debian's python3-octavia.

The first line of standard input is the configuration as JSON, each further line a step: {"do": NAME, ...}. Standard
output has JSON lines: {"ready": ...}, and for each step its exchanges, what the driver logged as a failure, and
{"step": NAME, "ok": ..., "result": ..., "error": ..., "ms": ..., "requests": N, "retries": N}.

The driver itself is unchanged. Its clock is watched (a retry is a sleep), its sessions are watched (an exchange), and
its database is absent: what it would write there of a listener that failed is reported instead.
"""

import hashlib
import inspect
import json
import os
import re
import select
import socket
import sys
import time
import traceback
import types
from unittest import mock

output = os.fdopen(os.dup(1), "w", buffering=1)
# Libraries that print must not disturb the lines of JSON
os.dup2(2, 1)


def tell(**line):
    output.write(json.dumps(line, default=str) + "\n")


settings = json.loads(sys.stdin.readline())

from oslo_config import cfg  # noqa: E402
from octavia.common import config  # noqa: E402,F401

CONF = cfg.CONF
CONF([], project="octavia", default_config_files=[])
if settings.get("debug"):
    from oslo_log import log as logging

    logging.setup(CONF, "octavia")
STORE = settings["store"]
os.makedirs(STORE, exist_ok=True)
overrides = {
    "haproxy_amphora": {
        "client_cert": settings["client_cert"],
        "server_ca": settings["server_ca"],
        "bind_port": settings.get("port", 9443),
        "connection_max_retries": settings.get("max_retries", 3),
        "connection_retry_interval": settings.get("retry_interval", 1),
        # This place has 20 000 descriptors at most
        "default_connection_limit": settings.get("connection_limit", 1000),
    },
    "certificates": {"cert_manager": "local_cert_manager", "storage_path": STORE},
    "controller_worker": {"loadbalancer_topology": settings.get("topology", "SINGLE")},
}
for group, options in overrides.items():
    for option, value in options.items():
        CONF.set_override(option, value, group=group)

import requests  # noqa: E402
from octavia.amphorae.drivers.haproxy import rest_api_driver  # noqa: E402
from octavia.certificates.manager.local import LocalCertManager  # noqa: E402
from octavia.common import data_models  # noqa: E402


class Count:
    requests = 0
    retries = 0


def watch_sessions():
    """Reports each exchange, and the ones that got no answer."""
    unwatched = requests.Session.request
    translated = settings.get("translated", [])

    def request(self, method, url, **options):
        body = options.get("data") or b""
        if isinstance(body, str):
            body = body.encode()
        if options.get("json") is not None:
            body = json.dumps(options["json"]).encode()
        line = {
            "exchange": Count.requests,
            "host": re.sub(r"^https://\[?|\]?:\d+/.*", "", url),
            "method": method.upper(),
            "path": "/" + url.split("/", 3)[3],
            "sent_bytes": len(body),
            "sent_md5": hashlib.md5(body).hexdigest(),
        }
        if settings.get("bodies"):
            line["sent"] = body.decode(errors="replace")
        Count.requests += 1
        host = line["host"]
        if host in translated:
            url = translate(url)
            line["sent_path"] = "/" + url.split("/", 3)[3]
        started = time.monotonic()
        try:
            answer = unwatched(self, method, url, **options)
        except Exception as error:
            tell(**line, failure=str(error), ms=since(started))
            raise
        tell(
            **line,
            status=answer.status_code,
            type=answer.headers.get("content-type", ""),
            etag=answer.headers.get("etag"),
            allow=answer.headers.get("allow"),
            body=answer.text[: settings.get("body_limit", 65536)],
            ms=since(started),
        )
        return answer

    requests.Session.request = request


def translate(url):
    """The path by which an agent of 1.0 is asked for the same: it has a load balancer in the place of each listener."""
    url = re.sub(r"/(0\.5|v0\.1)/", "/1.0/", url)
    return re.sub(r"/listeners/(.+/)", r"/loadbalancer/\1", url)


def since(started):
    return round((time.monotonic() - started) * 1000, 1)


def watch_retries():
    def sleep(seconds):
        Count.retries += 1
        tell(retry=Count.retries, seconds=seconds)
        time.sleep(seconds)

    rest_api_driver.time = types.SimpleNamespace(sleep=sleep, time=time.time)


class ListenerRepository:
    """In the place of the database: the driver swallows what fails with one listener, and writes it there."""

    def update(self, session, listener_id, **values):
        failure = traceback.format_exc()
        Steps.listener_failures.append(listener_id)
        tell(listener_failure=listener_id, values=values, failure=failure)


def make(kind, **fields):
    """An object of the data model, of those fields that this version has."""
    known = inspect.signature(kind.__init__).parameters
    return kind(**{name: value for name, value in fields.items() if name in known})


def make_amphora(spec):
    amphora = make(data_models.Amphora, **{"status": "ALLOCATED", "vrrp_interface": "eth1", **spec})
    amphora.api_version = spec.get("api_version")
    return amphora


def store(tls):
    return LocalCertManager.store_cert(
        None, tls["certificate"], tls.get("key", ""), intermediates=tls.get("intermediates")
    )


def make_pool(spec, lb):
    fields = {
        "protocol": "HTTP",
        "lb_algorithm": "ROUND_ROBIN",
        "enabled": True,
        "operating_status": "ONLINE",
        "provisioning_status": "ACTIVE",
        "project_id": lb.project_id,
        "load_balancer": lb,
        "listeners": [],
        "l7policies": [],
        "tls_enabled": False,
        **spec,
        "members": [],
        "health_monitor": None,
        "session_persistence": None,
    }
    for key, field in (("tls", "tls_certificate_id"), ("ca", "ca_tls_certificate_id"), ("crl", "crl_container_id")):
        if spec.get(key):
            tls = spec[key]
            fields[field] = store(tls if isinstance(tls, dict) else {"certificate": tls})
    pool = make(data_models.Pool, **fields)
    usual = {"weight": 1, "enabled": True, "backup": False, "operating_status": "ONLINE"}
    for member in spec.get("members", []):
        pool.members.append(
            make(
                data_models.Member,
                **{**usual, "provisioning_status": "ACTIVE", **member, "pool": pool, "pool_id": pool.id},
            )
        )
    if spec.get("health_monitor"):
        usual = {
            "delay": 3,
            "timeout": 2,
            "fall_threshold": 2,
            "rise_threshold": 2,
            "http_method": "GET",
            "url_path": "/",
            "expected_codes": "200",
            "enabled": True,
            "provisioning_status": "ACTIVE",
        }
        pool.health_monitor = make(
            data_models.HealthMonitor, **{**usual, **spec["health_monitor"], "pool": pool, "pool_id": pool.id}
        )
    if spec.get("session_persistence"):
        pool.session_persistence = make(
            data_models.SessionPersistence, **spec["session_persistence"], pool=pool, pool_id=pool.id
        )
    return pool


def make_listener(spec, lb, pools):
    """A listener; its pools are those of the load balancer that it names."""
    fields = {
        "enabled": True,
        "provisioning_status": "ACTIVE",
        "operating_status": "ONLINE",
        "project_id": lb.project_id,
        "insert_headers": {},
        "connection_limit": -1,
        "peer_port": 1025,
        "client_authentication": "NONE",
        "allowed_cidrs": [],
        "tls_ciphers": None,
        "tls_versions": None,
        "alpn_protocols": None,
        **spec,
        "sni_containers": [],
        "l7policies": [],
        "load_balancer": lb,
        "load_balancer_id": lb.id,
        "default_pool": pools.get(spec.get("default_pool")),
        "default_pool_id": spec.get("default_pool"),
    }
    for key, field in (
        ("tls", "tls_certificate_id"),
        ("client_ca", "client_ca_tls_certificate_id"),
        ("client_crl", "client_crl_container_id"),
    ):
        if spec.get(key):
            tls = spec[key]
            fields[field] = store(tls if isinstance(tls, dict) else {"certificate": tls})
    for index, sni in enumerate(spec.get("sni", [])):
        fields["sni_containers"].append(
            make(data_models.SNI, listener_id=spec["id"], position=index, tls_container_id=store(sni))
        )
    used = {spec.get("default_pool")} | {policy.get("redirect_pool") for policy in spec.get("l7policies", [])}
    fields["pools"] = [pool for pool_id, pool in pools.items() if pool_id in used]
    listener = make(data_models.Listener, **fields)
    for pool in listener.pools:
        pool.listeners.append(listener)
    for position, policy in enumerate(spec.get("l7policies", [])):
        listener.l7policies.append(make_policy(policy, position, listener, pools))
    return listener


def make_policy(spec, position, listener, pools):
    usual = {"enabled": True, "provisioning_status": "ACTIVE", "operating_status": "ONLINE"}
    policy = make(
        data_models.L7Policy,
        **{
            **usual,
            "position": position + 1,
            **spec,
            "listener": listener,
            "listener_id": listener.id,
            "redirect_pool": pools.get(spec.get("redirect_pool")),
            "redirect_pool_id": spec.get("redirect_pool"),
            "l7rules": [],
        },
    )
    for rule in spec.get("l7rules", []):
        policy.l7rules.append(make(data_models.L7Rule, **{**usual, "invert": False, **rule, "l7policy": policy}))
    return policy


def make_load_balancer(spec, amphorae):
    vip = make(data_models.Vip, ip_address=spec["vip"], load_balancer_id=spec["id"])
    group = make(
        data_models.VRRPGroup,
        load_balancer_id=spec["id"],
        vrrp_group_name=spec["id"].replace("-", ""),
        vrrp_auth_type="PASS",
        vrrp_auth_pass=spec.get("vrrp_auth_pass", "labpass1"),
        advert_int=spec.get("advert_int", 1),
    )
    lb = make(
        data_models.LoadBalancer,
        id=spec["id"],
        project_id=spec.get("project_id", "project"),
        name=spec.get("name", "lab"),
        enabled=True,
        provisioning_status="ACTIVE",
        operating_status="ONLINE",
        topology=spec.get("topology", CONF.controller_worker.loadbalancer_topology),
        vip=vip,
        amphorae=amphorae,
        vrrp_group=group,
        listeners=[],
        pools=[],
        additional_vips=[
            make(data_models.AdditionalVip, ip_address=each, load_balancer_id=spec["id"])
            for each in spec.get("additional_vips", [])
        ]
        if hasattr(data_models, "AdditionalVip")
        else [],
    )
    pools = {pool["id"]: make_pool(pool, lb) for pool in spec.get("pools", [])}
    lb.pools = list(pools.values())
    lb.listeners = [make_listener(listener, lb, pools) for listener in spec.get("listeners", [])]
    return lb


class Steps:
    """Each method is a step; its parameters are the other keys of the step."""

    listener_failures = []

    def __init__(self):
        self.driver = rest_api_driver.HaproxyAmphoraLoadBalancerDriver()
        self.amphorae = [make_amphora(each) for each in settings["amphorae"]]
        self.lb = None
        self.receiver = None
        self.manager = None
        self.speak_oldest_version()

    def speak_oldest_version(self):
        """Lets the client of 0.5 send the paths of v0.1, which no released driver speaks."""
        if "0.5" not in self.driver.clients:
            return
        self.driver.clients["v0.1"] = self.driver.clients["0.5"]
        populate = self.driver._populate_amphora_api_version

        def populate_any(amphora, *args, **kwargs):
            if amphora.api_version == "v0.1":
                return [0, 1]
            return populate(amphora, *args, **kwargs)

        self.driver._populate_amphora_api_version = populate_any

    def client(self, amphora):
        self.driver._populate_amphora_api_version(amphora)
        return self.driver.clients[amphora.api_version]

    def load_balancer(self, spec):
        """Defines the load balancer that the next steps are about. It sends nothing."""
        self.lb = make_load_balancer(spec, self.amphorae)
        return self.lb.id

    def use_api(self, version, amphora=0):
        self.amphorae[amphora].api_version = version
        return version

    def set_amphora(self, amphora=0, **fields):
        for name, value in fields.items():
            setattr(self.amphorae[amphora], name, value)

    def discover(self, amphora=0):
        self.amphorae[amphora].api_version = None
        self.driver._populate_amphora_api_version(self.amphorae[amphora])
        return self.amphorae[amphora].api_version

    def get_info(self, amphora=0):
        return self.driver.get_info(self.amphorae[amphora])

    def get_details(self, amphora=0):
        return self.client(self.amphorae[amphora]).get_details(self.amphorae[amphora])

    def get_all_listeners(self, amphora=0):
        return self.client(self.amphorae[amphora]).get_all_listeners(self.amphorae[amphora])

    def get_listener_status(self, listener, amphora=0):
        return self.client(self.amphorae[amphora]).get_listener_status(self.amphorae[amphora], listener)

    def plug_vip(self, info, vip=None, amphora=0):
        a = self.amphorae[amphora]
        self.client(a).plug_vip(a, vip or self.lb.vip.ip_address, info)

    def plug_network(self, port, amphora=0):
        self.client(self.amphorae[amphora]).plug_network(self.amphorae[amphora], port)

    def get_interface_from_ip(self, ip=None, amphora=0):
        """Also sets the interface that keepalived's configuration names, as the controller's flow does."""
        a = self.amphorae[amphora]
        name = self.driver.get_interface_from_ip(a, ip or a.vrrp_ip)
        a.vrrp_interface = name
        return name

    def update_vrrp_conf(self, subnet, additional_vips=(), amphora=0):
        a = self.amphorae[amphora]
        network = {"vip_subnet": {"host_routes": [], **subnet}, "additional_vip_data": list(additional_vips)}
        self.driver.update_vrrp_conf(self.lb, {a.id: network}, a)

    def start_vrrp_service(self, amphora=0):
        self.driver.start_vrrp_service(self.amphorae[amphora])

    def reload_vrrp_service(self):
        self.driver.reload_vrrp_service(self.lb)

    def stop_vrrp_service(self):
        self.driver.stop_vrrp_service(self.lb)

    def update_amphora_listeners(self, amphora=0):
        self.driver.update_amphora_listeners(self.lb, self.amphorae[amphora])

    def reload(self, amphora=None):
        self.driver.reload(self.lb, None if amphora is None else self.amphorae[amphora])

    def start(self, amphora=None):
        self.driver.start(self.lb, None if amphora is None else self.amphorae[amphora])

    def delete(self, listener):
        found = [each for each in self.lb.listeners if each.id == listener]
        self.driver.delete(found[0])
        if found[0] in self.lb.listeners:
            self.lb.listeners.remove(found[0])

    def update_amphora_agent_config(self, text, amphora=0):
        self.driver.update_amphora_agent_config(self.amphorae[amphora], text)

    def upload_cert_amp(self, pem, amphora=0):
        self.driver.upload_cert_amp(self.amphorae[amphora], pem.encode())

    def call(self, method, args=(), amphora=0):
        """Any other method of the client, such as start_listener."""
        a = self.amphorae[amphora]
        return getattr(self.client(a), method)(a, *args)

    def request(self, method, path, body=None, amphora=0, content_type=None):
        """One plain request with the controller's certificate, without the driver's judgement."""
        a = self.amphorae[amphora]
        client = self.driver.clients["base"]
        client.ssl_adapter.uuid = a.id
        url = "https://{}:{}{}".format(a.lb_network_ip, CONF.haproxy_amphora.bind_port, path)
        answer = client.session.request(
            method,
            url,
            data=body.encode() if isinstance(body, str) else body,
            headers={"Content-Type": content_type} if content_type else None,
            verify=CONF.haproxy_amphora.server_ca,
            timeout=(10, 60),
        )
        return {"status": answer.status_code, "body": answer.text}

    def measure(self, repeat, step):
        """Repeats a step, and returns the milliseconds of each time."""
        times = []
        step = dict(step)
        name = step.pop("do")
        for _ in range(repeat):
            started = time.monotonic()
            getattr(self, name)(**step)
            times.append(since(started))
        return times

    def listen(self, address, port=5555):
        """Binds the socket of the health manager."""
        self.receiver = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.receiver.bind((address, port))

    def stop_listening(self):
        self.receiver.close()

    def drain_heartbeats(self):
        """Drops what has come so far, so that the next heartbeats are made from now on."""
        dropped = 0
        while select.select([self.receiver], [], [], 0)[0]:
            self.receiver.recvfrom(65536)
            dropped += 1
        return dropped

    def heartbeats(self, key, count=1, seconds=30):
        """The next heartbeats, unwrapped by Octavia's own code."""
        from octavia.amphorae.backends.health_daemon import status_message

        found = []
        deadline = time.monotonic() + seconds
        while len(found) < count:
            if not select.select([self.receiver], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("{} of {} heartbeats came within {} s".format(len(found), count, seconds))
            data, (sender, *_) = self.receiver.recvfrom(65536)
            try:
                message = status_message.unwrap_envelope(data, key)
            except Exception as error:
                found.append({"from": sender, "bytes": len(data), "refused": str(error)})
                continue
            found.append({"from": sender, "bytes": len(data), "message": message, "at": time.time()})
        return found

    def manage_health(self, address, ports=(5555,)):
        """Starts a health manager, which receives from now on. `define` says what is in its database."""
        from health import HealthManager

        self.manager = HealthManager(address, ports)

    def define(self, provisioning_status="ACTIVE"):
        """From now on, the database of the health manager has the load balancer as it was defined last."""
        self.manager.database.define(self.lb, [each.id for each in self.amphorae], provisioning_status)

    def judge_heartbeats(self, key, count=None, seconds=60):
        """Lets Octavia take the next heartbeats; without a count those that have come."""
        if count is not None:
            self.manager.receiver.wait(count, seconds)
        return [self.manager.judge(each, key) for each in self.manager.receiver.take(count)]

    def forget_heartbeats(self):
        """Drops what has come so far, so that the next heartbeats are made from now on."""
        return len(self.manager.receiver.take())

    def lose_controller(self, port):
        self.manager.receiver.close(port)

    def operating_states(self):
        return self.manager.database.states

    def statistics(self):
        """What the database has of each listener of each amphora."""
        sums = self.manager.database.sums
        return [{"listener": key[0], "amphora": key[1], **values} for key, values in sums.items()]


def play(steps, step):
    name = step.pop("do")
    Count.requests = Count.retries = 0
    Steps.listener_failures = []
    started = time.monotonic()
    line = {"step": name, "ok": True, "began": time.time()}
    try:
        line["result"] = getattr(steps, name)(**step)
        if Steps.listener_failures:
            line.update(ok=False, error="listeners failed: " + " ".join(Steps.listener_failures))
    except Exception as error:
        line.update(ok=False, error="{}: {}".format(type(error).__name__, error), trace=traceback.format_exc())
    tell(**line, ms=since(started), requests=Count.requests, retries=Count.retries)


def main():
    watch_sessions()
    watch_retries()
    if hasattr(rest_api_driver, "repo"):
        rest_api_driver.repo = types.SimpleNamespace(ListenerRepository=ListenerRepository)
    if hasattr(rest_api_driver, "db_apis"):
        rest_api_driver.db_apis = mock.MagicMock()
    steps = Steps()
    versions = sorted(version for version in steps.driver.clients if version != "base")
    tell(ready=True, versions=versions, python=sys.version.split()[0])
    for text in sys.stdin:
        if text.strip():
            play(steps, json.loads(text))


main()
