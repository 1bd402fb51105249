import type { FaultCode } from '../../kit/fault.ts';
import { alphornFaults } from '../../routes/alphorn/faults.ts';
import { amphoraFaults } from '../../routes/amphora/faults.ts';
import { balancerFaults } from '../../routes/balancer/faults.ts';
import { controllerFaults } from '../../routes/controller/faults.ts';
import { gatewayFaults } from '../../routes/gateway/faults.ts';
import { haFaults } from '../../routes/ha/faults.ts';
import { nodeFaults } from '../../routes/node/faults.ts';
import type { FaultMeaning } from '../../server/fault-table.ts';
import { serverFaults } from '../../server/faults.ts';

/** The faults of all families. The type demands each code that a family declares. */
export const faults: Readonly<Record<FaultCode, FaultMeaning>> = {
  ...serverFaults,
  ...haFaults,
  ...alphornFaults,
  ...amphoraFaults,
  ...nodeFaults,
  ...controllerFaults,
  ...gatewayFaults,
  ...balancerFaults,
};
