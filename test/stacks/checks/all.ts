import type { Checks } from '../faults.ts';
import { deliveryChecks } from './delivery.ts';
import { functionsChecks } from './functions.ts';
import { monitoringChecks } from './monitoring.ts';
import { permissionsChecks } from './permissions.ts';
import { schedulesChecks } from './schedules.ts';
import { storageChecks } from './storage.ts';

export const checks: Checks = {
  ...functionsChecks,
  ...deliveryChecks,
  ...schedulesChecks,
  ...permissionsChecks,
  ...storageChecks,
  ...monitoringChecks,
};
