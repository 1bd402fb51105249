"""Renders haproxy.cfg with the templates of the installed python3-octavia, for each feature that a tenant can use.

Prints JSON: the version of the driver, and each text by its name. The objects are those of Octavia's own tests.
"""
import importlib
import inspect
import json
import os

# Otherwise eventlet reads /etc/resolv.conf, which a root need not have.
os.environ['EVENTLET_NO_GREENDNS'] = 'yes'

from oslo_config import cfg  # noqa: E402

from octavia.common import config  # noqa: F401 -- registers the options

cfg.CONF([], project='octavia', default_config_files=[])

CERTIFICATES = '/var/lib/octavia/certs/'
VIP = '2001:db8::2'
HEADERS = [
    'X-Forwarded-For', 'X-Forwarded-Port', 'X-Forwarded-Proto', 'X-SSL-Client-Verify', 'X-SSL-Client-Has-Cert',
    'X-SSL-Client-DN', 'X-SSL-Client-CN', 'X-SSL-Issuer', 'X-SSL-Client-SHA1', 'X-SSL-Client-Not-Before',
    'X-SSL-Client-Not-After']
TLS = dict(proto='TERMINATED_HTTPS', tls=True, sni=True)
BACKEND_TLS = dict(tls_enabled=True, pool_cert=True, pool_ca_cert=True, pool_crl=True,
                   backend_tls_ciphers='ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384')
PAIR = dict(topology='ACTIVE_STANDBY')

CASES = {
    'http': {},
    'http-pair': PAIR,
    'http-l7': dict(l7=True),
    'http-no-pool': dict(alloc_default_pool=False, monitor=False),
    'http-no-monitor': dict(monitor=False, persistence=False),
    'http-headers': dict(insert_headers={name: 'true' for name in HEADERS}),
    'http-source-ip': dict(persistence_type='SOURCE_IP'),
    'http-source-ip-pair': dict(persistence_type='SOURCE_IP', **PAIR),
    'http-app-cookie': dict(persistence_type='APP_COOKIE', persistence_cookie='JSESSIONID'),
    'http-app-cookie-pair': dict(persistence_type='APP_COOKIE', persistence_cookie='JSESSIONID', **PAIR),
    'http-monitor-http-1.1': dict(hm_host_http_check=True),
    'http-monitor-address': dict(monitor_ip_port=True),
    'http-monitor-codes': dict(monitor_expected_codes='200-204,401'),
    'http-monitor-https': dict(monitor_proto='HTTPS'),
    'http-members': dict(backup_member=True, disabled_member=True),
    'http-limits': dict(connection_limit=2014, timeout_client_data=1, timeout_member_connect=2,
                        timeout_member_data=3, timeout_tcp_inspect=4),
    'http-many-vips': dict(additional_vips=True),
    'http-backend-tls': dict(**BACKEND_TLS),
    'http-backend-tls-files': dict(tls_enabled=True, pool_cert=True, pool_ca_cert=True, pool_crl=True),
    'http-backend-tls-unverified': dict(tls_enabled=True),
    'http-backend-tls-ca': dict(tls_enabled=True, pool_ca_cert=True),
    'tcp': dict(proto='TCP', monitor_proto='TCP'),
    'tcp-source-ip-pair': dict(proto='TCP', persistence_type='SOURCE_IP', monitor_proto='TCP', **PAIR),
    'tcp-ping': dict(proto='TCP', persistence=False, monitor_proto='PING'),
    'tcp-tls-hello': dict(proto='TCP', persistence=False, monitor_proto='TLS-HELLO'),
    'tcp-monitor-http': dict(proto='TCP', persistence=False, monitor_proto='HTTP'),
    'https': dict(proto='HTTPS', persistence=False, monitor_proto='HTTPS'),
    'proxy-1': dict(be_proto='PROXY', persistence=False),
    'proxy-2': dict(be_proto='PROXYV2', persistence=False),
    'tcp-proxy-1': dict(proto='TCP', be_proto='PROXY', persistence=False, monitor_proto='TCP'),
    'terminated-https': dict(**TLS),
    'terminated-https-pair-l7': dict(l7=True, ssl_type_l7=True, **PAIR, **TLS),
    'terminated-https-client-auth': dict(client_ca_cert=True, client_crl_cert=True, **TLS),
    'terminated-https-headers': dict(insert_headers={name: 'true' for name in HEADERS}, client_ca_cert=True, **TLS),
    'terminated-https-proxy-2': dict(be_proto='PROXYV2', persistence=False, **TLS),
    'terminated-https-plain': dict(tls_versions=None, tls_ciphers=None, alpn_protocols=None, **TLS),
    'terminated-https-backend-tls': dict(client_ca_cert=True, **BACKEND_TLS, **TLS),
    'prometheus': dict(proto='PROMETHEUS', include_pools=False, alloc_default_pool=False),
}


def accepted(function, arguments):
    """The arguments that this version of Octavia has; None if it has not all of them."""
    names = inspect.signature(function).parameters
    return arguments if set(arguments) <= set(names) else None


def paired(sample, listener):
    """The listener of a load balancer whose amphorae are in use: only those become peers."""
    amphorae = [
        sample.sample_amphora_tuple(id='8bb6a2e0-7f43-4c4a-9d6b-2a3c1f0e5d0%d' % number, vrrp_ip='10.1.1.%d' % number,
                                    status='ALLOCATED') for number in (1, 2)]
    return listener._replace(load_balancer=listener.load_balancer._replace(amphorae=amphorae))


def certificates(owner):
    folder = CERTIFICATES + owner + '/'
    return folder, {
        'cont_id_ca': '5' * 40 + '.pem',
        'cont_id_crl': '6' * 40 + '.pem',
        **{pool: {'client_cert': folder + '7' * 40 + '.pem', 'ca_cert': folder + '8' * 40 + '.pem',
                  'crl': folder + '9' * 40 + '.pem'} for pool in ('sample_pool_id_1', 'sample_pool_id_2')},
    }


def combined(haproxy):
    module = importlib.import_module('octavia.common.jinja.haproxy.combined_listeners.jinja_cfg')
    sample = importlib.import_module('octavia.tests.unit.common.sample_configs.sample_configs_combined')
    owner = 'sample_loadbalancer_id_1'
    _, by_id = certificates(owner)

    def render(listeners, templater=None):
        arguments = dict(host_amphora=sample.sample_amphora_tuple(), listeners=listeners, tls_certs=by_id,
                         haproxy_versions=haproxy)
        templater = templater or module.JinjaTemplater()
        if 'amp_details' in inspect.signature(templater.build_config).parameters:
            arguments['amp_details'] = dict(memory=dict(free=30000, buffers=10000, cached=20000), cpu_count=4,
                                            active_tuned_profiles='virtual-guest amphora')
        return templater.build_config(**arguments)

    for name, case in CASES.items():
        arguments = accepted(sample.sample_listener_tuple, case)
        if arguments is None or (case.get('proto') == 'PROMETHEUS' and not hasattr(sample.lib_consts, 'PROTOCOL_PROMETHEUS')):
            continue
        try:
            yield 'combined-' + name, owner, render([paired(sample, sample.sample_listener_tuple(**arguments))])
        except KeyError:
            # This version does not know the protocol
            continue
    several = [sample.sample_listener_tuple(id='sample_listener_id_%d' % number, connection_limit=100)
               for number in range(1, 4)]
    yield 'combined-several', owner, render(several)
    disabled = [several[0], sample.sample_listener_tuple(id='sample_listener_id_2', enabled=False)]
    yield 'combined-disabled', owner, render(disabled)
    yield 'combined-no-log', owner, render(several[:1], module.JinjaTemplater(connection_logging=False))
    for algorithm in ('LEAST_CONNECTIONS', 'SOURCE_IP'):
        listener = sample.sample_listener_tuple(persistence=False)
        pools = [pool._replace(lb_algorithm=algorithm) for pool in listener.pools]
        yield 'combined-' + algorithm.lower().replace('_', '-'), owner, render([listener._replace(pools=pools)])
    listener = sample.sample_listener_tuple(persistence=False)
    pools = [pool._replace(members=[
        member._replace(weight=256 * number, ip_address='2001:db8::%d' % (number + 9))
        for number, member in enumerate(pool.members)]) for pool in listener.pools]
    yield 'combined-weights', owner, render([listener._replace(pools=pools)])
    lb = listener.load_balancer
    yield 'combined-ipv6', owner, render([listener._replace(
        load_balancer=lb._replace(vip=lb.vip._replace(ip_address=VIP)))])


def split(haproxy):
    try:
        module = importlib.import_module('octavia.common.jinja.haproxy.split_listeners.jinja_cfg')
    except ImportError:
        return
    sample = importlib.import_module('octavia.tests.unit.common.sample_configs.sample_configs_split')
    owner = 'sample_listener_id_1'
    folder, by_id = certificates(owner)
    for name, case in CASES.items():
        arguments = accepted(sample.sample_listener_tuple, case)
        if arguments is None:
            continue
        try:
            text = module.JinjaTemplater().build_config(
                host_amphora=sample.sample_amphora_tuple(),
                listener=paired(sample, sample.sample_listener_tuple(**arguments)),
                haproxy_versions=haproxy, client_ca_filename=by_id['cont_id_ca'], client_crl=by_id['cont_id_crl'],
                pool_tls_certs=by_id)
        except KeyError:
            continue
        yield 'split-' + name, owner, text


def main():
    versions = importlib.import_module('pbr.version').VersionInfo('octavia').release_string()
    configs = {name: dict(owner=owner, text=text)
               for make in (combined, split) for name, owner, text in make(['3', '0'])}
    print(json.dumps(dict(version=versions, configs=configs)))


main()
