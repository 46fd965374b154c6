import { z } from 'zod';
import { omittable, uint32 } from './fields.ts';

/** What must be healthy on a host beyond its probes (planner.md §13). The control plane itself never judges it. */
export const healthGateSchema = z.object({
  /** A limit on failed systemd units. */
  systemdFailedUnits: omittable(
    z.object({
      /** How many units may have failed. */
      max: uint32,
    }),
  ),
});
