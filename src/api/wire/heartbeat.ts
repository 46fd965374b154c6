/** POST /v1/agent/heartbeat (agent-protocol.md §1.3): snake_case outside, camelCase in the snapshots. */
import { z } from 'zod';
import { wireOptional, wireText, wireTime } from './fields.ts';
import { hostRolloutSnapshotSchema } from './snapshot.ts';

/** What a host says once a minute. Real agents never send `rollout_id`; `at` is the host's clock. */
export const heartbeatRequestSchema = z.object({
  hostname: wireText,
  rollout_id: wireOptional(wireText),
  current_closure: wireOptional(wireText),
  at: wireTime,
});

/** What a host says once a minute. */
export type HeartbeatRequest = z.infer<typeof heartbeatRequestSchema>;

/** The answer. `received_at` repeats the request's `at`; `bootstrap_rollouts` is omitted when it would be empty. */
export const heartbeatResponseSchema = z.object({
  received_at: wireTime.nullable(),
  bootstrap_rollouts: wireOptional(z.array(hostRolloutSnapshotSchema)),
});

/** The answer to a heartbeat. */
export type HeartbeatResponse = z.infer<typeof heartbeatResponseSchema>;
