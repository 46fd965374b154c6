import { z } from 'zod';
import { AGE_COLUMN, type KindDefinition } from './kind-definition.ts';
import type { CustomObject } from './object-meta.ts';
import { hostname, immutable, text, timestamp } from './schema.ts';

export const quarantinedClosureSpecSchema = z
  .object({
    channel: immutable(text(128, 'The channel on which it is refused.')),
    closure: immutable(z.string().min(1).max(512).meta({ description: 'The closure that is refused.' })),
    reason: text(512, 'Why.').optional(),
    rolloutId: text(256, 'The rollout in which it failed.').optional(),
    hostname: hostname('The host on which it failed.').optional(),
    quarantinedAt: timestamp('When it failed.').optional(),
  })
  .meta({
    description: 'A closure that no host of the channel is dispatched; delete the object to lift it.',
  });

export type QuarantinedClosureSpec = z.output<typeof quarantinedClosureSpecSchema>;
/** A closure that is refused on a channel until somebody deletes this object. */
export type QuarantinedClosure = CustomObject<QuarantinedClosureSpec, never>;

export const quarantinedClosureKind: KindDefinition = {
  kind: 'QuarantinedClosure',
  plural: 'quarantinedclosures',
  singular: 'quarantinedclosure',
  shortName: 'nfq',
  description:
    'A closure that no host of a channel is dispatched, because it was rolled back; delete it to lift.',
  spec: quarantinedClosureSpecSchema,
  columns: [
    { name: 'Channel', type: 'string', jsonPath: '.spec.channel', description: 'The channel.' },
    { name: 'Closure', type: 'string', jsonPath: '.spec.closure', description: 'The closure.' },
    { name: 'Reason', type: 'string', jsonPath: '.spec.reason', description: 'Why.' },
    AGE_COLUMN,
  ],
};
