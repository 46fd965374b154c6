import { describe, expect, it } from 'vitest';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import type { RolloutState } from '../../../src/api/wire/enums.ts';
import type { RolloutManifest } from '../../../src/api/artifacts/rollout-manifest.ts';
import { rolloutName } from '../../../src/core/naming.ts';
import { chooseAttempt, hostSetHash, newestAttempt } from '../../../src/core/rollout/attempts.ts';
import { sampleRollout } from '../../support/kind-samples.ts';

const ID = `stable@${'a'.repeat(40)}`;
const OTHER_ID = `stable@${'b'.repeat(40)}`;

function attempt(number: number, state?: RolloutState, hosts = 'hosts', rolloutId = ID): Rollout {
  const { status: _, ...sample } = sampleRollout('ns', `attempt-${number}`);
  return {
    ...sample,
    spec: { ...sample.spec, rolloutId, attempt: number, hostSetHash: hosts },
    ...(state && { status: { state, currentWave: 0 } }),
  };
}

describe('the attempt in force for an id', () => {
  it('is a first one where there is none', () => {
    const first = { name: rolloutName(ID, 1), attempt: 1, open: true };
    expect(chooseAttempt(ID, 'hosts', [])).toEqual(first);
    expect(chooseAttempt(ID, 'hosts', [attempt(1, 'Active', 'hosts', OTHER_ID)])).toEqual(first);
  });

  it.each<RolloutState | undefined>([undefined, 'Opening', 'Active', 'Terminal', 'Failed', 'Reverted'])(
    'is the newest one while it is %s, under the name that it has',
    (state) => {
      const chosen = { name: 'attempt-2', attempt: 2, open: false };
      expect(chooseAttempt(ID, 'hosts', [attempt(2, state), attempt(1, 'Superseded')])).toEqual(chosen);
    },
  );

  it('is the next one where the newest is superseded, so that an earlier release can come back', () => {
    const rollouts = [attempt(1, 'Terminal'), attempt(2, 'Superseded')];
    expect(chooseAttempt(ID, 'hosts', rollouts)).toEqual({
      name: rolloutName(ID, 3),
      attempt: 3,
      open: true,
    });
  });

  it('is the next one where the newest was opened for other hosts or targets', () => {
    expect(chooseAttempt(ID, 'others', [attempt(1, 'Active')])).toEqual({
      name: rolloutName(ID, 2),
      attempt: 2,
      open: true,
    });
  });
});

describe('the newest attempt of an id', () => {
  it('has the highest number, in whatever order they are given', () => {
    const foreign = attempt(9, 'Active', 'hosts', OTHER_ID);
    const [one, two, three] = [attempt(1), attempt(2), attempt(3)];
    expect(newestAttempt(ID, [one, three, foreign, two])).toBe(three);
    expect(newestAttempt(ID, [three, two, one, foreign])).toBe(three);
    expect(newestAttempt(ID, [foreign])).toBeUndefined();
  });
});

describe('the hash of a host set', () => {
  const one = { hostname: 'web-01', waveIndex: 0, targetClosure: 'c1' };
  const two = { hostname: 'web-02', waveIndex: 1, targetClosure: 'c2' };
  const hashOf = (...hostSet: RolloutManifest['hostSet']): string =>
    hostSetHash({ hostSet } as RolloutManifest);

  it('does not depend on their order', () => {
    expect(hashOf(two, one)).toBe(hashOf(one, two));
  });

  it.each([
    ['a host', { hostname: 'web-03' }],
    ['a wave', { waveIndex: 0 }],
    ['a target', { targetClosure: 'c3' }],
  ])('differs with %s', (_, change) => {
    expect(hashOf(one, { ...two, ...change })).not.toBe(hashOf(one, two));
  });

  it('differs with a host less, and fits its field', () => {
    expect(hashOf(one)).not.toBe(hashOf(one, two));
    expect(hashOf(one)).toMatch(/^[0-9a-f]{64}$/);
  });
});
