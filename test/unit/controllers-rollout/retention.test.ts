import { expect, test } from 'vitest';
import type { Fleet } from '../../../src/api/kinds/fleet.ts';
import { fleetSpecSchema } from '../../../src/api/kinds/fleet.ts';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import { expiredRollouts } from '../../../src/core/rollout/retention.ts';
import { NOW, record, rollout, time } from './objects.ts';

const spec = fleetSpecSchema.parse({
  source: { configMapRefs: ['lab-release'] },
  trust: { configMapRef: { name: 'lab-trust', key: 'trust.json' } },
  agents: { caSecretRef: { name: 'ca' }, cnSuffix: 'fleet.example' },
});
const fleet: Fleet = {
  apiVersion: 'nixfleet.dev/v1alpha1',
  kind: 'Fleet',
  metadata: { name: 'lab' },
  spec,
  status: { channels: [{ name: 'stable', ref: 'r', rollout: 'in-force', hosts: 1 }] },
};

const superseded = (name: string, supersededAt: string, channel = 'stable'): Rollout =>
  rollout({ state: 'Superseded', supersededAt: time(supersededAt) }, { channel }, name);
const old = ['08', '07', '06', '05'].map((hour) => superseded(`at-${hour}`, `2026-03-01T${hour}:00:00Z`));

function expired(
  rollouts: readonly Rollout[],
  more: { readonly of?: Fleet; readonly records?: readonly HostRolloutRecord[] } = {},
): string[] {
  const facts = { fleet: more.of ?? fleet, rollouts, recordsOf: () => more.records ?? [], now: NOW };
  return expiredRollouts(facts).map(({ metadata }) => metadata.name);
}

test('the two newest finished attempts of a channel stay, older ones go', () => {
  expect(expired(old)).toEqual(['at-06', 'at-05']);
});

test('channels are counted apart', () => {
  expect(expired([...old, superseded('edge-1', '2026-03-01T01:00:00Z', 'edge')])).toEqual(['at-06', 'at-05']);
});

test('what ended less than minAge ago stays, however many there are', () => {
  const young = ['01', '02', '03', '04'].map((minute) =>
    superseded(`m-${minute}`, `2026-03-01T11:${minute}:00Z`),
  );
  expect(expired(young)).toEqual([]);
});

test('the rollout that the content in force names stays, even if it has ended long ago', () => {
  const inForce = rollout({ state: 'Terminal', terminalAt: time('2026-01-01T00:00:00Z') }, {}, 'in-force');
  expect(expired([...old.slice(0, 2), inForce])).toEqual([]);
});

test.each(['Opening', 'Active'] as const)('a rollout that is %s has not ended', (state) => {
  expect(expired([...old.slice(0, 2), rollout({ state }, {}, 'running')])).toEqual([]);
});

test.each([
  ['was handed its dispatch', { dispatch: { queuedAt: NOW, term: 1, deliveredAt: NOW } }],
  ['switches', { state: 'Activating' as const }],
  ['soaks', { state: 'Soaking' as const }],
])('a rollout stays while a host %s', (_title, status) => {
  expect(expired(old, { records: [record('a', status)] })).toEqual([]);
});

test('a Fleet without content in force deletes nothing', () => {
  const { status: _status, ...unverified } = fleet;
  expect(expired(old, { of: unverified })).toEqual([]);
});
