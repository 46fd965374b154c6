import { z } from 'zod';
import { hostStateSchema, onHealthFailureSchema, probeModeSchema, probeStatusSchema } from '../wire/enums.ts';
import { AGE_COLUMN, type KindDefinition } from './kind-definition.ts';
import type { CustomObject } from './object-meta.ts';
import {
  atomicList,
  closure,
  count,
  hostname,
  immutable,
  listMap,
  objectName,
  text,
  timestamp,
} from './schema.ts';

/** Bounds of the inbox (architecture.md §1, Events 5). */
export const INBOX_MAX_ENTRIES = 64;
export const INBOX_MAX_BYTES = 65536;
/** Transitions kept in the object; older ones live in the audit log. */
export const HISTORY_MAX = 16;
/** Probes kept per record; a NixOS host declares a handful. */
export const PROBES_MAX = 128;
export const FAILING_CONTROLS_MAX = 128;

export const hostRolloutRecordSpecSchema = z
  .object({
    rolloutRef: immutable(objectName('The Rollout.')),
    rolloutId: immutable(text(256, 'The id on the wire, channel@ref.')),
    attempt: immutable(
      z
        .int()
        .min(1)
        .max(2147483647)
        .meta({ description: 'Counts the tries of this host within the rollout.', format: 'int32' }),
    ),
    hostname: immutable(hostname("The host's name as the fleet declares it.")),
    hostRef: immutable(objectName('The Host.')),
    channel: immutable(text(128, 'The channel.')),
    ref: immutable(text(16, 'The first characters of the ref.')),
    wave: immutable(count('The wave of the manifest, counted from 0.')),
    targetClosure: immutable(closure('What the host shall run.')),
    soakMinutes: immutable(count('Minutes of soaking after the acknowledged dispatch.')),
    onHealthFailure: immutable(
      onHealthFailureSchema.meta({ description: 'What a failed health check leads to.' }),
    ),
    firstSeq: immutable(count('The sequence number that events have to exceed from the start.')),
    dispatchedAt: immutable(timestamp("The leader's clock at opening.")),
  })
  .meta({ description: 'What the host shall do; fixed at opening.' });

export const probeEntrySchema = z.object({
  name: text(253, 'The probe.'),
  mode: probeModeSchema.meta({ description: 'Only enforce holds anything back.' }),
  status: probeStatusSchema.meta({ description: 'Its last result.' }),
  lastObservedAt: timestamp('When the host observed it.'),
  lastPassAt: timestamp('When it last passed.').optional(),
  failureReason: text(1024, 'Why it failed.').optional(),
  failingControls: atomicList(
    z
      .array(text(128, 'A control.'))
      .max(FAILING_CONTROLS_MAX)
      .meta({ description: 'Enforced controls that fail.' }),
  ).optional(),
});

const dispatchSchema = z
  .object({
    queuedAt: timestamp('When the leader let the host through.'),
    term: count("The leader's term."),
    deliveredAt: timestamp('When the dispatch was first handed to the host.').optional(),
    lastDeliveredAt: timestamp('When it was last handed to the host.').optional(),
    suspended: z
      .boolean()
      .optional()
      .meta({ description: 'Delivered, then held back: keeps its slot and is not handed out again.' }),
  })
  .meta({ description: 'The mark that lets this host through.' });

const inboxEntrySchema = z.object({
  seq: count("The event's sequence number; absent for a heartbeat.").optional(),
  at: timestamp('When the operator received it.'),
  event: z
    .looseObject({ kind: text(64, 'What happened.') })
    .meta({ description: 'The event as the host sent it.', 'x-kubernetes-preserve-unknown-fields': true }),
});

const pendingEffectSchema = z.object({
  type: z.enum(['InsertQuarantine']).meta({ description: 'What is still to be done.' }),
  seq: count('The event that called for it; part of the name of what is created.'),
  channel: text(128, 'The channel.'),
  closure: closure('The closure.'),
  reason: text(512, 'Why.'),
  at: timestamp('When it was decided.'),
});

const blockedBySchema = z.object({
  gate: text(64, 'The gate.'),
  key: text(512, 'What it waits for: a channel, a host, a budget.').optional(),
  since: timestamp('Since when.'),
});

const historyEntrySchema = z.object({
  from: hostStateSchema.meta({ description: 'State before.' }),
  to: hostStateSchema.meta({ description: 'State after.' }),
  at: timestamp("The event's own time."),
  seq: count('The event.'),
  cause: text(64, 'What caused it.'),
});

export const hostRolloutRecordStatusSchema = z
  .object({
    state: hostStateSchema.default('Pending').meta({ description: 'Where the host stands.' }),
    lastEventSeq: count('The last event that was applied.').default(0),
    currentClosureAtDispatch: closure(
      'What the agent says it ran at dispatch (v0.2 agents send the target).',
    ).optional(),
    closureBeforeDispatch: closure(
      'What the host ran when it was let through, by its heartbeats.',
    ).optional(),
    currentClosure: closure('What the host ran after its last change of state.').optional(),
    revertedTo: closure('What it was rolled back to.').optional(),
    dispatchAckedAt: timestamp('When the agent took the dispatch.').optional(),
    activationStartedAt: timestamp('When the switch began.').optional(),
    activationCompletedAt: timestamp('When the switch was done.').optional(),
    activationFailedAt: timestamp('When the switch failed.').optional(),
    probeObservedFirstAt: timestamp('When a probe first reported.').optional(),
    probeFailureFirstAt: timestamp('When a probe first failed.').optional(),
    soakDueAt: timestamp('When soaking may end.').optional(),
    convergedAt: timestamp('When it converged.').optional(),
    failedAt: timestamp('When it failed.').optional(),
    clearedAt: timestamp('When a person left it behind.').optional(),
    policyApplied: onHealthFailureSchema.optional().meta({ description: 'What the failure led to.' }),
    revertedAt: timestamp('When the rollback was done.').optional(),
    probes: listMap(
      z.array(probeEntrySchema).max(PROBES_MAX).meta({ description: 'The last result of each probe.' }),
      'name',
    ).optional(),
    dispatch: dispatchSchema.optional(),
    lastReport: z
      .object({
        closure: closure('What the host ran.'),
        at: timestamp('When it said so.'),
        receivedAt: timestamp('When the operator received it.').optional(),
      })
      .optional()
      .meta({ description: 'The last heartbeat that mattered to this record.' }),
    inbox: atomicList(
      z
        .array(inboxEntrySchema)
        .max(INBOX_MAX_ENTRIES)
        .meta({ description: 'What the host said and nobody decided yet.' }),
    ).optional(),
    pendingEffects: atomicList(
      z
        .array(pendingEffectSchema)
        .max(8)
        .meta({ description: 'What is still to be done outside this object.' }),
    ).optional(),
    blockedBy: listMap(
      z.array(blockedBySchema).max(20).meta({ description: 'All gates that hold it, in gate order.' }),
      'gate',
    ).optional(),
    history: atomicList(
      z.array(historyEntrySchema).max(HISTORY_MAX).meta({ description: 'The last transitions.' }),
    ).optional(),
  })
  .meta({
    description: 'How far the host has come.',
    'x-kubernetes-validations': [
      {
        rule: '!has(oldSelf.lastEventSeq) || (has(self.lastEventSeq) && self.lastEventSeq >= oldSelf.lastEventSeq)',
        message: 'status.lastEventSeq never falls: it was promised to the host',
      },
      {
        rule: "!has(oldSelf.state) || !(oldSelf.state in ['Converged', 'Reverted']) || (has(self.state) && self.state == oldSelf.state)",
        message: 'Converged and Reverted are end states',
      },
    ],
  });

export type HostRolloutRecordSpec = z.output<typeof hostRolloutRecordSpecSchema>;
export type HostRolloutRecordStatus = z.output<typeof hostRolloutRecordStatusSchema>;
export type InboxEntry = z.infer<typeof inboxEntrySchema>;
export type DispatchMark = z.infer<typeof dispatchSchema>;
export type PendingEffect = z.infer<typeof pendingEffectSchema>;
export type BlockedBy = z.infer<typeof blockedBySchema>;
export type HistoryEntry = z.infer<typeof historyEntrySchema>;
export type ProbeEntry = z.infer<typeof probeEntrySchema>;
/** One host's part in one rollout. */
export type HostRolloutRecord = CustomObject<HostRolloutRecordSpec, HostRolloutRecordStatus>;

export const hostRolloutRecordKind: KindDefinition = {
  kind: 'HostRolloutRecord',
  plural: 'hostrolloutrecords',
  singular: 'hostrolloutrecord',
  shortName: 'nfhr',
  description: "One host's part in one rollout: its state, what it reported, and every gate that holds it.",
  spec: hostRolloutRecordSpecSchema,
  status: hostRolloutRecordStatusSchema,
  statusDefault: { state: 'Pending', lastEventSeq: 0 },
  columns: [
    { name: 'Host', type: 'string', jsonPath: '.spec.hostname', description: 'The host.' },
    { name: 'Channel', type: 'string', jsonPath: '.spec.channel', description: 'The channel.' },
    { name: 'Ref', type: 'string', jsonPath: '.spec.ref', description: 'The ref, shortened.' },
    { name: 'Wave', type: 'integer', jsonPath: '.spec.wave', description: 'The wave, counted from 0.' },
    { name: 'State', type: 'string', jsonPath: '.status.state', description: 'Where the host stands.' },
    {
      name: 'Blocked-By',
      type: 'string',
      jsonPath: '.status.blockedBy[0].gate',
      description: 'The first gate that holds it.',
    },
    { name: 'Soak-Due', type: 'string', jsonPath: '.status.soakDueAt', description: 'When soaking may end.' },
    AGE_COLUMN,
  ],
};
