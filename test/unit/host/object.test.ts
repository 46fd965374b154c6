import { describe, expect, it } from 'vitest';
import {
  HISTORY_MAX,
  hostRolloutRecordStatusSchema,
  type HostRolloutRecordStatus,
} from '../../../src/api/kinds/host-rollout-record.ts';
import { foldInbox } from '../../../src/core/host/inbox.ts';
import { eventEntry } from '../../../src/core/host/inbox-entry.ts';
import {
  inboxFromObject,
  policyFromObject,
  recordFromObject,
  statusFromRecord,
} from '../../../src/core/host/object.ts';
import { at, probeResult, recordObject, samples, target } from './support.ts';

const webhook = { now: at(20), policy: policyFromObject(recordObject()) };

const full: HostRolloutRecordStatus = {
  state: 'Soaking',
  lastEventSeq: 7,
  currentClosureAtDispatch: target,
  closureBeforeDispatch: 'clo-prior',
  currentClosure: target,
  dispatchAckedAt: at(1),
  activationStartedAt: at(2),
  activationCompletedAt: at(3),
  probeObservedFirstAt: at(4),
  soakDueAt: at(10),
  clearedAt: at(11),
  probes: [
    { name: '__proto__', mode: 'enforce', status: 'fail', lastObservedAt: at(4), failureReason: '502' },
    {
      name: 'evidence',
      mode: 'observe',
      status: 'fail',
      lastObservedAt: at(4),
      lastPassAt: at(4),
      failingControls: ['a'],
    },
  ],
  lastReport: { closure: target, at: at(5) },
  history: [{ from: 'Activating', to: 'Soaking', at: at(3), seq: 3, cause: 'ActivationCompleted' }],
};

describe('a record and its object', () => {
  it('say the same, there and back', () => {
    const object = recordObject(full);
    const outcome = foldInbox(recordFromObject(object), inboxFromObject(object), webhook);
    expect(statusFromRecord(object.status, outcome)).toStrictEqual(full);
    expect([...recordFromObject(object).extras.failingControls]).toEqual([['evidence', ['a']]]);
  });

  it('begin without a status, and keep the gates and the history of a record that stays Pending', () => {
    const bare = recordObject();
    expect(inboxFromObject(bare)).toEqual([]);
    const outcome = foldInbox(recordFromObject(bare), [], webhook);
    expect(statusFromRecord(undefined, outcome)).toStrictEqual({ state: 'Pending', lastEventSeq: 0 });
    const blockedBy = [{ gate: 'host-offline', since: at(1) }];
    const kept = { state: 'Pending' as const, lastEventSeq: 0, blockedBy, history: full.history ?? [] };
    const held = recordObject({ ...kept, inbox: [] });
    const again = foldInbox(recordFromObject(held), inboxFromObject(held), webhook);
    expect(statusFromRecord(held.status, again)).toStrictEqual(kept);
  });

  it('begin as Pending, counting from where earlier attempts ended', () => {
    const object = recordObject();
    const { record } = recordFromObject({ ...object, spec: { ...object.spec, firstSeq: 12 } });
    expect(record).toMatchObject({ state: 'Pending', lastEventSeq: 12, soakDueAt: undefined });
  });

  it('lose inbox, mark and gates once the host is on its way, and gain history', () => {
    const object = recordObject({
      state: 'Pending',
      lastEventSeq: 0,
      dispatch: { queuedAt: at(2), term: 1 },
      blockedBy: [{ gate: 'host-offline', since: at(1) }],
      inbox: [eventEntry(samples.DispatchAck, at(3))],
    });
    const outcome = foldInbox(recordFromObject(object), inboxFromObject(object), webhook);
    const status = statusFromRecord(object.status, outcome);
    expect(status).toEqual({
      state: 'Activating',
      lastEventSeq: 1,
      currentClosureAtDispatch: target,
      dispatchAckedAt: at(1),
      soakDueAt: at(7),
      history: [{ from: 'Pending', to: 'Activating', at: at(1), seq: 1, cause: 'DispatchAck' }],
    });
  });

  it('keep the last transitions only', () => {
    const [old] = full.history ?? [];
    if (old === undefined) throw new Error('no history');
    const history = Array.from({ length: HISTORY_MAX }, (_, seq) => ({ ...old, seq }));
    const object = recordObject({
      ...full,
      history,
      inbox: [eventEntry({ ...samples.Failed, seq: 8 }, at(9))],
    });
    const outcome = foldInbox(recordFromObject(object), inboxFromObject(object), webhook);
    const { history: kept } = statusFromRecord(object.status, outcome);
    expect(kept).toHaveLength(HISTORY_MAX);
    expect(kept?.[0]?.seq).toBe(1);
    expect(kept?.at(-1)).toMatchObject({ to: 'Failed', seq: 8 });
  });

  it('fit the schema after every kind of event', () => {
    const inbox = [
      eventEntry({ ...samples.DispatchAck, seq: 8 }, at(9)),
      eventEntry({ ...probeResult('fail'), seq: 9 }, at(9)),
      eventEntry({ ...samples.Failed, seq: 10 }, at(9)),
      eventEntry({ ...samples.RollbackComplete, seq: 11 }, at(9)),
    ];
    const object = recordObject({ ...full, inbox });
    const outcome = foldInbox(recordFromObject(object), inboxFromObject(object), webhook);
    const status = statusFromRecord(object.status, outcome);
    expect(status).toMatchObject({
      state: 'Reverted',
      pendingEffects: [{ type: 'InsertQuarantine', seq: 11 }],
    });
    expect(hostRolloutRecordStatusSchema.parse(status)).toEqual(status);
  });
});
