import { describe, expect, it } from 'vitest';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import { demoFleet } from '../../../src/dev/demo/design.ts';
import type { FleetState } from '../../../src/dev/demo/observed-fleet.ts';
import { picture } from '../../../src/dev/demo/picture.ts';
import { facts } from '../../../src/dev/demo/screen.ts';

const nothing: FleetState = { fleet: undefined, rollouts: [], records: [], hosts: [], quarantines: [] };

const rollout: Rollout = {
  apiVersion: 'nixfleet.dev/v1alpha1',
  kind: 'Rollout',
  metadata: { name: 'stable-a1' },
  spec: {
    rolloutId: 'stable@a1b2c3d4e5',
    channel: 'stable',
    channelRef: 'a1b2c3d4e5',
    attempt: 1,
    fleetRef: 'lab',
    hostCount: 5,
    hostSetHash: '',
    waves: 3,
    onHealthFailure: 'halt',
    budgets: [],
    intent: { hold: 'None', retry: [] },
  },
  status: {
    state: 'Active',
    currentWave: 1,
    blocked: [{ gate: 'channel-edges', count: 1, reason: 'waits for edge', hosts: ['web-01'] }],
  },
};

describe('the picture of the demo', () => {
  it('draws a channel without a rollout, too', () => {
    expect(picture(nothing, demoFleet, false)[0]).toBe('edge     no rollout yet');
  });

  it('draws waves, hosts and the first gate with its reason', () => {
    const lines = picture({ ...nothing, rollouts: [rollout] }, demoFleet, false);
    expect(lines.slice(5)).toMatchInlineSnapshot(`
      [
        "stable   a1b2c3d4  Active     wave 2/3  converged 0/5",
        "   wave 1   · web-01",
        "   wave 2   · web-02   · web-03",
        "   wave 3   · db-01   · db-02",
        "   held by channel-edges: web-01: waits for edge",
      ]
    `);
  });

  it('tells readers of lines of a rollout and of what holds it', () => {
    expect(facts({ ...nothing, rollouts: [rollout] }, demoFleet).map(([, text]) => text)).toEqual([
      'stable: Active, wave 2/3',
      'stable: held by channel-edges: web-01: waits for edge',
    ]);
  });
});
