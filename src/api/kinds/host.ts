import { z } from 'zod';
import { hostStateSchema } from '../wire/enums.ts';
import { conditionsSchema } from './condition.ts';
import { AGE_COLUMN, type KindDefinition } from './kind-definition.ts';
import type { CustomObject } from './object-meta.ts';
import { atomicList, closure, hostname, immutable, objectName, text, timestamp } from './schema.ts';

export const hostSpecSchema = z
  .object({
    fleetRef: immutable(objectName('The Fleet.')),
    hostname: immutable(hostname("The host's name as the fleet declares it.")),
    channel: text(128, 'The channel it belongs to.'),
    tags: atomicList(z.array(text(128, 'A tag.')).max(256).default([]).meta({ description: 'Its tags.' })),
    platform: text(64, 'Its platform, such as x86_64-linux.'),
    pubkey: text(1024, 'Its SSH host key, an ssh-ed25519 line.').optional(),
    declaredClosure: closure('What the content in force wants it to run.').optional(),
    pin: z
      .object({
        commit: text(128, 'The commit it is pinned to.'),
        reason: text(1024, 'Why.'),
        expiresAt: timestamp('Until when.').optional(),
      })
      .optional()
      .meta({ description: 'A pin that the fleet declares.' }),
    revokedBefore: timestamp('Certificates issued before are refused; only ever moves forward.').optional(),
  })
  .meta({
    description: 'What the content in force declares about the host.',
    'x-kubernetes-validations': [
      {
        rule: '!has(oldSelf.revokedBefore) || (has(self.revokedBefore) && timestamp(self.revokedBefore) >= timestamp(oldSelf.revokedBefore))',
        message: 'a revocation cannot be taken back',
      },
    ],
  });

export const hostStatusSchema = z
  .object({
    closure: closure('What the host says it runs.').optional(),
    closureSince: timestamp('Since when it says so.').optional(),
    firstSeenTime: timestamp('Its first heartbeat since this object exists.').optional(),
    settledTime: timestamp('When it had reported the same closure twice.').optional(),
    lastSeenTime: timestamp(
      'A recent heartbeat; refreshed a few times per offline.after, not on each.',
    ).optional(),
    certificate: z
      .object({
        notBefore: timestamp('Valid from.'),
        notAfter: timestamp('Valid until.'),
        fingerprint: text(128, 'SHA-256 of the certificate.'),
      })
      .optional()
      .meta({ description: 'The certificate it last presented.' }),
    clockSkewSeconds: z.int().min(-1_000_000_000).max(1_000_000_000).optional().meta({
      description:
        "How far its clock is ahead of the operator's (behind: negative), while that is more than a minute.",
      format: 'int64',
    }),
    closureShort: text(16, 'The first characters of the closure.').optional(),
    state: hostStateSchema.optional().meta({ description: 'The state of its newest record.' }),
    rollout: objectName('The Rollout of its newest record.').optional(),
    declared: z.boolean().optional().meta({ description: 'Whether it runs what is declared.' }),
    offline: z.boolean().optional().meta({ description: 'Whether it has been silent for too long.' }),
    conditions: conditionsSchema.optional(),
  })
  .meta({ description: 'What the host says, and what the leader makes of it.' });

export type HostSpec = z.output<typeof hostSpecSchema>;
export type HostStatus = z.infer<typeof hostStatusSchema>;
/** A machine of the fleet, outside the cluster. */
export type Host = CustomObject<HostSpec, HostStatus>;

export const hostKind: KindDefinition = {
  kind: 'Host',
  plural: 'hosts',
  singular: 'host',
  shortName: 'nfh',
  description: 'A NixOS machine of the fleet: what is declared for it and what it says it runs.',
  spec: hostSpecSchema,
  status: hostStatusSchema,
  columns: [
    { name: 'Channel', type: 'string', jsonPath: '.spec.channel', description: 'The channel.' },
    { name: 'State', type: 'string', jsonPath: '.status.state', description: 'State of its newest record.' },
    {
      name: 'Closure',
      type: 'string',
      jsonPath: '.status.closureShort',
      description: 'What it runs, shortened.',
    },
    {
      name: 'Declared',
      type: 'boolean',
      jsonPath: '.status.declared',
      description: 'Runs what is declared.',
    },
    { name: 'Last-Seen', type: 'date', jsonPath: '.status.lastSeenTime', description: 'A recent heartbeat.' },
    { name: 'Offline', type: 'boolean', jsonPath: '.status.offline', description: 'Silent for too long.' },
    AGE_COLUMN,
  ],
};
