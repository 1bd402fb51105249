/** Where ha-controller answers root of its own host. */
export const controllerSocket = '/run/ha-controller/ha-controller.sock';
