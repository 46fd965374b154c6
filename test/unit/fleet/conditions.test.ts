import { expect, test } from 'vitest';
import type { FleetStatusInput } from '../../../src/core/fleet/status.ts';
import { channel, fleetWith, statusOf } from './fixture.ts';

const RUNNING = [channel('edge', 'Active'), channel('stable', 'Active')];

/** The conditions of a Fleet whose rollouts run, as `Type=Status Reason`. */
const WELL = [
  'Ready=True InForce',
  'Verified=True Verified',
  'Fresh=True Fresh',
  'Converged=False RollingOut',
  'Deadlocked=False NoDeadlock',
  'Reconciling=False Settled',
  'Stalled=False Settled',
];

const refused = { ok: false, reason: 'BadSignature', message: 'sign anew' } as const;
const nothing = { release: undefined, channels: [] };

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
    'on hold before its rollouts are open',
    { fleet: fleetWith({}, 'Hold'), channels: [channel('edge'), channel('stable')] },
    ['Ready=False OnHold'],
  ],
  ['on hold after they are open', { fleet: fleetWith({}, 'Hold') }, []],
  [
    'of which one rollout failed',
    { channels: [channel('edge', 'Failed'), channel('stable', 'Active')] },
    ['Converged=False Halted'],
  ],
  [
    'whose source turned bad',
    { source: refused },
    ['Verified=False BadSignature', 'Stalled=True SourceRefused'],
  ],
  [
    'whose first release is bad',
    { ...nothing, source: refused },
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
    { ...nothing, contentFault: 'lab-0 is gone' },
    [
      'Ready=False ContentUnreadable',
      'Fresh=Unknown ContentUnreadable',
      'Converged=Unknown ContentUnreadable',
    ],
  ],
  ['that can never end', { deadlocks: ['web-09 is in no wave'] }, ['Deadlocked=True NeverClears']],
  [
    'in the namespace of another, with nothing in force',
    { ...nothing, taken: 'delete the Hosts' },
    [
      'Ready=False NamespaceTaken',
      'Fresh=False NothingInForce',
      'Converged=False NothingInForce',
      'Stalled=True NamespaceTaken',
    ],
  ],
  [
    'in the namespace of another, before its rollouts are open',
    { channels: [channel('edge')], taken: 'delete the Hosts' },
    ['Ready=False NamespaceTaken', 'Stalled=True NamespaceTaken'],
  ],
])('the conditions of a Fleet %s', (_, changes, differing) => {
  const { conditions = [] } = statusOf({ channels: RUNNING, ...changes });
  const wanted = WELL.map((well) => {
    const type = `${well.split('=')[0] ?? ''}=`;
    return differing.find((condition) => condition.startsWith(type)) ?? well;
  });
  expect(conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual(wanted);
});
