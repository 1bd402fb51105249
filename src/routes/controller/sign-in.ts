import { bearer, type TokenPlace } from '../../server/middleware/authenticate.ts';

/** The header of the families of the controller. A token after "Bearer" counts too. */
export const controllerToken: TokenPlace = {
  name: 'API-Token',
  read: (request) => request.get('API-Token') ?? bearer.read(request),
};
