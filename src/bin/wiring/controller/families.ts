import { controllerMigrations } from '../../../controller/migrations.ts';
import type { Migration } from '../../../controller/store/store.ts';
import { digestOf } from '../../../keepalived/digest.ts';
import { renderKeepalived } from '../../../keepalived/render.ts';
import { balancerMigrations } from '../../../balancer/tables.ts';
import { makeBalancer } from './balancer.ts';
import { gatewayTables, makeGateway } from './gateway.ts';
import type { ControllerFamily, ControllerGround } from './family.ts';

/** The tables of all families, in their order. A new family adds its own at the end. */
export const allMigrations: readonly Migration[] = [
  ...controllerMigrations,
  ...gatewayTables,
  ...balancerMigrations,
];

/** Makes the families. A new family is one line here. */
export function makeFamilies(ground: ControllerGround): readonly ControllerFamily[] {
  const gateway = makeGateway({
    ...ground,
    digestOf,
    render: ({ id, name }, wanted) =>
      renderKeepalived(wanted, {
        // Before its first word, the newest is assumed.
        version: ground.links.word(id)?.report.version ?? '',
        node: name,
      }),
  });
  return [gateway, makeBalancer({ ...ground, worker: gateway.worker })];
}
