const instance = /^[ \t]*vrrp_instance[ \t]+(\S+)/gm;

/** The names of the VRRP instances in a configuration. */
export function instanceNamesOf(config: string): string[] {
  return [...config.matchAll(instance)].map(([, name = '']) => name.replace(/\{$/, ''));
}

/**
 * Lets `nopreempt` have its effect. Drivers before 15.0 write `state MASTER` beside it, and then keepalived ignores it
 * (keepalived.conf(5), "the initial state must not be MASTER"). The host that comes back would take the VIP away again.
 * Later drivers write no state, which means BACKUP. The election at a start is the same with both.
 * @returns the configuration with `state BACKUP` in each such instance; all lines keep their numbers
 */
export function withEffectiveNopreempt(config: string): string {
  return config
    .split(/^(?=[ \t]*vrrp_instance\s)/m)
    .map((part) =>
      /^[ \t]*nopreempt[ \t]*$/m.test(part)
        ? part.replace(/^([ \t]*state[ \t]+)MASTER(?=[ \t]*$)/m, '$1BACKUP')
        : part,
    )
    .join('');
}

/**
 * Lets the host routes of a subnet have their effect. Drivers from 11.0 write `gateway` in them, which keepalived 2.1 to
 * 2.3 do not know: they would leave the route out. Its word is `via` (keepalived.conf(5), `virtual_routes`).
 * @returns the configuration with `via`; all lines keep their numbers
 */
export function withKnownRoutes(config: string): string {
  return config.replace(
    /^([ \t]*[0-9a-fA-F.:]+\/\d+[ \t]+dev[ \t]+\S+[ \t]+)gateway(?=[ \t])/gm,
    '$1via',
  );
}
