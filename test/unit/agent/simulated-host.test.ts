import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AgentEventKind } from '../../../src/api/wire/events.ts';
import { timestampFromMillis } from '../../../src/api/time.ts';
import {
  PRIOR,
  ROLLOUT,
  scriptedControlPlane,
  snapshot,
  TARGET,
  type ScriptedControlPlane,
} from './support.ts';

let plane: ScriptedControlPlane;

afterEach(async () => plane.stop());

const kinds = (): AgentEventKind[] => plane.events.map(({ event }) => event.kind);
const eventually = async (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 10_000, interval: 10 });

/** A dispatch is dropped until the manifest poll has run, so it is handed out until it is taken. */
async function dispatchUntilAcked(change: Record<string, unknown> = {}): Promise<void> {
  await vi.waitFor(
    () => {
      if (!kinds().includes('DispatchAck')) plane.dispatch(change);
      expect(kinds()).toContain('DispatchAck');
    },
    { timeout: 10_000, interval: 100 },
  );
}

describe('a healthy host', () => {
  it('takes a dispatch, switches, is watched and converges, each event in order and once', async () => {
    plane = await scriptedControlPlane();
    const { host } = await plane.host({ probes: [{ name: 'nginx', kind: 'http', mode: 'enforce' }] });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => expect(kinds()).toContain('Converged'));
    expect(kinds().slice(0, 6)).toEqual([
      'DispatchAck',
      'ActivationStarted',
      'ActivationCompleted',
      'ProbeTopologyDeclared',
      'ProbeObservedFirst',
      'ProbeResult',
    ]);
    const seqs = plane.events.map(({ event }) => event.seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    expect(host.machine.closure).toBe(TARGET);
  });

  it('says when its switch ended before it began, as v0.2 does', async () => {
    plane = await scriptedControlPlane();
    const { host, feed } = await plane.host({ behaviour: { switchSeconds: 0.3 } });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => expect(kinds()).toContain('ActivationCompleted'));
    const completed = plane.events.find(({ event }) => event.kind === 'ActivationCompleted')?.event;
    const switched = feed.find((entry) => entry.type === 'closure');
    expect(completed?.kind === 'ActivationCompleted' && switched && completed.completedAt < switched.at).toBe(
      true,
    );
  });

  it('heartbeats with what it runs and never names a rollout', async () => {
    plane = await scriptedControlPlane();
    plane.snapshots = [snapshot()];
    const { host } = await plane.host();
    host.start();
    await eventually(() => expect(plane.heartbeats.length).toBeGreaterThan(2));
    expect(
      plane.heartbeats.every((beat) => beat.current_closure === PRIOR && beat.rollout_id === undefined),
    ).toBe(true);
  });
});

describe('a dispatch that a host will not take', () => {
  it.each([
    ['for another host', {}, { hostname: 'web-02' }, /for web-02/],
    ['with another target than the manifest', {}, { target_closure: PRIOR }, /the manifest says/],
    ['of a rollout without manifest', {}, { rollout_id: 'edge@a1' }, /\/v1\/rollouts\/edge@a1/],
    ['whose manifest is older than an hour', { signedAt: Date.now() - 3_600_000 }, {}, /Stale/],
  ])('%s is refused and nothing is sent', async (_name, options, change, reason) => {
    plane = await scriptedControlPlane(options);
    const { host, feed } = await plane.host();
    host.start();
    plane.dispatch(change);
    await eventually(() => {
      expect(feed.find((entry) => entry.type === 'dispatch-refused')).toMatchObject({
        reason: expect.stringMatching(reason),
      });
    });
    expect(plane.events).toEqual([]);
  });

  it('is dropped while no policy is cached: a manifest of another fleet brings none', async () => {
    plane = await scriptedControlPlane({ otherFleet: true });
    const { host, feed } = await plane.host();
    host.start();
    plane.dispatch();
    await eventually(() => {
      expect(feed.find((entry) => entry.type === 'event-dropped')).toMatchObject({
        kind: 'DispatchAck',
        reason: expect.stringContaining('no policy is cached'),
      });
    });
  });
});

describe('the outbox', () => {
  it('stops at the first refusal and goes on in order when the server takes events again', async () => {
    plane = await scriptedControlPlane();
    plane.eventStatus = 400;
    const { host } = await plane.host();
    host.start();
    await dispatchUntilAcked();
    await eventually(() =>
      expect(kinds().filter((kind) => kind === 'DispatchAck').length).toBeGreaterThan(1),
    );
    expect(new Set(kinds())).toEqual(new Set(['DispatchAck']));
    plane.events.length = 0;
    plane.eventStatus = 204;
    await eventually(() => expect(kinds()).toContain('Converged'));
    expect(kinds().filter((kind) => kind !== 'DispatchAck')[0]).toBe('ActivationStarted');
  });

  it('survives an outage: what happened meanwhile is reported after it', async () => {
    plane = await scriptedControlPlane();
    const { host } = await plane.host({ behaviour: { switchSeconds: 0.3 } });
    host.start();
    await dispatchUntilAcked();
    host.goOffline();
    await eventually(() => expect(host.machine.closure).toBe(TARGET));
    expect(kinds()).not.toContain('ActivationCompleted');
    host.comeBack();
    await eventually(() => expect(kinds()).toContain('Converged'));
  });
});

describe('a host that fails', () => {
  it('reports a failed activation and stays where it is', async () => {
    plane = await scriptedControlPlane();
    const failsToActivate = { exitCode: -2, stderrTail: 'realise failed: lacks a valid signature' };
    const { host } = await plane.host({ behaviour: { failsToActivate } });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => expect(kinds()).toContain('ActivationFailed'));
    expect(plane.events.at(-1)?.event).toMatchObject(failsToActivate);
    expect(host.machine.closure).toBe(PRIOR);
  });

  it('fails when a probe has failed for two minutes of its life, and only then', async () => {
    plane = await scriptedControlPlane();
    const { host } = await plane.host({
      probes: [{ name: 'nginx', kind: 'http', mode: 'enforce' }],
      behaviour: { switchSeconds: 0.01, failsProbes: [{ probe: 'nginx' }] },
    });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => expect(kinds()).toContain('Failed'));
    const failed = plane.events.at(-1)?.event;
    expect(failed).toMatchObject({ kind: 'Failed', failingProbes: ['nginx'], policyApplied: 'halt' });
    expect(failed?.kind === 'Failed' && failed.sustainedDurationSecs).toBeGreaterThanOrEqual(120);
    expect(host.machine.closure).toBe(TARGET);
  });

  it('converges when the probe heals in time', async () => {
    plane = await scriptedControlPlane();
    const { host } = await plane.host({
      probes: [{ name: 'nginx', kind: 'http', mode: 'enforce' }],
      behaviour: { switchSeconds: 0.01, failsProbes: [{ probe: 'nginx', untilSeconds: 0.4 }] },
    });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => expect(kinds()).toContain('Converged'));
    expect(kinds()).toContain('ProbeFailureFirst');
  });
});

describe('quirk 2: nobody replays', () => {
  it.each([[true], [false]])('on: %s', async (ignoresReplayFrom) => {
    plane = await scriptedControlPlane();
    const { host, feed } = await plane.host({ quirks: { ignoresReplayFrom } });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => expect(kinds()).toContain('Converged'));
    plane.events.length = 0;
    plane.replayFrom = 2;
    const beats = feed.filter(({ type }) => type === 'heartbeat').length;
    await eventually(() => {
      expect(feed.filter(({ type }) => type === 'heartbeat').length).toBeGreaterThan(beats + 1);
      if (!ignoresReplayFrom) expect(kinds().slice(0, 2)).toEqual(['ActivationCompleted', 'Converged']);
    });
    if (ignoresReplayFrom) expect(plane.events).toEqual([]);
  });
});

describe('quirk 3: the ack names the target as what ran', () => {
  it.each([
    [true, TARGET],
    [false, PRIOR],
  ])('on: %s', async (acksWithTarget, expected) => {
    plane = await scriptedControlPlane();
    const { host } = await plane.host({ quirks: { acksWithTarget } });
    host.start();
    await dispatchUntilAcked();
    expect(plane.events[0]?.event).toMatchObject({
      currentClosureAtDispatch: expected,
      receivedAt: '2026-06-01T10:00:00Z',
    });
  });
});

describe('quirk 4: a deferral never leaves the agent', () => {
  it.each([
    [true, false],
    [false, true],
  ])('on: %s, sent: %s', async (losesDeferral, sent) => {
    plane = await scriptedControlPlane();
    const { host, feed } = await plane.host({
      quirks: { losesDeferral },
      behaviour: { defers: { component: 'kernel' } },
    });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => {
      if (sent) expect(kinds()).toContain('ActivationDeferred');
      else
        expect(feed).toContainEqual(
          expect.objectContaining({ type: 'event-dropped', kind: 'ActivationDeferred' }),
        );
    });
    expect(kinds().includes('ActivationDeferred')).toBe(sent);
    host.reboot(10);
    await eventually(() => expect(plane.heartbeats.at(-1)?.current_closure).toBe(TARGET));
  });
});

describe('quirk 5: the report of a rollback is lost with the agent', () => {
  it.each([
    [true, false],
    [false, true],
  ])('on: %s, reported: %s', async (losesRollbackReport, reported) => {
    plane = await scriptedControlPlane({ onHealthFailure: 'rollback-and-halt' });
    const { host, feed } = await plane.host({
      quirks: { losesRollbackReport },
      probes: [{ name: 'nginx', kind: 'http', mode: 'enforce' }],
      behaviour: { switchSeconds: 0.01, failsProbes: [{ probe: 'nginx', closures: [TARGET] }] },
    });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => {
      expect(plane.heartbeats.at(-1)?.current_closure).toBe(PRIOR);
      expect(kinds()).toContain('Failed');
      expect(feed.filter(({ type }) => type === 'started')).toHaveLength(reported ? 1 : 2);
    });
    if (reported) await eventually(() => expect(kinds()).toContain('RollbackComplete'));
    expect(kinds().includes('RollbackComplete')).toBe(reported);
  });
});

describe('quirk 17: every snapshot restarts the probes', () => {
  it.each([[true], [false]])('on: %s', async (snapshotRestartsProbes) => {
    plane = await scriptedControlPlane();
    plane.snapshots = [snapshot()];
    const { host, feed } = await plane.host({
      quirks: { snapshotRestartsProbes },
      probes: [{ name: 'nginx', kind: 'http', mode: 'enforce', intervalSeconds: 100_000 }],
    });
    host.start();
    await eventually(() => expect(feed.filter(({ type }) => type === 'heartbeat').length).toBeGreaterThan(4));
    const topologies =
      [...feed].filter((entry) => entry.type === 'event-dropped' && entry.kind === 'ProbeTopologyDeclared')
        .length + kinds().filter((kind) => kind === 'ProbeTopologyDeclared').length;
    expect(topologies > 1).toBe(snapshotRestartsProbes);
  });
});

describe('quirk 18: nothing resets the clock of a failure', () => {
  it.each([[true], [false]])('on: %s; a blip long ago and another one now', async (failureClockRunsOn) => {
    plane = await scriptedControlPlane();
    const { host } = await plane.host({
      quirks: { failureClockRunsOn },
      probes: [{ name: 'nginx', kind: 'http', mode: 'enforce', intervalSeconds: 5 }],
      behaviour: {
        switchSeconds: 0.01,
        failsProbes: [
          { probe: 'nginx', untilSeconds: 0.1 },
          { probe: 'nginx', fromSeconds: 1.5, untilSeconds: 2.2 },
        ],
      },
    });
    host.start();
    const soakDue = timestampFromMillis(Date.now() + 4_000);
    await dispatchUntilAcked({ soak_due_at: soakDue });
    await eventually(() => expect(kinds()).toContain(failureClockRunsOn ? 'Failed' : 'Converged'));
    expect(kinds().includes('Failed')).toBe(failureClockRunsOn);
  });
});

describe('quirk 21: a dispatch must be of the last hour, whatever the agent was told', () => {
  it.each([[true], [false]])('on: %s', async (fixedDispatchWindow) => {
    plane = await scriptedControlPlane({ signedAt: Date.now() - 7_200_000 });
    const constants = { ...plane.constants, freshnessWindow: 86_400_000 };
    const { host, feed } = await plane.host({ quirks: { fixedDispatchWindow }, constants });
    host.start();
    if (!fixedDispatchWindow) return dispatchUntilAcked();
    plane.dispatch();
    await eventually(() => expect(feed.map(({ type }) => type)).toContain('dispatch-refused'));
  });
});

describe('quirk 24: a dispatch comes again after the ack', () => {
  it.each([[true], [false]])('on: %s; never acknowledged twice', async (reducesRepeatedDispatch) => {
    plane = await scriptedControlPlane();
    const { host, feed } = await plane.host({
      quirks: { reducesRepeatedDispatch },
      behaviour: { switchSeconds: 0.5 },
    });
    host.start();
    await dispatchUntilAcked();
    const before = feed.filter(({ type }) => type === 'dispatch').length;
    plane.dispatch();
    await eventually(() =>
      expect(feed.filter(({ type }) => type === 'dispatch').length).toBeGreaterThan(before),
    );
    await eventually(() => expect(kinds()).toContain('Converged'));
    const refused = feed.some(
      (entry) => entry.type === 'event-dropped' && entry.reason.startsWith('IllegalForState'),
    );
    expect(refused).toBe(reducesRepeatedDispatch);
    expect(kinds().filter((kind) => kind === 'DispatchAck')).toHaveLength(1);
  });
});

describe('a restart in mid-switch', () => {
  it('forgets the record, keeps closure and outbox, and goes on from the snapshot', async () => {
    plane = await scriptedControlPlane();
    const { host, feed } = await plane.host({
      behaviour: { switchSeconds: 0.01, restartsInSwitch: { downSeconds: 0.05 } },
    });
    host.start();
    await dispatchUntilAcked();
    await eventually(() => expect(feed.filter(({ type }) => type === 'started')).toHaveLength(2));
    await eventually(() => expect(plane.heartbeats.at(-1)?.current_closure).toBe(TARGET));
    expect(kinds()).not.toContain('ActivationCompleted');
    expect(host.agent?.parts.reducer.record(ROLLOUT)).toBeUndefined();
    plane.snapshots = [snapshot({ lastEventSeq: 3, soakDueAt: timestampFromMillis(Date.now()) })];
    await eventually(() => expect(kinds()).toContain('Converged'));
    expect(plane.events.at(-1)?.event.seq).toBeGreaterThan(3);
  });
});

describe('a snapshot', () => {
  it('rewinds an agent that knows better, who then tells it all again', async () => {
    plane = await scriptedControlPlane();
    const { host } = await plane.host();
    host.start();
    await dispatchUntilAcked();
    await eventually(() => expect(kinds()).toContain('Converged'));
    const seq = plane.events.at(-1)?.event.seq ?? 0;
    plane.events.length = 0;
    plane.snapshots = [snapshot({ lastEventSeq: seq - 1, soakDueAt: timestampFromMillis(Date.now()) })];
    await eventually(() => expect(kinds()).toContain('Converged'));
    expect(plane.events.at(-1)?.event.seq).toBe(seq);
  });
});
