import type { AmphoraDomain, ApiVersion, Network } from '../../amphora/amphora.ts';
import { Fault } from '../../kit/fault.ts';
import { inBody, inPath, optional, withoutMeaning } from '../../server/table/field.ts';
import { row, type Row } from '../../server/table/row.ts';
import { always, record, text } from '../../server/table/schema.ts';
import type { MakeChange } from './change.ts';
import { accepted, okWithDetails } from './documents/reply.ts';
import { address, cidr, hostRoutes, mac, mtu, nullable, subnetAddresses } from './fields.ts';
import { baseOf } from './versions.ts';

/** The routes of ports and addresses. */
export function networkRows(
  { network }: AmphoraDomain,
  version: ApiVersion,
  changing: MakeChange,
): Row[] {
  return [
    vipRow(network, version, changing),
    portRow(network, version, changing),
    row({
      methods: ['GET'],
      path: `${baseOf[version]}/interface/:ip`,
      role: 'anyone',
      summary: 'The interface that has an address.',
      fields: { ip: inPath(address) },
      refusal: 'address_invalid',
      answers: { 200: { json: record({ message: always('OK'), interface: text }) } },
      codes: ['address_invalid', 'interface_not_found'],
      handle: async ({ ip }) => ({
        body: { message: 'OK', interface: await network.interfaceOf(ip) },
      }),
    }),
  ];
}

/** A port for one of the tenants' networks. Virtual functions (SR-IOV) are plugged as any other port. */
const ofPorts = {
  mac_address: inBody(mac),
  mtu: optional(nullable(mtu)),
  is_sriov: optional(withoutMeaning),
};

function vipRow(network: Network, version: ApiVersion, changing: MakeChange): Row {
  return changing({
    methods: ['POST'],
    path: `${baseOf[version]}/plug/vip/:ip`,
    summary: 'Moves the port of the VIP into the namespace, and gives it its addresses and routes.',
    body: 'json',
    fields: {
      ip: inPath(address),
      ...ofPorts,
      subnet_cidr: inBody(cidr),
      gateway: optional(nullable(address)),
      vrrp_ip: optional(nullable(address)),
      host_routes: optional(nullable(hostRoutes)),
      additional_vips: optional(nullable(subnetAddresses)),
    },
    refusal: 'vip_invalid',
    answers: { 202: { json: okWithDetails } },
    codes: ['vip_invalid', 'port_not_found', 'interface_exists', 'vip_plug_failed'],
    async carryOut({ ip, ...values }) {
      const first = {
        address: ip,
        cidr: values.subnet_cidr,
        gateway: values.gateway,
        hostRoutes: values.host_routes ?? [],
      };
      const others = values.additional_vips ?? [];
      const plugged = await network.plugVip({
        vips: [first, ...others],
        mac: values.mac_address,
        vrrpIp: values.vrrp_ip,
        mtu: values.mtu,
      });
      const addresses = [ip, ...others.map((each) => each.address)].join(', ');
      return accepted(`VIP ${addresses} plugged on interface ${plugged}`);
    },
  });
}

function portRow(network: Network, version: ApiVersion, changing: MakeChange): Row {
  return changing({
    methods: ['POST'],
    path: `${baseOf[version]}/plug/network`,
    summary: `Moves a port of a member's network into the namespace, or updates it (API ${version}).`,
    body: 'json',
    fields: {
      ...ofPorts,
      fixed_ips: optional(nullable(subnetAddresses)),
      vip_net_info: optional(withoutMeaning),
    },
    refusal: 'network_invalid',
    answers: { 202: { json: okWithDetails } },
    codes: [
      'network_invalid',
      'port_not_found',
      'port_plug_failed',
      ...(version === '0.5' ? (['interface_exists'] as const) : []),
    ],
    async carryOut(values) {
      const { interface: name, isNew } = await network.plugPort({
        mac: values.mac_address,
        addresses: values.fixed_ips ?? [],
        mtu: values.mtu,
      });
      if (isNew) return accepted(`Plugged interface ${name}`);
      // Drivers of that version take 409 for done, and know no update.
      if (version === '0.5') throw alreadyPlugged(name);
      return accepted(`Updated existing interface ${name}`);
    },
  });
}

function alreadyPlugged(name: string): Fault {
  return new Fault('interface_exists', `The port is plugged as ${name} already, and was updated.`);
}
