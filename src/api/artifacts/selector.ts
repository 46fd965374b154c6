import { z } from 'zod';
import { nullable } from './fields.ts';

/** Which hosts a wave or budget is about (planner.md §7). One satisfied member suffices; none given selects nothing. */
export const selectorSchema = z.object({
  /** Hosts that carry all of these tags. */
  tags: z.array(z.string()).default([]),
  /** Hosts that carry at least one of these tags. */
  tagsAny: z.array(z.string()).default([]),
  /** Hosts of these names. */
  hosts: z.array(z.string()).default([]),
  /** Hosts of this channel. */
  channel: nullable(z.string()),
  /** Every host. */
  all: z.boolean().default(false),
});

/** Which hosts a wave or budget is about (planner.md §7). */
export type Selector = z.infer<typeof selectorSchema>;
