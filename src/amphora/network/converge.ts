import type { Log } from '../../kit/log.ts';
import { Fault } from '../../kit/fault.ts';
import { type Ip, type Route, routeText } from '../../netlink/ip.ts';
import { type InterfaceState, isSameAddress, isSameRoute, isSameRule } from './interface-state.ts';

/**
 * Gives an interface what it should have, and takes away what it had by a former state. Whatever it has already stays
 * untouched, so a repeated call finishes what another began. Addresses and routes that are named in neither state stay.
 * @returns whether anything was missing or too much
 * Faults: those of Ip
 */
export async function converge(
  ip: Ip,
  device: string,
  wanted: InterfaceState,
  former: InterfaceState,
  log: Log,
): Promise<boolean> {
  const changes = [
    await removeFormer(ip, device, former),
    await bringUp(ip, device, wanted),
    await addAddresses(ip, device, wanted),
    await addRoutes(ip, device, wanted, log),
    await addRules(ip, wanted),
  ];
  return changes.includes(true);
}

/** Comes first: the kernel deletes other addresses and routes with an address, and they are added again afterwards. */
async function removeFormer(ip: Ip, device: string, former: InterfaceState): Promise<boolean> {
  let isChanged = false;
  const rules = former.rules.length > 0 ? await ip.rules() : [];
  for (const rule of former.rules) {
    if (!rules.some((each) => isSameRule(each, rule))) continue;
    await ip.deleteRule(rule);
    isChanged = true;
  }
  const routes = former.routes.length > 0 ? await ip.routes(device) : [];
  for (const route of former.routes) {
    if (!routes.some((each) => isSameRoute(each, route))) continue;
    await ip.deleteRoute(device, route);
    isChanged = true;
  }
  for (const address of former.addresses) {
    const present = await ip.addresses(device);
    if (!present.some((each) => isSameAddress(each, address))) continue;
    await ip.deleteAddress(device, address.address, address.prefix);
    isChanged = true;
  }
  return isChanged;
}

async function bringUp(ip: Ip, device: string, { mtu }: InterfaceState): Promise<boolean> {
  const link = (await ip.links()).find(({ name }) => name === device);
  const hasMtu = mtu === undefined || link?.mtu === mtu;
  if (!hasMtu) await ip.setMtu(device, mtu);
  const isUp = link?.isUp ?? false;
  if (!isUp) await ip.setUp(device);
  return !hasMtu || !isUp;
}

async function addAddresses(
  ip: Ip,
  device: string,
  { addresses }: InterfaceState,
): Promise<boolean> {
  const present = await ip.addresses(device);
  const missing = addresses.filter((each) => !present.some((other) => isSameAddress(each, other)));
  for (const { address, prefix } of missing) await ip.addAddress(device, address, prefix);
  return missing.length > 0;
}

async function addRoutes(
  ip: Ip,
  device: string,
  { routes }: InterfaceState,
  log: Log,
): Promise<boolean> {
  const present = await ip.routes(device);
  const missing = routes.filter((each) => !present.some((other) => isSameRoute(each, other)));
  let isChanged = false;
  for (const route of missing) {
    if (await addRoute(ip, device, route, log)) isChanged = true;
  }
  return isChanged;
}

/**
 * Two subnets of tenants may have routes to one destination, and a tenant may write one that makes no sense. As with
 * Octavia's agent, that fails no plug.
 */
async function addRoute(
  ip: Ip,
  device: string,
  route: Route & { isOfTenant?: true },
  log: Log,
): Promise<boolean> {
  try {
    const isAdded = await ip.addRoute(device, route);
    if (!isAdded)
      log.warn({ device, route: routeText(route) }, 'another route has the destination');
    return isAdded;
  } catch (error) {
    if (!(error instanceof Fault) || route.isOfTenant !== true) throw error;
    log.warn({ device, route: routeText(route), why: error.message }, 'a host route was refused');
    return false;
  }
}

async function addRules(ip: Ip, { rules }: InterfaceState): Promise<boolean> {
  if (rules.length === 0) return false;
  const present = await ip.rules();
  const missing = rules.filter((each) => !present.some((other) => isSameRule(each, other)));
  for (const rule of missing) await ip.addRule(rule);
  return missing.length > 0;
}
