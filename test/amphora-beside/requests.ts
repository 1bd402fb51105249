import type { AmphoraNode } from '../lab/amphora/lab.ts';
import { tenant } from '../lab/amphora/networks.ts';

/** What requests name. */
export interface Subject {
  node: AmphoraNode;
  /** Load balancer, and one of its listeners. */
  lb: string;
  listener: string;
  /** The configuration that the driver has written, once it has. */
  config: string;
  keepalived: string;
  /** The configuration of an LVS listener. */
  lvsConfig: string;
  /** PEMs: a certificate with its key, another key, and the file that the driver uploads. */
  certificate: string;
  key: string;
  otherKey: string;
  /** The names of the certificates that the driver has uploaded. */
  uploaded: readonly string[];
  agentConfig: string;
  /** The hardware addresses of the ports, in the order of their plugging. */
  macs: readonly string[];
}

/** A request with the controller's certificate, beyond those of the driver. */
export interface PlainRequest {
  /** Says what it is about. */
  name: string;
  method: string;
  path: string;
  /** Sent as JSON, or as bytes of no type if it is a text. */
  body?: object | string;
}

type RequestsOf = (subject: Subject) => readonly PlainRequest[];

const get = (path: string, name = 'read'): PlainRequest => ({ name, method: 'GET', path });
const put = (path: string, body: string, name: string): PlainRequest => ({
  name,
  method: 'PUT',
  path,
  body,
});
const post = (path: string, body: object | string, name: string): PlainRequest => ({
  name,
  method: 'POST',
  path,
  body,
});

const unknownMac = 'fa:16:3e:ff:ff:ff';
const unknownLb = '4a000000-aaaa-4000-8000-0000000000ff';
const pem = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.pem';

const reads: readonly PlainRequest[] = [
  get('/'),
  get('//'),
  get('/info'),
  get('/1.0/info'),
  get('/1.0/details'),
  get('/1.0/listeners'),
];

const unknownRoutes: readonly PlainRequest[] = [
  get('/nothing'),
  get('/1.0'),
  get('/1.0/nothing'),
  get('/2.0/info'),
  get('/1.0/topology'),
  get('/1.0/listeners/', 'with a slash at the end'),
  get('/1.0/info/', 'with a slash at the end'),
  put(`/1.0/interface/${tenant.vip.address}/rules`, '[]', 'a route of SR-IOV'),
];

const wrongMethods: readonly PlainRequest[] = [
  { name: 'wrong method', method: 'POST', path: '/1.0/info' },
  { name: 'wrong method', method: 'DELETE', path: '/1.0/details' },
  { name: 'wrong method', method: 'PUT', path: '/1.0/listeners' },
  { name: 'wrong method', method: 'GET', path: '/1.0/config' },
  { name: 'wrong method', method: 'GET', path: '/1.0/plug/network' },
  { name: 'wrong method', method: 'GET', path: '/1.0/vrrp/upload' },
  { name: 'without body', method: 'HEAD', path: '/1.0/info' },
];

const addresses: readonly PlainRequest[] = [
  get('/1.0/interface/198.18.1.99', 'an address that is nowhere'),
  get('/1.0/interface/2001:db8:1::99', 'an address that is nowhere'),
  get('/1.0/interface/10.6.0.1.1', 'no address'),
  get('/1.0/interface/nonsense', 'no address'),
];

/** Before anything was configured. */
export const ofFreshAgent: RequestsOf = (subject) => {
  const { lb, listener, node, certificate, key, otherKey } = subject;
  const base = `/1.0/loadbalancer/${lb}`;
  const vip = `/1.0/plug/vip/${tenant.vip.address}`;
  const subnet = { subnet_cidr: tenant.vip.cidr, gateway: tenant.vip.gateway };
  return [
    ...reads,
    ...unknownRoutes,
    ...wrongMethods,
    ...addresses,
    get(`${base}/haproxy`, 'of no load balancer'),
    get(`/1.0/listeners/${listener}`, 'a route of 0.5'),
    put(`${base}/start`, '', 'of no load balancer'),
    put(`${base}/stop`, '', 'of no load balancer'),
    put(`${base}/reload`, '', 'of no load balancer'),
    put(`${base}/restart`, '', 'unknown action'),
    { name: 'of no load balancer', method: 'DELETE', path: `/1.0/listeners/${lb}` },
    put(`/1.0/loadbalancer/${node.id}/${lb}/haproxy`, '', 'empty'),
    put(`/1.0/loadbalancer/${node.id}/${lb}/haproxy`, 'nonsense\n', 'no configuration'),
    put(
      `/1.0/loadbalancer/${node.id}/${lb}/haproxy`,
      'frontend a\n    bind nonsense\n',
      'a line that haproxy refuses',
    ),
    get(`${base}/haproxy`, 'after a refused configuration'),
    { name: 'after a refused configuration', method: 'DELETE', path: `/1.0/listeners/${lb}` },
    get(`${base}/certificates/${pem}`, 'no such certificate'),
    { name: 'no such certificate', method: 'DELETE', path: `${base}/certificates/${pem}` },
    put(`${base}/certificates/${pem}`, certificate + key, 'certificate and key'),
    get(`${base}/certificates/${pem}`, 'of an early certificate'),
    put(`${base}/certificates/${pem}`, key + certificate, 'key and certificate'),
    put(`${base}/certificates/${pem}`, 'nonsense', 'nonsense as a certificate'),
    put(`${base}/certificates/www.pem`, certificate, 'a certificate without key'),
    put(`${base}/certificates/www.pem`, key, 'a key without certificate'),
    put(`${base}/certificates/www.pem`, certificate + otherKey, 'a key of another certificate'),
    put(`${base}/certificates/nonsense`, certificate + key, 'a name without .pem'),
    get(`${base}/certificates/nonsense`, 'a name without .pem'),
    { name: 'early certificate', method: 'DELETE', path: `${base}/certificates/${pem}` },
    get(`/1.0/listeners/${listener}/udp_listener`, 'no LVS listener'),
    post('/1.0/plug/vip/nonsense', { ...subnet, mac_address: unknownMac }, 'no address'),
    post(vip, { ...subnet, mac_address: unknownMac }, 'no such port'),
    post(vip, { subnet_cidr: tenant.vip.cidr }, 'missing fields'),
    post(vip, { ...subnet, subnet_cidr: 'nonsense', mac_address: unknownMac }, 'no subnet'),
    post(
      vip,
      { ...subnet, mac_address: unknownMac, vrrp_ip: 'nonsense' },
      'no address for keepalived',
    ),
    post(vip, [], 'no object'),
    post(vip, 'nonsense', 'no JSON'),
    post('/1.0/plug/network', { mac_address: unknownMac }, 'no such port'),
    post('/1.0/plug/network', {}, 'missing fields'),
    post('/1.0/plug/network/', { mac_address: unknownMac }, 'with a slash at the end'),
    post(
      '/1.0/plug/network',
      { mac_address: unknownMac, fixed_ips: [{ ip_address: 'nonsense' }] },
      'no address',
    ),
    put('/1.0/vrrp/start', '', 'without configuration'),
    put('/1.0/vrrp/stop', '', 'without configuration'),
    put('/1.0/vrrp/reload', '', 'without configuration'),
    put('/1.0/vrrp/restart', '', 'unknown action'),
  ];
};

/** While the load balancer serves. */
export const ofServingAgent: RequestsOf = (subject) => {
  const { lb, listener, node, config, certificate, uploaded, macs, keepalived, lvsConfig } =
    subject;
  const base = `/1.0/loadbalancer/${lb}`;
  const [vipMac = '', memberMac = ''] = macs;
  const vip = `/1.0/plug/vip/${tenant.vip.address}`;
  const vipPorts = {
    subnet_cidr: tenant.vip.cidr,
    gateway: tenant.vip.gateway,
    mac_address: vipMac,
    mtu: 1500,
    host_routes: [],
  };
  const lvs = `/1.0/listeners/${node.id}/${listener}/udp_listener`;
  return [
    ...reads,
    ...addresses,
    get(`/1.0/interface/${node.vrrpAddress}`, 'the address of keepalived'),
    get(`/1.0/interface/${node.memberAddress}`, 'an address of the members'),
    get(`/1.0/interface/${node.address}`, 'an address of the host itself'),
    get(`${base}/haproxy`, 'its configuration'),
    get(`/1.0/listeners/${listener}`, 'a route of 0.5'),
    put(`/1.0/loadbalancer/${node.id}/${lb}/haproxy`, config, 'the same configuration'),
    put(
      `/1.0/loadbalancer/${node.id}/${lb}/haproxy`,
      config.replace('mode http', 'mode nonsense'),
      'a configuration with a mistake',
    ),
    get(`${base}/haproxy`, 'after a refused configuration'),
    put(`${base}/START`, '', 'an action in capitals'),
    put(`${base}/start`, '', 'while it runs'),
    put(`${base}/reload`, '', 'while it runs'),
    put(`${base}/restart`, '', 'unknown action'),
    put(`${base}/stop`, '', 'while it runs'),
    get('/1.0/listeners', 'of a stopped load balancer'),
    get('/1.0/details', 'of a stopped load balancer'),
    put(`${base}/stop`, '', 'while it does not run'),
    put(`${base}/reload`, '', 'while it does not run'),
    get('/1.0/listeners', 'of a started load balancer'),
    ...uploaded.map((name) => get(`${base}/certificates/${name}`, 'a certificate')),
    {
      name: 'no such certificate',
      method: 'DELETE',
      path: `${base}/certificates/${pem}`,
    },
    put(`${base}/certificates/${pem}`, certificate, 'an authority'),
    { name: 'an authority', method: 'DELETE', path: `${base}/certificates/${pem}` },
    put(`/1.0/loadbalancer/${unknownLb}/reload`, '', 'of another load balancer'),
    post(vip, { ...vipPorts, vrrp_ip: node.vrrpAddress }, 'a port that is plugged'),
    post(vip, vipPorts, 'a port that is plugged, without its address'),
    get(`/1.0/interface/${node.vrrpAddress}`, 'after a refused plug'),
    post(
      '/1.0/plug/network',
      {
        mac_address: memberMac,
        fixed_ips: [{ ip_address: node.memberAddress, subnet_cidr: tenant.members.cidr }],
      },
      'a port that is plugged',
    ),
    put('/1.0/vrrp/upload', keepalived, 'the same configuration'),
    put('/1.0/vrrp/start', '', 'while it runs'),
    put('/1.0/vrrp/reload', '', 'while it runs'),
    put('/1.0/vrrp/RELOAD', '', 'an action in capitals'),
    put('/1.0/vrrp/stop', '', 'while it runs'),
    put('/1.0/vrrp/stop', '', 'while it does not run'),
    put('/1.0/vrrp/start', '', 'while it does not run'),
    put(lvs, 'virtual_server nonsense {\n', 'a configuration with a mistake'),
    put(lvs, lvsConfig, 'an LVS listener'),
    get(`/1.0/listeners/${listener}/udp_listener`, 'an LVS listener'),
    put(`/1.0/loadbalancer/${listener}/start`, '', 'an LVS listener, which this kernel cannot run'),
    { name: 'an LVS listener', method: 'DELETE', path: `/1.0/listeners/${listener}` },
  ];
};

/** When all is deleted. The last ones leave a real agent unable to serve. */
export const ofEmptiedAgent: RequestsOf = (subject) => {
  const { lb, certificate, key, otherKey, agentConfig, node } = subject;
  return [
    ...reads,
    get(`/1.0/loadbalancer/${lb}/haproxy`, 'of a deleted load balancer'),
    put(`/1.0/loadbalancer/${lb}/start`, '', 'of a deleted load balancer'),
    { name: 'of a deleted one', method: 'DELETE', path: `/1.0/listeners/${lb}` },
    put('/1.0/vrrp/upload', 'nonsense {\n', 'no configuration'),
    put('/1.0/config', agentConfig, 'a configuration'),
    put('/1.0/config', agentConfig.replace(/heartbeat_interval = .*/, ''), 'without an interval'),
    put('/1.0/config', agentConfig.replaceAll(node.id, unknownLb), 'of another amphora'),
    put('/1.0/config', agentConfig, 'a configuration'),
    put('/1.0/config', 'nonsense', 'no configuration'),
    put('/1.0/config', agentConfig, 'a configuration'),
    put('/1.0/certificate', certificate + key, 'of another host'),
    put('/1.0/certificate', certificate + otherKey, 'a key of another certificate'),
    put('/1.0/certificate', certificate, 'a certificate without key'),
    put('/1.0/certificate', key, 'a key without certificate'),
    put('/1.0/certificate', 'nonsense', 'nonsense as a certificate'),
  ];
};
