import { describe, expect, test } from 'vitest';
import type { Condition } from '../../../src/api/kinds/condition.ts';
import type { Fleet } from '../../../src/api/kinds/fleet.ts';
import type { Host } from '../../../src/api/kinds/host.ts';
import type { Rollout, RolloutStatus } from '../../../src/api/kinds/rollout.ts';
import { addMillis, type Timestamp } from '../../../src/api/time.ts';
import { verifyRelease, type Release } from '../../../src/core/artifacts/release.ts';
import { deriveFleetStatus, freshUntil, type FleetStatusInput } from '../../../src/core/fleet/status.ts';
import { releaseOfConfigMaps } from '../../../src/controllers/fleet/release-files.ts';
import { SAMPLE_TIME, sampleFleet, sampleHost, sampleRollout } from '../../support/kind-samples.ts';
import { asText, CI_KEY, releaseFiles } from '../../support/release.ts';

const release = await verified();

async function verified(): Promise<Release> {
  const published = await releaseOfConfigMaps([{ metadata: { name: 'release' }, ...asText(releaseFiles()) }]);
  const trust = { keys: [CI_KEY.trusted], now: SAMPLE_TIME, freshnessWindowSeconds: undefined };
  const outcome = verifyRelease(published, trust);
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.release;
}

function fleet(hold: 'None' | 'Hold' = 'None', generation = 3): Fleet {
  const sample = sampleFleet('nixfleet');
  const { ciCommit, signedAt, sha256 } = release;
  const artifact = { ciCommit, signedAt, sha256, verifiedAt: signedAt, contentRefs: ['lab-0'] };
  return {
    ...sample,
    metadata: { ...sample.metadata, generation },
    spec: { ...sample.spec, intent: { hold } },
    status: { term: 4, observedGeneration: 2, artifact },
  };
}

function channel(name: string, state?: RolloutStatus['state']) {
  const sample = sampleRollout('nixfleet', `${name}-rollout`);
  const rollout: Rollout | undefined = state && { ...sample, status: { state, currentWave: 0 } };
  return { name, ref: '11', rolloutName: `${name}-rollout`, hosts: 1, rollout };
}

function input(with_: Partial<FleetStatusInput> = {}): FleetStatusInput {
  return {
    fleet: fleet(),
    source: { ok: true },
    release,
    channels: [channel('edge', 'Active'), channel('stable', 'Active')],
    hosts: [],
    deadlocks: [],
    done: true,
    now: release.signedAt,
    ...with_,
  };
}

/** The conditions as `Type=Status Reason`. */
function conditionsOf(with_: Partial<FleetStatusInput> = {}): string[] {
  const { conditions = [] } = deriveFleetStatus(input(with_));
  return conditions.map(({ type, status, reason }: Condition) => `${type}=${status} ${reason}`);
}

const WELL = [
  'Ready=True InForce',
  'Verified=True Verified',
  'Fresh=True Fresh',
  'Converged=False RollingOut',
  'Deadlocked=False NoDeadlock',
  'Reconciling=False Settled',
  'Stalled=False Settled',
];

describe('the conditions of a Fleet', () => {
  const refused = { ok: false, reason: 'BadSignature', message: 'sign anew' } as const;
  const nothing = { ...fleet(), status: {} };

  test.each<[string, Partial<FleetStatusInput>, readonly string[]]>([
    ['whose rollouts run', {}, []],
    [
      'whose rollouts are all Terminal',
      { channels: [channel('edge', 'Terminal'), channel('stable', 'Terminal')] },
      ['Converged=True AllTerminal'],
    ],
    [
      'of which one rollout is not there yet',
      { channels: [channel('edge', 'Active'), channel('stable')] },
      ['Ready=False Opening', 'Reconciling=True Opening'],
    ],
    [
      'of which one rollout is still opening',
      { channels: [channel('edge', 'Opening'), channel('stable', 'Active')] },
      ['Ready=False Opening', 'Reconciling=True Opening'],
    ],
    [
      'on hold before its rollouts are open',
      { fleet: fleet('Hold'), channels: [channel('edge'), channel('stable')] },
      ['Ready=False OnHold'],
    ],
    ['on hold after they are open', { fleet: fleet('Hold') }, []],
    [
      'of which one rollout failed',
      { channels: [channel('edge', 'Failed'), channel('stable', 'Active')] },
      ['Converged=False Halted'],
    ],
    [
      'of which one rollout was rolled back',
      { channels: [channel('edge', 'Terminal'), channel('stable', 'Reverted')] },
      ['Converged=False Halted'],
    ],
    [
      'whose source turned bad',
      { source: refused },
      ['Verified=False BadSignature', 'Stalled=True SourceRefused'],
    ],
    [
      'whose first release is bad',
      { fleet: nothing, source: refused, release: undefined, channels: [] },
      [
        'Ready=False NothingInForce',
        'Verified=False BadSignature',
        'Fresh=False NothingInForce',
        'Converged=False NothingInForce',
        'Stalled=True SourceRefused',
      ],
    ],
    [
      'whose content can no longer be read',
      { release: undefined, contentFault: 'lab-0 is gone', channels: [] },
      [
        'Ready=False ContentUnreadable',
        'Fresh=Unknown ContentUnreadable',
        'Converged=Unknown ContentUnreadable',
      ],
    ],
    ['that can never end', { deadlocks: ['web-09 is in no wave'] }, ['Deadlocked=True NeverClears']],
  ])('%s', (_, with_, differing) => {
    const wanted = WELL.map((well) => {
      const type = `${well.split('=')[0] ?? ''}=`;
      return differing.find((condition) => condition.startsWith(type)) ?? well;
    });
    expect(conditionsOf(with_)).toEqual(wanted);
  });

  test('age with the tightest freshnessWindow of a channel, to the very moment', () => {
    const until = freshUntil(release) ?? release.signedAt;
    expect(until).toBe(addMillis(release.signedAt, 1_440 * 60_000));
    expect(conditionsOf({ now: until })).toContain('Fresh=True Fresh');
    expect(conditionsOf({ now: addMillis(until, 1) })).toContain('Fresh=False ReleaseAged');
  });

  test('keep the time of their last change while they stand', () => {
    const later = addMillis(release.signedAt, 60_000);
    const before = { ...fleet(), status: deriveFleetStatus(input()) };
    const after = deriveFleetStatus(
      input({ fleet: before, now: later, deadlocks: ['web-09 is in no wave'] }),
    );
    const times = (after.conditions ?? []).map(({ type, lastTransitionTime }) => [type, lastTransitionTime]);
    expect(Object.fromEntries(times)).toMatchObject({ Ready: release.signedAt, Deadlocked: later });
  });
});

describe('the rest of a Fleet’s status', () => {
  test('keeps what others wrote, and moves observedGeneration only when all was carried out', () => {
    const { term, artifact } = fleet().status ?? {};
    expect(deriveFleetStatus(input())).toMatchObject({ term, artifact, observedGeneration: 3 });
    expect(deriveFleetStatus(input({ done: false }))).toMatchObject({
      term,
      artifact,
      observedGeneration: 2,
    });
  });

  test('keeps the rollouts in force findable while the content cannot be read', () => {
    const before = { ...fleet(), status: deriveFleetStatus(input()) };
    const after = deriveFleetStatus(
      input({ fleet: before, release: undefined, contentFault: 'lab-0 is gone', channels: [] }),
    );
    expect(after.channels?.map(({ rollout }) => rollout)).toEqual(['edge-rollout', 'stable-rollout']);
    expect(after.hosts).toEqual(before.status.hosts);
  });

  test('counts declared hosts: silent ones are neither online nor offline before they were seen', () => {
    const host = (name: string, status?: Host['status']): Host => ({
      ...sampleHost('nixfleet', name),
      ...(status && { status }),
    });
    const seen = '2026-06-01T10:00:00Z' as Timestamp;
    const { hosts, summary } = deriveFleetStatus(
      input({
        hosts: [
          host('edge-01', { lastSeenTime: seen }),
          host('web-01', { lastSeenTime: seen, offline: true }),
          host('web-02'),
          host('left-over', { lastSeenTime: seen }),
        ],
      }),
    );
    expect(hosts).toEqual({ total: 3, online: 1, offline: 1, unmanaged: 0 });
    expect(summary).toEqual({ commit: '11111111', online: '1/3' });
  });
});
