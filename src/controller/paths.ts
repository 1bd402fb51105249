/** Where ha-controller answers root on this host. */
export const controllerSocket = '/run/ha-controller/ha-controller.sock';

/** For keys while openssl works; it is in memory. */
export const signingFolder = '/run/ha-controller/signing';

/** The same for hactl, which also runs without the service. */
export const hactlSigningFolder = '/run/ha-controller-hactl';

/**
 * Pacemaker writes this file before it starts the unit as a resource, and removes it after it has stopped it
 * (lib/services/systemd.c).
 */
export const pacemakerOverride = '/run/systemd/system/ha-controller.service.d/50-pacemaker.conf';

/** The mounts as the host sees them. A unit's own view has further ones. */
export const hostMounts = '/proc/1/mountinfo';
