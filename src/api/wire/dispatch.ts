/** GET /v1/agent/dispatch (agent-protocol.md §1.5): snake_case. */
import { z } from 'zod';
import { wireText, wireTime } from './fields.ts';

/** What a host shall switch to now. All members are required; `enqueued_at` comes back as the ack's `receivedAt`. */
export const dispatchAnswerSchema = z.object({
  hostname: wireText,
  rollout_id: wireText,
  target_closure: wireText,
  soak_due_at: wireTime,
  enqueued_at: wireTime,
});

/** What a host shall switch to now. */
export type DispatchAnswer = z.infer<typeof dispatchAnswerSchema>;
