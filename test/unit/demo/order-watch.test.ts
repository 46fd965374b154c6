import { describe, expect, it } from 'vitest';
import type {
  HostRolloutRecord,
  HostRolloutRecordStatus,
} from '../../../src/api/kinds/host-rollout-record.ts';
import { timestampFromMillis } from '../../../src/api/time.ts';
import { OrderWatch } from '../../../src/dev/demo/order-watch.ts';
import type { FleetDesign } from '../../../src/dev/local/release.ts';

const at = timestampFromMillis(0);
const marked = { dispatch: { queuedAt: at, term: 1 } };
const delivered = { dispatch: { queuedAt: at, term: 1, deliveredAt: at } };

const fleet: FleetDesign = {
  hosts: [
    { name: 'edge-01', channel: 'edge', tags: [] },
    { name: 'db-01', channel: 'stable', tags: ['db'] },
    { name: 'db-02', channel: 'stable', tags: ['db'] },
  ],
  waves: { edge: [['edge-01']], stable: [['db-01'], ['db-02']] },
  soakMinutes: 0,
  onHealthFailure: 'halt',
  channelEdges: [{ gates: 'edge', gated: 'stable', reason: '' }],
  budgets: [{ tag: 'db', maxInFlight: 1 }],
};

type Step = readonly [host: string, status: Partial<HostRolloutRecordStatus>];

function watch(...steps: Step[]): OrderWatch {
  const order = new OrderWatch(fleet);
  for (const [host, status] of steps) order.observe(record(host, status));
  return order;
}

function record(hostname: string, status: Partial<HostRolloutRecordStatus>): HostRolloutRecord {
  const channel = fleet.hosts.find(({ name }) => name === hostname)?.channel ?? '';
  const wave = fleet.waves[channel]?.findIndex((hosts) => hosts.includes(hostname)) ?? 0;
  return {
    apiVersion: 'nixfleet.dev/v1alpha1',
    kind: 'HostRolloutRecord',
    metadata: { name: `${channel}.${hostname}` },
    spec: {
      rolloutRef: channel,
      rolloutId: `${channel}@a1`,
      attempt: 1,
      hostname,
      hostRef: hostname,
      channel,
      ref: 'a1',
      wave,
      targetClosure: 't',
      soakMinutes: 0,
      onHealthFailure: 'halt',
      firstSeq: 0,
      dispatchedAt: at,
    },
    status: { state: 'Pending', lastEventSeq: 0, ...status },
  };
}

const opened: Step[] = [
  ['edge-01', {}],
  ['db-01', {}],
  ['db-02', {}],
];
const edgeDone: Step = ['edge-01', { state: 'Converged', ...delivered }];

describe('the order that the demo holds the operator to', () => {
  it('finds nothing wrong where each waits for the one before', () => {
    const order = watch(
      ...opened,
      ['edge-01', marked],
      edgeDone,
      ['db-01', marked],
      ['db-01', delivered],
      ['db-01', { state: 'Soaking', ...delivered }],
      ['db-01', { state: 'Converged', ...delivered }],
      ['db-02', marked],
      ['db-02', { state: 'Activating', ...delivered }],
    );
    expect(order.violations).toEqual([]);
    expect(order.peaks).toEqual(new Map([['db', 1]]));
  });

  it('finds a wave that starts before the one ahead of it is done', () => {
    const order = watch(
      ...opened,
      edgeDone,
      ['db-01', { state: 'Soaking', ...delivered }],
      ['db-02', marked],
    );
    expect(order.violations).toEqual(['db-02 (wave 1) was let through before db-01 (wave 0) was done']);
  });

  it('finds a channel that starts before the one it waits for', () => {
    const order = watch(...opened, ['db-01', marked]);
    expect(order.violations).toEqual(['db-01 (stable) was let through before edge-01 (edge) was done']);
  });

  it('finds a budget that is exceeded, a delivered dispatch counting like a switch', () => {
    const order = watch(
      ...opened,
      edgeDone,
      ['db-01', delivered],
      ['db-02', { state: 'Soaking', ...delivered }],
    );
    expect(order.violations).toContain('db-01 and db-02 were in flight at once, the budget of tag db is 1');
  });

  it('counts no mark that was not delivered', () => {
    expect(watch(...opened, edgeDone, ['db-01', marked]).peaks).toEqual(new Map());
  });
});
