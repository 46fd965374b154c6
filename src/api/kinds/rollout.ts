import { z } from 'zod';
import { onHealthFailureSchema, rolloutStateSchema } from '../wire/enums.ts';
import { conditionsSchema } from './condition.ts';
import { AGE_COLUMN, type KindDefinition } from './kind-definition.ts';
import type { CustomObject } from './object-meta.ts';
import { atomicList, count, hostname, immutable, listMap, objectName, text, timestamp } from './schema.ts';

const limit = (description: string) => z.int().min(0).max(4294967295).meta({ description, format: 'int64' });

const intentSchema = z
  .object({
    hold: z
      .enum(['None', 'Pause'])
      .default('None')
      .meta({ description: 'Pause: no further host is dispatched until it is None again.' }),
    clear: z
      .object({
        at: timestamp('When this was asked for; a later time asks again.'),
        reason: z
          .string()
          .min(1)
          .max(1024)
          .meta({ description: 'Why it is safe to go on; kept in the audit log.' }),
        hosts: atomicList(
          z.array(hostname('A host to leave behind.')).max(256).default([]).meta({
            description: 'Empty: every Failed or Reverted host. Named hosts are cleared in any state.',
          }),
        ),
      })
      .optional()
      .meta({ description: 'Lift the halt and leave the hosts behind.' }),
    retry: listMap(
      z
        .array(
          z.object({
            host: hostname('The host to try once more.'),
            at: timestamp('When this was asked for; a later time asks again.'),
            reason: z.string().min(1).max(1024).meta({ description: 'Why; kept in the audit log.' }),
          }),
        )
        .max(16)
        .default([])
        .meta({ description: 'Hosts to try once more.' }),
      'host',
    ),
  })
  .meta({ description: 'What a person asks for.' });

export const rolloutSpecSchema = z
  .object({
    rolloutId: immutable(text(256, 'The id on the wire, channel@ref.')),
    channel: immutable(text(128, 'The channel.')),
    channelRef: immutable(text(128, 'The ref, a full commit id.')),
    attempt: immutable(
      z
        .int()
        .min(1)
        .max(2147483647)
        .meta({ description: 'Counts how often this id was opened.', format: 'int32' }),
    ),
    fleetRef: immutable(objectName('The Fleet.')),
    hostCount: immutable(count('Hosts in the manifest; until so many records exist the rollout is Opening.')),
    hostSetHash: immutable(
      text(64, 'Hash over hosts, waves and targets; another one under the same id is another attempt.'),
    ),
    waves: immutable(count('Waves of the channel.')),
    onHealthFailure: immutable(
      onHealthFailureSchema.meta({ description: 'What a failed health check leads to.' }),
    ),
    budgets: immutable(
      atomicList(
        z
          .array(
            z.object({
              selectorSummary: text(512, 'Which hosts share the budget.'),
              maxInFlight: limit('At most so many at once.').optional(),
              maxInFlightPct: limit('At most so many percent at once.').optional(),
              hosts: count('Hosts that share it.'),
            }),
          )
          .max(256)
          .meta({ description: 'Disruption budgets of the manifest.' }),
      ),
    ),
    intent: intentSchema.prefault({}),
  })
  .meta({ description: 'What is rolled out; all but intent is fixed at opening.' });

export const rolloutStatusSchema = z
  .object({
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'The generation of the last successful reconcile.', format: 'int64' }),
    state: rolloutStateSchema.default('Opening').meta({ description: 'Where the rollout stands.' }),
    currentWave: count('The wave that may be dispatched, counted from 0.').default(0),
    hosts: z
      .object({
        total: count('Hosts.'),
        pending: count('Not dispatched, or not acknowledged.'),
        activating: count('Switching.'),
        deferred: count('Waiting for a reboot.'),
        soaking: count('Switched, health checks running.'),
        converged: count('Done.'),
        failed: count('Failed.'),
        reverted: count('Rolled back.'),
        offline: count('Silent.'),
        leftBehind: count('Cleared, or skipped while offline.'),
      })
      .optional()
      .meta({ description: 'Counters over the hosts.' }),
    progress: z
      .object({
        wave: text(32, 'Current wave of all waves.'),
        converged: text(32, 'Converged hosts of all hosts.'),
        ref: text(16, 'The first characters of the ref.'),
      })
      .optional()
      .meta({ description: 'Shortened and joined values for columns.' }),
    blocked: atomicList(
      z
        .array(
          z.object({
            gate: text(64, 'The gate.'),
            count: count('Hosts it holds.'),
            reason: text(1024, 'Why, and what would clear it.'),
            hosts: atomicList(
              z.array(hostname('A held host.')).max(5).meta({ description: 'At most five of them.' }),
            ),
          }),
        )
        .max(32)
        .meta({ description: 'What holds hosts back, in gate order.' }),
    ).optional(),
    manifest: z
      .object({
        sha256: text(64, 'Hash of the canonical manifest.'),
        signedAt: timestamp('When CI signed it.'),
        contentRefs: atomicList(
          z
            .array(objectName('Name of an immutable ConfigMap.'))
            .max(64)
            .meta({ description: 'The ConfigMaps that hold the content, in order.' }),
        ),
      })
      .optional()
      .meta({ description: 'The newest verified bytes of this id; these are served to agents.' }),
    openedAt: timestamp('When it was opened.').optional(),
    terminalAt: timestamp('When every host had converged.').optional(),
    supersededAt: timestamp('When a successor was opened.').optional(),
    supersededBy: objectName('The successor.').optional(),
    clearedAt: timestamp('The spec.intent.clear.at that was carried out last.').optional(),
    conditions: conditionsSchema.optional(),
  })
  .meta({
    description: 'How far it has come and what holds it.',
    'x-kubernetes-validations': [
      {
        rule: '!has(oldSelf.currentWave) || (has(self.currentWave) && self.currentWave >= oldSelf.currentWave)',
        message: 'status.currentWave never falls: a former leader is writing',
      },
    ],
  });

export type RolloutSpec = z.output<typeof rolloutSpecSchema>;
export type RolloutStatus = z.output<typeof rolloutStatusSchema>;
/** One attempt to bring one channel to one ref. */
export type Rollout = CustomObject<RolloutSpec, RolloutStatus>;

export const rolloutKind: KindDefinition = {
  kind: 'Rollout',
  plural: 'rollouts',
  singular: 'rollout',
  shortName: 'nfr',
  description: 'One attempt to bring the hosts of one channel to one signed ref, wave by wave.',
  spec: rolloutSpecSchema,
  status: rolloutStatusSchema,
  statusDefault: { state: 'Opening', currentWave: 0 },
  columns: [
    { name: 'Channel', type: 'string', jsonPath: '.spec.channel', description: 'The channel.' },
    { name: 'Ref', type: 'string', jsonPath: '.status.progress.ref', description: 'The ref, shortened.' },
    { name: 'State', type: 'string', jsonPath: '.status.state', description: 'Where it stands.' },
    {
      name: 'Wave',
      type: 'string',
      jsonPath: '.status.progress.wave',
      description: 'Current wave of all waves.',
    },
    {
      name: 'Converged',
      type: 'string',
      jsonPath: '.status.progress.converged',
      description: 'Converged of all hosts.',
    },
    { name: 'Failed', type: 'integer', jsonPath: '.status.hosts.failed', description: 'Failed hosts.' },
    {
      name: 'Blocked',
      type: 'string',
      jsonPath: '.status.blocked[0].gate',
      description: 'The first gate that holds.',
    },
    {
      name: 'Pending',
      type: 'integer',
      jsonPath: '.status.hosts.pending',
      description: 'Pending hosts.',
      priority: 1,
    },
    {
      name: 'Soaking',
      type: 'integer',
      jsonPath: '.status.hosts.soaking',
      description: 'Soaking hosts.',
      priority: 1,
    },
    {
      name: 'Offline',
      type: 'integer',
      jsonPath: '.status.hosts.offline',
      description: 'Silent hosts.',
      priority: 1,
    },
    {
      name: 'Attempt',
      type: 'integer',
      jsonPath: '.spec.attempt',
      description: 'Counts the openings.',
      priority: 1,
    },
    AGE_COLUMN,
  ],
};
