import { describe, expect, test } from 'vitest';
import type { FleetResolved } from '../../../src/api/artifacts/fleet-resolved.ts';
import {
  currentRolloutIds,
  projectManifest,
  splitRolloutId,
} from '../../../src/core/artifacts/projection.ts';
import { readArtifact } from '../../../src/core/artifacts/read-artifact.ts';
import { fleetDocument } from './fixtures.ts';

function fleet(change: object = {}): FleetResolved {
  const reading = readArtifact('fleet', JSON.parse(JSON.stringify({ ...fleetDocument(), ...change })));
  if (!reading.ok) throw new Error(reading.message);
  return reading.value;
}

const channel = {
  rolloutPolicy: 'p',
  reconcileIntervalMinutes: 5,
  freshnessWindow: 60,
  signingIntervalMinutes: 30,
};

function host(name: string, change: object = {}) {
  return { [name]: { system: 's', tags: [], channel: 'stable', closureHash: `c-${name}`, ...change } };
}

describe('a channel without a manifest', () => {
  test.each([
    ['of an unsigned fleet, declared or not', { meta: { schemaVersion: 1 } }, 'nowhere', 'unsigned'],
    ['that is not declared', {}, 'edge', 'unknown-channel'],
    ['that has the name of what every object has', {}, 'constructor', 'unknown-channel'],
    [
      'whose policy is not declared',
      { channels: { stable: { ...channel, rolloutPolicy: 'q' } } },
      'stable',
      'unknown-policy',
    ],
  ])('%s', (_, change, name, error) => {
    expect(projectManifest(fleet(change), name, 'h')).toEqual({ ok: false, error });
  });

  test('none of whose hosts was built is no error', () => {
    const empty = fleet({ hosts: host('a', { closureHash: null }) });
    expect(projectManifest(empty, 'stable', 'h')).toEqual({ ok: true, rolloutId: null, manifest: null });
    expect(currentRolloutIds(empty)).toEqual([]);
  });
});

test('hosts take the first wave that lists them, 0 where none does, and are sorted by code point', () => {
  const hosts = {
    ...host('😀'),
    ...host('\uFFFD'),
    ...host('h2'),
    ...host('h10'),
    ...host('other', { channel: 'edge' }),
    ...host('unbuilt', { closureHash: null }),
  };
  const waves = {
    stable: [
      { hosts: ['ghost', 'other'], soakMinutes: 1 },
      { hosts: ['h2', 'h2'], soakMinutes: 1 },
      { hosts: ['h2', 'h10'], soakMinutes: 1 },
    ],
  };
  const projection = projectManifest(fleet({ hosts, waves }), 'stable', 'h');
  expect(projection.ok && projection.manifest?.hostSet).toEqual([
    { hostname: 'h10', waveIndex: 2, targetClosure: 'c-h10' },
    { hostname: 'h2', waveIndex: 1, targetClosure: 'c-h2' },
    { hostname: '\uFFFD', waveIndex: 0, targetClosure: 'c-\uFFFD' },
    { hostname: '😀', waveIndex: 0, targetClosure: 'c-😀' },
  ]);
});

test.each([
  ['0123456789', 'stable@0123456789', 'stable@01234567'],
  ['🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀', 'stable@🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀', 'stable@🚀🚀🚀🚀🚀🚀🚀🚀'],
  ['', 'stable@', 'stable@'],
  [null, 'stable@', 'stable@unknown'],
])('the commit %j names the rollout %s, shown as %s', (ciCommit, rolloutId, displayName) => {
  const meta = { schemaVersion: 7, signedAt: '2026-05-16T01:00:00Z', ciCommit };
  expect(projectManifest(fleet({ meta }), 'stable', 'h')).toMatchObject({
    rolloutId,
    manifest: { displayName, meta: { schemaVersion: 1, ciCommit, signatureAlgorithm: 'ed25519' } },
  });
});

test('budgets are resolved over every host of the fleet, built or not, in the order declared', () => {
  const hosts = {
    ...host('b', { tags: ['t'] }),
    ...host('a', { tags: ['t'], channel: 'edge', closureHash: null }),
    ...host('c'),
  };
  const disruptionBudgets = [
    { selector: { tags: ['t'] }, maxInFlight: 1 },
    { selector: {}, maxInFlightPct: 50 },
  ];
  const projection = projectManifest(fleet({ hosts, disruptionBudgets }), 'stable', 'h');
  expect(projection.ok && projection.manifest?.disruptionBudgets).toMatchObject([
    { hosts: ['a', 'b'], maxInFlight: 1, maxInFlightPct: null },
    { hosts: [], maxInFlight: null, maxInFlightPct: 50 },
  ]);
});

test('current ids are those of the channels that yield a manifest, ascending', () => {
  const hosts = {
    ...host('a', { channel: 'z' }),
    ...host('b', { channel: 'y' }),
    ...host('c', { channel: 'undeclared' }),
    ...host('d', { channel: 'nopolicy' }),
  };
  const channels = { z: channel, y: channel, empty: channel, nopolicy: { ...channel, rolloutPolicy: 'q' } };
  expect(currentRolloutIds(fleet({ hosts, channels }))).toEqual(['y@abc', 'z@abc']);
});

test.each([
  ['stable@abc', { channel: 'stable', channelRef: 'abc' }],
  ['stable@a@b', { channel: 'stable', channelRef: 'a@b' }],
  ['stable', { channel: 'stable', channelRef: '' }],
  ['@x', { channel: '', channelRef: 'x' }],
])('the id %s is taken apart at its first @', (id, parts) => {
  expect(splitRolloutId(id)).toEqual(parts);
});
